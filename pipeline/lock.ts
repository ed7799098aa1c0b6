import { randomBytes } from "node:crypto";
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
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
  /** When the process was started, in ticks of its machine, so that a later process with its number is not taken for it; null = not known. */
  started: z.string().nullable().default(null),
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

/** Called when a lock turns out to be somebody else's, as after a stop of this process. */
export type OnLost = (error: UsageError) => void;

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
  onLost: OnLost = () => {},
): Promise<Lock> {
  const path = join(folder, "lock");
  const own = ownerHere(env);
  try {
    mkdirSync(folder, { recursive: true });
    requireFile(path);
    const isOurs = await taken({ folder, path, own, sleep: (ms) => clock.sleep(ms, signal) });
    if (isOurs) return holding(path, own, onLost);
  } catch (error) {
    throw cannotWrite(folder, error);
  }
  throw new UsageError(`${folder}: another process has just taken this run`);
}

/** A try to take a folder. */
type Try = {
  readonly folder: string;
  readonly path: string;
  readonly own: Owner;
  readonly sleep: (ms: number) => Promise<void>;
};

/** True if the lock is ours now; false if others were quicker each time. Throws UsageError if its owner is there. */
async function taken(each: Try): Promise<boolean> {
  const { folder, path, own, sleep } = each;
  for (let tries = 0; tries < 10; tries++) {
    if (make(path, own)) {
      held.set(path, own);
      return true;
    }
    const found = look(path);
    if (found === null) continue;
    // Where there are no links the content comes a moment after the name.
    if (found === UNREADABLE && (silenceMs(path, folder) ?? 0) < MOMENT_MS) await sleep(MOMENT_MS / 4);
    else if (found !== UNREADABLE && !(await isGone(found, path, each))) continue;
    else if (await replace(found, each)) return true;
  }
  return false;
}

function ownerHere(env: NodeJS.ProcessEnv): Owner {
  return {
    host: hostname(),
    pid: process.pid,
    started: processHere(process.pid)?.started ?? null,
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

/** Throws UsageError if something else has the name of a lock. */
function requireFile(path: string): void {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new UsageError(`${path}: is a folder; expected the file that says who works on this run: move it away`);
}

/** Makes a file that names its owner, with its content at once, so that nobody ever sees an empty one. False if it is there. */
function make(path: string, own: Owner): boolean {
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(draft, JSON.stringify(own));
    place(draft, path, own);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
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

/** What stands in a lock that nobody can read. */
const UNREADABLE = "unreadable";

/** Whom a lock names, by one look; null = there is none. */
function look(path: string): Owner | typeof UNREADABLE | null {
  try {
    return Owner.safeParse(JSON.parse(readFileSync(path, "utf8"))).data ?? UNREADABLE;
  } catch (error) {
    return systemCode(error) === "ENOENT" ? null : UNREADABLE;
  }
}

/** Who holds the folder; null = nobody any more, or nobody who can be read. */
function ownerIn(path: string): Owner | null {
  const found = look(path);
  return found === UNREADABLE ? null : found;
}

/** True if the owner that a file names may be taken for dead; false if the file has changed hands. Throws UsageError if the owner is there. */
async function isGone(owner: Owner, path: string, { folder, own, sleep }: Try): Promise<boolean> {
  if (owner.job !== null && owner.job === own.job && owner.restarts < own.restarts) return true;
  if (owner.host === own.host && owner.boot === own.boot) {
    if (!isAlive(owner, path)) return true;
    throw new UsageError(`${folder}: process ${owner.pid} is working on this run; ${hint(owner, path)}`);
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

/** What to do about a process that is there. Where nothing tells when it was started it may be another with its number. */
function hint({ started, pid }: Owner, path: string): string {
  const wait = "wait for it or use another --output";
  return started === null ? `${wait}; if ${pid} is no flipturn any more, remove ${path}` : wait;
}

/** True if the process that took a lock is there; one with our own number, as in a container, only if we hold the lock. */
function isAlive({ pid, id, started }: Owner, path: string): boolean {
  if (pid === process.pid) return held.get(path)?.id === id;
  const now = processHere(pid);
  if (now === null) return isRunning(pid);
  return now.state !== "Z" && (started === null || now.started === started);
}

/** State of a process (Z = it has ended, and its parent has not asked), and when it was started; null = nobody tells. Linux only. */
function processHere(pid: number): { state: string; started: string } | null {
  try {
    // After the name, which may hold anything, in brackets: the state first, the start as the twentieth.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return { state: fields[0] ?? "", started: fields[19] ?? "" };
  } catch {
    return null;
  }
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

/**
 * Puts our lock in the place of one whose owner is gone, or that nobody can read. The right to do so is a file
 * that names that owner and that one process alone can make; so a lock never changes hands twice on the same look. The
 * right of a process that is gone too is taken over in the same way. False if somebody else was quicker.
 */
async function replace(gone: Owner | typeof UNREADABLE, each: Try): Promise<boolean> {
  const { path, own } = each;
  const rights: string[] = [];
  for (let last = gone; ; ) {
    const right = `${path}.after-${nameOf(last)}`;
    rights.push(right);
    if (make(right, own)) break;
    const claimed = ownerIn(right);
    if (claimed === null || rights.length > 10 || !(await isGone(claimed, right, each))) return false;
    last = claimed;
  }
  const now = look(path);
  const isStill = now !== null && nameOf(now) === nameOf(gone);
  if (isStill) {
    renameSync(rights.pop() as string, path);
    held.set(path, own);
  }
  for (const right of rights) rmSync(right, { force: true });
  return isStill;
}

const nameOf = (owner: Owner | typeof UNREADABLE) => (owner === UNREADABLE ? UNREADABLE : owner.id);

function holding(path: string, own: Owner, onLost: OnLost): Lock {
  const isOurs = () => ownerIn(path)?.id === own.id;
  const lost = () =>
    new UsageError(
      `${path}: another process has taken over, since this one was silent for a minute; what is done is kept`,
    );
  const touch = () => {
    try {
      // Writing, and not setting the time, is what makes the file server use its own clock.
      if (isOurs()) return writeFileSync(path, JSON.stringify(own), { flag: "r+" });
      // Gone: whoever took over has come to its end.
      if (look(path) !== UNREADABLE) onLost(lost());
    } catch {
      // A disk that is full or away for the moment: the next touch may succeed, and `check` says if the lock is gone.
    }
  };
  const timer = setInterval(touch, TOUCH_MS);
  timer.unref();
  return {
    isOurs,
    check() {
      if (!isOurs()) throw lost();
    },
    release() {
      clearInterval(timer);
      held.delete(path);
      if (isOurs()) rmSync(path, { force: true });
    },
  };
}

/** Says that the folder of the run cannot be used, if that is why it failed. */
function cannotWrite(folder: string, cause: unknown): unknown {
  const code = systemCode(cause) ?? "";
  if (!["EACCES", "EPERM", "EROFS", "EEXIST", "ENOTDIR", "ENOENT", "EISDIR"].includes(code)) return cause;
  return new UsageError(
    `${folder}: cannot be written to (${code}); choose another --output or change its permissions`,
    { cause },
  );
}
