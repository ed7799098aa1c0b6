// Six processes that fight for the locks of folders whose owner is dead, round after round, and that are killed in
// between: `npm run build && node tests/soak/locks.mjs [rounds] [chance of a kill]`. Ends with 1 if two had a folder at once.

import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const PROCESSES = 6;

/** Takes and leaves the lock of each round's folder some times; whoever stands beside us there is noted. */
async function fight(folder, rounds, killed, me) {
  const { lock } = await import("../../dist/pipeline/lock.js");
  const { realClock } = await import("../../dist/pipeline/clock.js");
  const note = (text) => appendFileSync(join(folder, "log"), `${text}\n`);
  const place = join(folder, `at-${me}`); // one that was killed goes on with the next round
  for (let round = existsSync(place) ? Number(readFileSync(place, "utf8")) + 1 : 0; round < rounds; round++) {
    writeFileSync(place, `${round}`);
    while (!existsSync(join(folder, `${round}.go`))) await delay(1);
    for (let time = 0; time < 6; time++) {
      try {
        const held = await lock(join(folder, `${round}`), { env: {}, clock: realClock });
        const mine = `${round}.in-${me}`;
        writeFileSync(join(folder, mine), "");
        const others = readdirSync(folder).filter((name) => name.startsWith(`${round}.in-`) && name !== mine);
        note(others.length > 0 ? `two ${mine} ${others}` : "one");
        await delay(Math.random() * 4);
        held.check();
        rmSync(join(folder, mine));
        if (Math.random() < killed) process.kill(process.pid, "SIGKILL");
        held.release();
      } catch (error) {
        if (!/working on this run|just taken/.test(error.message)) note(`wrong ${error.stack}`);
      }
    }
  }
}

async function main(rounds, killed) {
  const folder = mkdtempSync(join(tmpdir(), "flipturn-locks-"));
  const boot = `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${readlinkSync("/proc/self/ns/pid")}`;
  const dead = { host: hostname(), pid: spawnSync("true").pid, boot, job: null, restarts: 0 };
  const ends = Array.from({ length: PROCESSES }, async (_, me) => {
    for (let code = null; code !== 0; )
      code = await new Promise((resolve) => {
        const argv = [fileURLToPath(import.meta.url), "--child", folder, rounds, killed, me];
        spawn(process.execPath, argv.map(String), { stdio: "inherit" }).once("exit", resolve);
      });
  });
  for (let round = 0; round < rounds; round++) {
    mkdirSync(join(folder, `${round}`));
    writeFileSync(join(folder, `${round}`, "lock"), JSON.stringify({ ...dead, id: `dead${round}` }));
    writeFileSync(join(folder, `${round}.go`), "");
    await delay(40);
  }
  await Promise.all(ends);
  const lines = readFileSync(join(folder, "log"), "utf8").trim().split("\n");
  const wrong = lines.filter((line) => line !== "one");
  process.stdout.write(`${lines.length - wrong.length} times one holder, ${wrong.length} times not\n`);
  process.stdout.write(
    wrong
      .slice(0, 5)
      .map((line) => `${line}\n`)
      .join(""),
  );
  rmSync(folder, { recursive: true });
  process.exitCode = wrong.length > 0 ? 1 : 0;
}

const [first, ...rest] = process.argv.slice(2);
if (first === "--child") await fight(rest[0], Number(rest[1]), Number(rest[2]), rest[3]);
else await main(Number(first ?? 40), Number(rest[0] ?? 0.02));
