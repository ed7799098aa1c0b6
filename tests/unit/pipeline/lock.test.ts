import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { describe, expect, test, vi } from "vitest";
import type { Clock } from "../../../pipeline/clock.ts";
import { UsageError } from "../../../pipeline/errors.ts";
import { type Lock, lock } from "../../../pipeline/lock.ts";
import { useFolder } from "../../helpers/folder.ts";

const at = useFolder();

/** A clock whose sleeps end at once, after what happens meanwhile. */
function clockThat(meanwhile: () => void): Clock {
  return {
    now: () => 0,
    sleep: async () => meanwhile(),
  };
}

const never: Clock = clockThat(() => {
  throw new Error("nobody was to wait");
});

function take({ env = {}, clock = never }: { env?: NodeJS.ProcessEnv; clock?: Clock } = {}): Promise<Lock> {
  return lock(at(), { env, clock });
}

/** The owner that this process makes itself known as, with changes. */
async function ownerLike(changes: Record<string, unknown>): Promise<void> {
  const held = await take();
  const owner = JSON.parse(readFileSync(at("lock"), "utf8"));
  held.release();
  writeFileSync(at("lock"), JSON.stringify({ ...owner, id: "other", ...changes }));
}

/** Makes the lock look as if it had last been touched so many seconds ago. */
function silentFor(seconds: number): void {
  const then = Date.now() / 1000 - seconds;
  utimesSync(at("lock"), then, then);
}

