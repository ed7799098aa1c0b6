import { InputError, NotReadyError } from "../../../pipeline/errors.ts";
import { hashFile } from "../../../pipeline/files/atomic-file.ts";
import type { Task } from "../../../pipeline/task.ts";
import type { FileRecord, Tally } from "../../../schemas/manifest.ts";
import { downloaded, fetchLists, inputPath } from "../../download/artefacts.ts";
import type { PrepareOptions } from "../options.ts";

/**
 * Hashes inputs again once all of them have been read: size and time stay the same where a file is put in another's place
 * with care, or where a disk has flipped a bit. A file that was replaced while it was read is another one by now.
 */
export async function verify(task: Task<PrepareOptions>): Promise<Partial<Tally>> {
  const vouched = await task.vouched(downloaded.raw, task.index);
  for (const [at, input] of (fetchLists(task.plan)[task.index] ?? []).entries())
    await requireSame(task, input, vouched[at]);
  return {};
}

/** Throws InputError unless an input has the bytes that `download` has vouched for. */
export async function requireVouched(task: Task<PrepareOptions>, input: number): Promise<void> {
  const lists = fetchLists(task.plan);
  const list = lists.findIndex((inputs) => inputs.includes(input));
  const vouched = await task.vouched(downloaded.raw, list);
  await requireSame(task, input, vouched[lists[list]?.indexOf(input) ?? -1]);
}

async function requireSame(task: Task<PrepareOptions>, input: number, vouched: FileRecord | undefined): Promise<void> {
  const path = inputPath(task.run, input);
  if (!vouched) throw new NotReadyError(`${path}: nobody has vouched for it; run stage download again`);
  const [found, expected] = [(await hashFile(path, task.signal)).sha256, vouched.sha256];
  if (found === expected) return;
  throw new InputError(
    `${path}: has changed since stage download looked at it: found the sha256 ${found.slice(0, 12)}…, expected ${expected.slice(0, 12)}…; put the file back, or add --verify to read it as it is now`,
  );
}
