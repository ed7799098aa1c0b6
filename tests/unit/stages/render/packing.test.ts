import fc from "fast-check";
import { expect, test } from "vitest";
import { Bins, pack } from "../../../../stages/render/packing.ts";

const rowOf = (length: number, at: number) => {
  const ids = Int32Array.from({ length }, (_, place) => 1000 * at + place);
  return { id: `row ${at}`, row: { ids, starts: [0], lengths: [1] }, weights: [at === 0 ? 0.7 : 1] };
};
const SIZE = 20;
const lengths = fc.array(fc.integer({ min: 1, max: 25 }), { maxLength: 60 });

test("every row is in exactly one bin, and no bin is longer than it may be unless one row is", () => {
  fc.assert(
    fc.property(lengths, (list) => {
      const bins = pack(list.map(rowOf), SIZE);
      expect(bins.flatMap((bin) => bin.map(({ id }) => id)).sort()).toEqual(list.map((_, at) => `row ${at}`).sort());
      for (const bin of bins) {
        const total = bin.reduce((sum, { row }) => sum + row.ids.length, 0);
        expect(total <= SIZE || bin.length === 1).toBe(true);
      }
    }),
  );
});

test("no two bins could have been one", () => {
  fc.assert(
    fc.property(lengths, (list) => {
      const totals = pack(list.map(rowOf), SIZE).map((bin) => bin.reduce((sum, { row }) => sum + row.ids.length, 0));
      const [least = 0, next = SIZE] = totals.sort((a, b) => a - b);
      expect(totals.length < 2 || least + next > SIZE).toBe(true);
    }),
  );
});

test("positions begin at 0 again with every row, and labels and mask stand under their ids", () => {
  const bins = new Bins(10);
  for (const [at, length] of [4, 5].entries()) expect(bins.add(rowOf(length, at))).toEqual([]);
  expect(bins.finish()).toEqual([
    {
      ids: ["row 1", "row 0"],
      input_ids: [1000, 1001, 1002, 1003, 1004, 0, 1, 2, 3],
      labels: [1000, -100, -100, -100, -100, 0, -100, -100, -100],
      loss_mask: [1, 0, 0, 0, 0, 1, 0, 0, 0],
      loss_weights: [1, 0, 0, 0, 0, 0.7, 0, 0, 0],
      position_ids: [0, 1, 2, 3, 4, 0, 1, 2, 3],
      sequence_lengths: [5, 4],
      length: 9,
    },
  ]);
  expect(bins.finish()).toEqual([]);
});
