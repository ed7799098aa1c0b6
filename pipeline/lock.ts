import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { Environment } from "./environment.ts";
import { systemCode, UsageError } from "./errors.ts";
import { isRunning } from "./files/atomic-file.ts";

/** Who holds a folder. */
const Owner = z.strictObject({
  host: z.string(),
  pid: z.int(),
  /** Of the machine since it was started, and of the processes that can see one another: the same pid means the same process. */
  boot: z.string(),
  /** Job of a scheduler, and how often it was started anew; null = none. */
  job: z.string().nullable(),
  restarts: z.int(),
  /** Tells two locks of one process apart. */
  id: z.string(),
});
type Owner = z.infer<typeof Owner>;

/** How often an owner shows that it is there, and after how long without that it is taken for dead. */
const TOUCH_MS = 10_000;
const STALE_MS = 60_000;
/** A lock that cannot be read is being written, if it is as young as this. */
const MOMENT_MS = 1000;

/** A folder that is held by this process, or was. */
export interface Lock {
  /** Throws UsageError if somebody else has taken the folder over, as they may if this process was silent for a minute. */
  check(): void;
  /** True if nobody has taken it over. */
  isOurs(): boolean;
  release(): void;
}

/** The locks that this process holds, by path. */
const held = new Map<string, Owner>();

/**
 * Takes a folder for this process. A lock is taken over at once from a dead process of this machine and from the same
 * job's earlier start, and from any other owner that has not shown itself for a minute by the clock of the file server,
 * for which it waits. Throws UsageError if another process has the folder and is there.
 */
export async function lock(
  folder: string,
  { env, clock }: Pick<Environment, "env" | "clock">,
  signal: AbortSignal = new AbortController().signal,
): Promise<Lock> {
  makeFolder(folder);
  const path = join(folder, "lock");
  const own = ownerHere(env);
  for (let tries = 0; tries < 10; tries++) {
    if (take(folder, path, own)) return holding(path, own);
    const found = ownerIn(path);
    // Where there are no links the content comes a moment after the name.
    if (found === null && (silenceMs(path, folder) ?? STALE_MS) < MOMENT_MS) {
      await clock.sleep(MOMENT_MS / 4, signal);
      continue;
    }
    if (found !== null && !(await isGone(found, path, folder, own, (ms) => clock.sleep(ms, signal)))) continue;
    takeAway(path, found);
  }
  throw new UsageError(`${folder}: another process has just taken this run`);
}

function ownerHere(env: NodeJS.ProcessEnv): Owner {
  return {
    host: hostname(),
    pid: process.pid,
    boot: bootHere(),
    job: env["SLURM_JOB_ID"] ?? env["AWS_BATCH_JOB_ID"] ?? null,
    restarts: Number(env["SLURM_RESTART_COUNT"] ?? env["AWS_BATCH_JOB_ATTEMPT"] ?? 0) || 0,
    id: randomBytes(6).toString("hex"),
  };
}

/** Linux only; elsewhere machines are told apart by name alone. */
function bootHere(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}

/** Makes the lock with its content at once, so that nobody ever sees an empty one. False if somebody has it. */
function take(folder: string, path: string, own: Owner): boolean {
  const draft = `${path}.${own.id}`;
  try {
    writeFileSync(draft, JSON.stringify(own));
    place(draft, path, own);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw cannotWrite(folder, error);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Gives a written owner the lock's name. Throws EEXIST if the name is taken. */
function place(draft: string, path: string, owner: Owner): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    // A file system without links: the name is taken first, and the content comes a moment later.
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(systemCode(error) ?? "")) throw error;
    writeFileSync(path, JSON.stringify(owner), { flag: "wx" });
  }
}

/** Who holds the folder; null = nobody any more, or nobody who can be read. */
function ownerIn(path: string): Owner | null {
  try {
    return Owner.safeParse(JSON.parse(readFileSync(path, "utf8"))).data ?? null;
  } catch {
    return null;
  }
}

/** True if the owner may be taken for dead; false if the lock has changed hands. Throws UsageError if the owner is there. */
async function isGone(
  owner: Owner,
  path: string,
  folder: string,
  own: Owner,
  sleep: (ms: number) => Promise<void>,
): Promise<boolean> {
  if (owner.job !== null && owner.job === own.job && owner.restarts < own.restarts) return true;
  if (owner.host === own.host && owner.boot === own.boot) {
    if (!isAlive(owner, path)) return true;
    throw new UsageError(`${folder}: process ${owner.pid} is working on this run; wait for it or use another --output`);
  }
  const first = touchedMs(path);
  for (let silent = silenceMs(path, folder); silent !== null && silent < STALE_MS; silent = silenceMs(path, folder)) {
    if ((touchedMs(path) ?? 0) > (first ?? 0))
      throw new UsageError(
        `${folder}: process ${owner.pid} on ${owner.host} is working on this run; wait for it or use another --output`,
      );
    await sleep(Math.min(TOUCH_MS, STALE_MS - silent));
  }
  return ownerIn(path)?.id === owner.id;
}

/** True if the process that took a lock is there; one with our own number, as in a container, only if we hold the lock. */
function isAlive({ pid, id }: Owner, path: string): boolean {
  return pid === process.pid ? held.get(path)?.id === id : isRunning(pid);
}

/** When a lock was touched last, by the clock of whoever keeps the files; null = it is gone. */
function touchedMs(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

/** How long a lock has not been touched, by the clock of whoever keeps the files; null = it is gone. */
function silenceMs(path: string, folder: string): number | null {
  const probe = join(folder, `lock.now-${randomBytes(6).toString("hex")}`);
  try {
    writeFileSync(probe, "");
    const now = statSync(probe).mtimeMs;
    return Math.max(0, now - statSync(path).mtimeMs);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  } finally {
    rmSync(probe, { force: true });
  }
}

/** Takes a lock away if it is still that owner's; of several who try one succeeds. */
function takeAway(path: string, owner: Owner | null): void {
  const aside = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw error;
  }
  const taken = ownerIn(aside);
  try {
    // Somebody else took it over between our look and the renaming: it is given back.
    if (taken !== null && taken.id !== owner?.id) place(aside, path, taken);
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function holding(path: string, own: Owner): Lock {
  held.set(path, own);
  const isOurs = () => ownerIn(path)?.id === own.id;
  const touch = () => {
    try {
      // Writing, and not setting the time, is what makes the file server use its own clock.
      if (isOurs()) writeFileSync(path, JSON.stringify(own), { flag: "r+" });
    } catch {
      // A disk that is full or away for the moment: the next touch may succeed, and `check` says if the lock is gone.
    }
  };
  const timer = setInterval(touch, TOUCH_MS);
  timer.unref();
  return {
    isOurs,
    check() {
      if (isOurs()) return;
      throw new UsageError(
        `${path}: another process has taken over, since this one was silent for a minute; what is done is kept`,
      );
    },
    release() {
      clearInterval(timer);
      held.delete(path);
      if (isOurs()) rmSync(path, { force: true });
    },
  };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

/** Says that the folder of the run cannot be used, if that is why it failed. */
function cannotWrite(folder: string, cause: unknown): unknown {
  const code = systemCode(cause) ?? "";
  if (!["EACCES", "EPERM", "EROFS", "EEXIST", "ENOTDIR"].includes(code)) return cause;
  return new UsageError(
    `${folder}: cannot be written to (${code}); choose another --output or change its permissions`,
    { cause },
  );
}
