import { InputError } from "../../../pipeline/errors.ts";
import { hashFile } from "../../../pipeline/files/atomic-file.ts";
import type { Task } from "../../../pipeline/task.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import { downloaded, inputPath } from "../../download/artefacts.ts";
import type { PrepareOptions } from "../options.ts";

/**
 * Hashes an input again once all of it has been read: size and time stay the same where a file is put in another's place
 * with care, or where a disk has flipped a bit. A file that was replaced while it was read is another one by now.
 */
export async function verify(task: Task<PrepareOptions>): Promise<Partial<Tally>> {
  await requireVouched(task, task.index);
  return {};
}

/** Throws InputError unless an input has the bytes that `download` has vouched for. */
export async function requireVouched(task: Task<PrepareOptions>, input: number): Promise<void> {
  const path = inputPath(task.run, input);
  const { sha256 } = await task.vouched(downloaded.raw, input);
  const found = await hashFile(path, task.signal);
  if (found.sha256 === sha256) return;
  throw new InputError(
    `${path}: has changed since stage download looked at it: found the sha256 ${found.sha256.slice(0, 12)}…, expected ${sha256.slice(0, 12)}…; put the file back, or add --verify to read it as it is now`,
  );
}
