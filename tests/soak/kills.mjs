// Kills a run at moments that a seed draws, starts it again, and kills it again: whenever one ends by itself its dataset
// must have the bytes of a run that nobody killed. `npm run build && node tests/soak/kills.mjs [kills] [seed]`.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

const ROWS = 40;

/** The same numbers between 0 and 1 for the same seed. */
function* drawn(seed) {
  for (let place = 0; ; place++)
    yield createHash("sha256").update(`${seed} ${place}`).digest().readUInt32BE(0) / 2 ** 32;
}

function row(at) {
  const turn = (role, content) => ({ role, content });
  const first = `please tell me all about topic number ${at % 90} and its history`;
  return {
    id: `${at}`,
    user: `u${at % 60}`,
    messages: [turn("user", first), turn("assistant", "sure"), turn("user", "thanks")],
  };
}

/** Runs; kills after so many ms (null = never). Returns the exit code; null = it was killed. */
function run(folder, output, killMs) {
  const cli = join(import.meta.dirname, "../../dist/scripts/flipturn.js");
  const input = [
    "--source",
    "chat",
    "--input",
    join(folder, "in.jsonl"),
    "--columns",
    "id=id,user=user,messages=messages",
  ];
  const argv = [cli, "run", ...input, "--language", "any", "--intents", "none", "--output", output, "--threads", "2"];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...argv, "--set", "shards=3"], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (text) => {
      said += text;
    });
    const timer = killMs === null ? undefined : setTimeout(() => child.kill("SIGKILL"), killMs);
    child.once("exit", (code) => {
      clearTimeout(timer);
      if (code) process.stdout.write(`exit ${code}: ${said.slice(-500)}\n`);
      resolve(code);
    });
  });
}

/** Hash over all files of the dataset by their paths. */
function hashOf(output) {
  const root = join(output, "dataset");
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  const paths = files.map((each) => join(each.parentPath, each.name)).sort();
  const hash = createHash("sha256");
  for (const path of paths) hash.update(relative(root, path)).update(readFileSync(path));
  return hash.digest("hex");
}

const [kills = 60, seed = 1] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), "flipturn-kills-"));
writeFileSync(
  join(folder, "in.jsonl"),
  Array.from({ length: ROWS }, (_, at) => `${JSON.stringify(row(at))}\n`).join(""),
);
const started = performance.now();
await run(folder, join(folder, "whole"), null);
const longestMs = performance.now() - started;
const expected = hashOf(join(folder, "whole"));
const random = drawn(seed);
let [killed, ended, wrong] = [0, 0, 0];
const output = join(folder, "cut");
while (killed < kills || ended === 0) {
  const code = await run(folder, output, killed < kills ? random.next().value * longestMs : null);
  if (code === null) killed += 1;
  else {
    ended += 1;
    if (code !== 0 || hashOf(output) !== expected) wrong += 1;
    rmSync(output, { recursive: true, force: true });
  }
  process.stdout.write(`${killed} of ${kills} kills, ${ended} ended, ${wrong} wrong\n`);
}
rmSync(folder, { recursive: true });
process.stdout.write(
  `${killed} kills, ${ended} runs that ended, ${wrong} of them otherwise than one that nobody killed\n`,
);
process.exitCode = wrong > 0 ? 1 : 0;
