import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where Chromium is on this machine: FLIPTURN_CHROMIUM or where Linux distributions put it; undefined = nowhere. */
export const chromiumPath = [process.env["FLIPTURN_CHROMIUM"], ...PLACES].find((path) => path && existsSync(path));

/** Starts a Chromium without a window. As root it needs to be without its sandbox. */
export async function openBrowser(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error("no Chromium; set FLIPTURN_CHROMIUM or install it");
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({ executablePath: chromiumPath, args: isRoot ? ["--no-sandbox"] : [] });
}