describe("a lock", () => {
  test("names its owner, and is gone when it is released", async () => {
    const held = await take({ env: { SLURM_JOB_ID: "77", SLURM_RESTART_COUNT: "2" } });
    expect(JSON.parse(readFileSync(at("lock"), "utf8"))).toMatchObject({
      host: hostname(),
      pid: process.pid,
      job: "77",
      restarts: 2,
    });
    held.check();
    held.release();
    expect(readdirSync(at())).toEqual([]);
  });

  test("makes the folder that it is for", async () => {
    (await lock(at("deep", "folder"), { env: {}, clock: never })).release();
    expect(existsSync(at("deep", "folder"))).toBe(true);
  });

  test("of this process is respected by itself", async () => {
    const held = await take();
    await expect(take()).rejects.toThrow(`process ${process.pid} is working on this run`);
    held.release();
    (await take()).release();
  });

  test("of a live process of this machine is respected, however silent", async () => {
    const other = spawn("sleep", ["60"]);
    try {
      await ownerLike({ pid: other.pid, started: null });
      silentFor(3600);
      await expect(take()).rejects.toThrow(UsageError);
      await expect(take()).rejects.toThrow(
        `process ${other.pid} is working on this run; wait for it or use another --output`,
      );
    } finally {
      other.kill();
    }
  });

  test.runIf(process.platform === "linux")("of a dead process whose number another has now is taken over", async () => {
    const other = spawn("sleep", ["60"]);
    try {
      await ownerLike({ pid: other.pid, started: "1" });
      (await take()).release();
      await ownerLike({ pid: other.pid, started: null });
      await expect(take()).rejects.toThrow(`if ${other.pid} is no flipturn any more, remove ${at("lock")}`);
    } finally {
      other.kill();
    }
  });

  test("whose right to be taken over a killed process has left is taken over all the same", async () => {
    await ownerLike({ pid: spawnSync("true").pid });
    const owner = JSON.parse(readFileSync(at("lock"), "utf8"));
    writeFileSync(at("lock.after-other"), JSON.stringify({ ...owner, id: "killed" }));
    (await take()).release();
    expect(readdirSync(at())).toEqual([]);
  });

  test("that a live process is just taking over is left to it", async () => {
    const other = spawn("sleep", ["60"]);
    try {
      await ownerLike({ pid: spawnSync("true").pid });
      const owner = JSON.parse(readFileSync(at("lock"), "utf8"));
      const right = { ...owner, pid: other.pid, started: null, id: "quicker" };
      writeFileSync(at("lock.after-other"), JSON.stringify(right));
      await expect(take()).rejects.toThrow(`process ${other.pid} is working on this run`);
    } finally {
      other.kill();
    }
  });

  test("that is a folder, or in a folder that vanishes, is refused in words", async () => {
    mkdirSync(at("lock"));
    await expect(take()).rejects.toThrow(`${at("lock")}: is a folder; expected the file`);
    rmSync(at("lock"), { recursive: true });
    writeFileSync(at("lock"), "half");
    const clock = clockThat(() => rmSync(at(), { recursive: true }));
    await expect(take({ clock })).rejects.toThrow("cannot be written to (ENOENT)");
    mkdirSync(at());
  });

  test("of a dead process of this machine is taken over at once", async () => {
    await ownerLike({ pid: spawnSync("true").pid });
    (await take()).release();
    expect(existsSync(at("lock"))).toBe(false);
  });

  test("of another machine that has been silent for a minute is taken over at once", async () => {
    await ownerLike({ host: "elsewhere", boot: "b" });
    silentFor(61);
    const held = await take();
    held.check();
    held.release();
  });

  test("of another machine that shows itself is respected", async () => {
    await ownerLike({ host: "elsewhere", boot: "b", pid: 4242 });
    silentFor(20);
    await expect(take({ clock: clockThat(() => silentFor(0)) })).rejects.toThrow(
      "process 4242 on elsewhere is working on this run",
    );
  });

  test("of another machine that stays silent is waited for, and then taken over", async () => {
    await ownerLike({ host: "elsewhere", boot: "b" });
    let silent = 15;
    silentFor(silent);
    const waits: number[] = [];
    const clock: Clock = {
      now: () => 0,
      sleep: async (ms) => {
        waits.push(ms);
        silent += ms / 1000;
        silentFor(silent);
      },
    };
    (await take({ clock })).release();
    expect(waits.length).toBeGreaterThan(3);
    expect(waits.every((ms) => ms <= 10_000)).toBe(true);
  });

  test("of the same job's earlier start is taken over at once, on whatever machine it was", async () => {
    await ownerLike({ host: "elsewhere", boot: "b", job: "77", restarts: 0 });
    (await take({ env: { SLURM_JOB_ID: "77", SLURM_RESTART_COUNT: "1" } })).release();
  });

  test("of another job is not", async () => {
    await ownerLike({ host: "elsewhere", boot: "b", job: "78", restarts: 0 });
    silentFor(0);
    const clock = clockThat(() => {
      // The clock of a file system is coarse: its owner shows itself a good deal later.
      const later = Date.now() / 1000 + 5;
      utimesSync(at("lock"), later, later);
    });
    await expect(take({ env: { SLURM_JOB_ID: "77", SLURM_RESTART_COUNT: "1" }, clock })).rejects.toThrow(UsageError);
  });

  test("that cannot be read is taken over when it is no more being written", async () => {
    writeFileSync(at("lock"), "not an owner");
    silentFor(5);
    (await take()).release();
  });

  test("that was taken over is noticed by who had it, and left to the other", async () => {
    const held = await take();
    const other = JSON.stringify({ ...JSON.parse(readFileSync(at("lock"), "utf8")), id: "other" });
    writeFileSync(at("lock"), other);
    expect(() => held.check()).toThrow("another process has taken over");
    held.release();
    expect(readFileSync(at("lock"), "utf8")).toBe(other);
  });

  test("of several who take it over, one has it", async () => {
    await ownerLike({ pid: spawnSync("true").pid });
    const all = await Promise.allSettled(Array.from({ length: 5 }, () => take()));
    const won = all.filter((each) => each.status === "fulfilled");
    expect(won.length).toBe(1);
    for (const { value } of won) value.release();
    expect(readdirSync(at())).toEqual([]);
  });

  test("in a folder that cannot be made is refused with its name", async () => {
    writeFileSync(at("file"), "");
    await expect(lock(at("file"), { env: {}, clock: never })).rejects.toThrow(at("file"));
  });

  test("is touched by writing, so that the file server's clock counts", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      const held = await take();
      const before = statSync(at("lock"));
      silentFor(50);
      vi.advanceTimersByTime(10_000);
      const touched = statSync(at("lock"));
      expect(touched.mtimeMs).toBeGreaterThanOrEqual(before.mtimeMs);
      expect(touched.ino).toBe(before.ino);
      held.release();
    } finally {
      vi.useRealTimers();
    }
  });

  test("that was taken over while its owner stood still is told to the owner", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      const told: string[] = [];
      const held = await lock(at(), { env: {}, clock: never }, undefined, ({ message }) => told.push(message));
      const owner = JSON.parse(readFileSync(at("lock"), "utf8"));
      vi.advanceTimersByTime(10_000);
      expect(told).toEqual([]);
      writeFileSync(at("lock"), JSON.stringify({ ...owner, id: "other" }));
      vi.advanceTimersByTime(10_000);
      expect(told).toEqual([expect.stringContaining("another process has taken over")]);
      held.release();
    } finally {
      vi.useRealTimers();
    }
  });

  test("is not touched by who has lost it, and a touch that fails ends nothing", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      const held = await take();
      const other = JSON.stringify({ ...JSON.parse(readFileSync(at("lock"), "utf8")), id: "other" });
      writeFileSync(at("lock"), other);
      silentFor(50);
      const { mtimeMs } = statSync(at("lock"));
      vi.advanceTimersByTime(10_000);
      expect(statSync(at("lock")).mtimeMs).toBe(mtimeMs);
      expect(held.isOurs()).toBe(false);
      rmSync(at("lock"));
      mkdirSync(at("lock"));
      vi.advanceTimersByTime(10_000);
      held.release();
      expect(existsSync(at("lock"))).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([
    ["another has it", (text: string) => writeFileSync(at("lock"), text.replace(/"id":"/, '"id":"other'))],
    ["another has had it and is done", () => rmSync(at("lock"))],
  ])("tells its owner at the next touch that it is lost: %s", async (_, lose) => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      const heard: string[] = [];
      const held = await lock(at(), { env: {}, clock: never }, undefined, ({ message }) => heard.push(message));
      vi.advanceTimersByTime(10_000);
      expect(heard).toEqual([]);
      lose(readFileSync(at("lock"), "utf8"));
      vi.advanceTimersByTime(10_000);
      expect(heard).toEqual([expect.stringContaining("another process has taken over")]);
      held.release();
    } finally {
      vi.useRealTimers();
    }
  });
});
