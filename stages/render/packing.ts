import type { z } from "zod";
import { labelsOf, lossMask, lossWeights, type TokenRow } from "../../pipeline/text/token-row.ts";
import type { BinRow } from "../forms/dataset-columns.ts";

/** A row of tokens under its id, with the weight of each of its targets. */
export type PackedRow = { readonly id: string; readonly row: TokenRow; readonly weights: readonly number[] };

/** Rows that are packed together at a time. */
const WINDOW = 4096;

/**
 * Puts rows of tokens into bins of at most `size` tokens: best fit, longest first, within windows of 4,096 rows.
 * Rows that are longer have a bin of their own. Same rows in the same order, same bins.
 */
export class Bins {
  readonly #size: number;
  #window: PackedRow[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** Takes a row; gives the bins that are finished by it. */
  add(named: PackedRow): z.infer<typeof BinRow>[] {
    this.#window.push(named);
    return this.#window.length < WINDOW ? [] : this.finish();
  }

  /** The bins of the rows that are left. */
  finish(): z.infer<typeof BinRow>[] {
    const bins = pack(this.#window, this.#size).map(binOf);
    this.#window = [];
    return bins;
  }
}

/** Groups of rows, each of at most `size` tokens; every row in one group. */
export function pack(rows: readonly PackedRow[], size: number): PackedRow[][] {
  const order = rows.map((_, at) => at).sort((a, b) => lengthOf(rows[b]) - lengthOf(rows[a]) || a - b);
  const bins: { left: number; rows: PackedRow[] }[] = [];
  // Bins by the room left in them, so that the tightest that fits is found without looking at all.
  const byRoom: { left: number; rows: PackedRow[] }[][] = Array.from({ length: size + 1 }, () => []);
  for (const at of order) {
    const named = rows[at] as PackedRow;
    const length = lengthOf(named);
    let room = length;
    while (room <= size && byRoom[room]?.length === 0) room++;
    const bin = byRoom[room]?.pop() ?? { left: size, rows: [] };
    if (bin.rows.length === 0) bins.push(bin);
    bin.rows.push(named);
    bin.left -= length;
    if (bin.left > 0) byRoom[bin.left]?.push(bin);
  }
  return bins.map((bin) => bin.rows);
}

function lengthOf(named: PackedRow | undefined): number {
  return named?.row.ids.length ?? 0;
}

function binOf(rows: readonly PackedRow[]): z.infer<typeof BinRow> {
  const join = <T extends Int32Array | Uint8Array | Float64Array>(parts: readonly T[]): number[] =>
    parts.flatMap((part) => [...part]);
  const lengths = rows.map(lengthOf);
  return {
    ids: rows.map(({ id }) => id),
    input_ids: join(rows.map(({ row }) => row.ids)),
    labels: join(rows.map(({ row }) => labelsOf(row))),
    loss_mask: join(rows.map(({ row }) => lossMask(row))),
    loss_weights: join(rows.map(({ row, weights }) => lossWeights(row, weights))),
    position_ids: lengths.flatMap((length) => Array.from({ length }, (_, at) => at)),
    sequence_lengths: lengths,
    length: lengths.reduce((sum, each) => sum + each, 0),
  };
}
