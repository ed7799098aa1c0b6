import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { must } from "../../scripts/venv.ts";
import { startWriteHub } from "../servers/hub-write.ts";

/** What is published: the form and the kind of its files. */
const CASES = [
  { name: "samples", flags: [] },
  { name: "tokens", flags: ["--form", "tokens", "--layout", "conversations"] },
  { name: "bins", flags: ["--form", "tokens", "--packing"] },
  { name: "weighted", flags: ["--form", "axolotl", "--layout", "conversations", "--end-labels", "weighted"] },
  { name: "trl-jsonl", flags: ["--form", "trl", "--file-format", "jsonl"] },
];

/**
 * Publishes the demo dataset to a Hub on loopback and writes what arrived as somebody would clone it, for `published.py`,
 * with the number of rows of each split.
 */
export async function writePublished(folder: string): Promise<void> {
  const hub = await startWriteHub({ token: "hf_test", user: "you" });
  try {
    for (const { name, flags } of CASES) {
      const output = join(folder, "runs", name);
      must([process.execPath, "dist/scripts/flipturn.js", "demo", "--output", output, "--json", ...flags], {
        stdio: "ignore",
      });
      const repo = `you/${name}`;
      await publish(["--output", output, "--repo", repo, "--yes", "--tag", "v1"], hub.url);
      for (const [path, { content }] of hub.repos.get(repo)?.files ?? []) {
        const place = join(folder, "clones", name, path);
        mkdirSync(dirname(place), { recursive: true });
        writeFileSync(place, content);
      }
    }
  } finally {
    await hub.close();
  }
}

/** In a process of its own, while the Hub answers in this one. */
function publish(flags: readonly string[], url: string): Promise<void> {
  const env = { ...process.env, HF_TOKEN: "hf_test", HF_ENDPOINT: url };
  const child = spawn(process.execPath, ["dist/scripts/flipturn.js", "publish", ...flags], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  return new Promise((resolve, reject) => {
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`publish: exit ${code}\n${said}`))));
  });
}
