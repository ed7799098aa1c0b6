import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";

/** Licences under which a package may be used by, and stand beside, software under Apache-2.0 without more than its notice. */
const FREE = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "Unlicense",
]);

const Lock = z.object({
  packages: z.record(
    z.string(),
    z.object({ license: z.string().optional(), dev: z.boolean().optional(), devOptional: z.boolean().optional() }),
  ),
});

/** True if one of the choices that a licence gives is free in all its parts. */
function isFree(license: string): boolean {
  const choices = license.replaceAll(/[()]/g, "").split(/ or /i);
  return choices.some((choice) => choice.split(/ and /i).every((part) => FREE.has(part.trim())));
}

test("every package that an installed flipturn needs may be used beside software under Apache-2.0", () => {
  const { packages } = Lock.parse(
    JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8")),
  );
  const needed = Object.entries(packages).filter(([path, { dev, devOptional }]) => path !== "" && !dev && !devOptional);
  expect(needed.length).toBeGreaterThan(50);
  const others = needed.filter(([, { license }]) => license === undefined || !isFree(license));
  expect(others.map(([path, { license }]) => `${path}: ${license ?? "no licence"}`)).toEqual([]);
});

test.each([
  ["MIT or MPL-2.0", true],
  ["(BSD-3-Clause AND Apache-2.0)", true],
  ["GPL-3.0-or-later", false],
  ["MIT AND GPL-2.0", false],
  ["SEE LICENSE IN x", false],
])("%s is free: %s", (license, expected) => expect(isFree(license)).toBe(expected));
