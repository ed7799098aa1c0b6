/** What a run has on disk, looked at byte by byte: sizes alone, which every run looks at, do not tell of a flipped bit. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type FileRecord, Marker } from "../schemas/manifest.ts";
import { stageNamed } from "./chain.ts";
import { InputError, NotReadyError } from "./errors.ts";
import { hashFile, readRecord, sizeOf } from "./files/atomic-file.ts";
import { fingerprint } from "./fingerprint.ts";
import { reopenStage } from "./manifest.ts";
import { markerPath, plannedStage, type Run, resolveGiven } from "./run-folder.ts";
import { stageIn } from "./stage.ts";

/** A file that has the size it was written with, and other bytes. */
interface Damage {
  /** Name of the stage in the plan, and the number of the task that wrote the file, or vouched for it. */
  readonly stage: string;
  readonly task: number;
  readonly path: string;
  readonly found: string;
  readonly expected: string;
}

/** The damaged files of a stage; none if it has not begun, or is not what the plan asks for any more. */
export async function damageOf(run: Run, planned: string, signal?: AbortSignal): Promise<Damage[]> {
  const own = await fingerprint(run, planned).catch((error) => {
    if (error instanceof NotReadyError) return null;
    throw error;
  });
  const damage: Damage[] = [];
  const tasks = own === null ? 0 : (plannedStage(run.plan, planned).phases.at(-1)?.first ?? 0);
  for (let task = 0; task < tasks; task++) {
    const marker = await readRecord(markerPath(run, planned, task), Marker);
    if (marker?.fingerprint !== own) continue;
    for (const { path, ...file } of filesOf(run, planned, marker)) {
      const found = await otherHash({ path, ...file }, signal);
      if (found !== null) damage.push({ stage: planned, task, path, found, expected: file.sha256 });
    }
  }
  return damage;
}

/** The files that a task wrote and, where it vouched for files of this machine, those; with their paths from here. */
function filesOf(run: Run, planned: string, { inputs, outputs }: Marker): FileRecord[] {
  const vouches = Object.values(stageNamed(run.chain, planned).writes).some(({ kind }) => kind === "inputs");
  const local = vouches && run.plan.hub === null ? inputs : [];
  return [
    ...outputs.map((file) => ({ ...file, path: join(run.folder, file.path) })),
    ...local.map((file) => ({ ...file, path: resolveGiven(run, file.path) })),
  ];
}

/** The sha256 of a file that has its size and is another all the same; null = it is what it was, or of another size, or gone. */
async function otherHash({ path, bytes, sha256 }: FileRecord, signal?: AbortSignal): Promise<string | null> {
  if ((await sizeOf(path)) !== bytes) return null;
  const found = await hashFile(path, signal);
  return found.sha256 === sha256 ? null : found.sha256;
}

/** Makes the tasks of damaged files count as not done, and their stage with them. */
export function forgetDamaged(run: Run, damage: readonly Damage[]): void {
  for (const { stage, task } of damage) rmSync(markerPath(run, stage, task), { force: true });
  for (const stage of new Set(damage.map((each) => each.stage))) reopenStage(run, stage);
}

/** What is wrong with a file, in words. */
export function damageInWords({ path, found, expected }: Pick<Damage, "path" | "found" | "expected">): string {
  return `${path}: is damaged: found the sha256 ${found.slice(0, 12)}…, expected ${expected.slice(0, 12)}…`;
}

/** Files that are named in a message. */
const NAMED = 5;

/** Throws InputError if files of these stages are damaged; it says what makes them anew. */
export async function requireUndamaged(run: Run, stages: readonly string[], signal?: AbortSignal): Promise<void> {
  const damage: Damage[] = [];
  for (const stage of stages) damage.push(...(await damageOf(run, stage, signal)));
  if (damage.length === 0) return;
  const named = damage.slice(0, NAMED).map(damageInWords).join("; ");
  const more = damage.length > NAMED ? `; and ${damage.length - NAMED} more files` : "";
  const again = [...new Set(damage.map(({ stage }) => stageIn(stage)))].join(", ");
  throw new InputError(
    `${named}${more}; \`flipturn run --verify\` with the settings of this run makes them again (${again})`,
  );
}
