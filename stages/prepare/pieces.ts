import type { Plan } from "../../schemas/plan.ts";
import { inputLists } from "../download/artefacts.ts";

/** One of the parts that a raw file is read in. */
export interface InputPart {
  readonly index: number;
  readonly of: number;
}

/** A file that is read in one go. */
export const WHOLE: InputPart = { index: 0, of: 1 };

/** What one task reads: a part of one input of a plan, or several small ones. */
export interface Piece {
  readonly inputs: readonly number[];
  readonly part: InputPart;
}

/**
 * The pieces that the inputs of a plan are read in, in order: a Parquet file in parts of two shards' bytes at most, so that
 * one large file keeps several threads busy; a file of lines, where only whoever has read the lines before knows their
 * numbers, whole; small ones several at a time.
 */
export function piecesOf({ inputs, shards }: Pick<Plan, "inputs" | "shards">): Piece[] {
  const total = inputs.reduce((sum, { bytes }) => sum + bytes, 0);
  return inputLists({ inputs }).flatMap((list) => {
    const [first, ...more] = list.map((input) => inputs[input]);
    const isCut = first !== undefined && more.length === 0 && isParquet(first.path);
    const of = isCut ? Math.ceil((first.bytes * shards) / (2 * total)) || 1 : 1;
    return Array.from({ length: of }, (_, index) => ({ inputs: list, part: { index, of } }));
  });
}

/** True for what is read as Parquet; everything else is lines. */
export function isParquet(path: string): boolean {
  return /\.parquet$/i.test(path);
}

/**
 * The rows of a part, from the sizes of the file's row groups: those of the groups that begin in it. `end` is the row after
 * the last; equal to `first` if no group begins there.
 */
export function rowsOf(groups: readonly number[], { index, of }: InputPart): { first: number; end: number } {
  const total = groups.reduce((sum, rows) => sum + rows, 0);
  let first = 0;
  let end = 0;
  let start = 0;
  for (const rows of groups) {
    const part = Math.floor((start * of) / total);
    start += rows;
    if (part < index) first = start;
    if (part <= index) end = start;
  }
  return { first, end };
}
