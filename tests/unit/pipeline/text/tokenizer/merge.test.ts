import fc from "fast-check";
import { expect, test } from "vitest";
import { Merger, type Merges } from "../../../../../pipeline/text/tokenizer/merge.ts";

/** Merges as [left, right, merged], in order of rank. */
type Triple = readonly [left: number, right: number, merged: number];

function columns(merges: readonly Triple[]): Merges {
  const column = (at: 0 | 1 | 2) => Uint32Array.from(merges, (merge) => merge[at]);
  return { left: column(0), right: column(1), merged: column(2), rank: Uint32Array.from(merges.keys()) };
}

/** Merges small ids, each of which is the byte of that value. */
function merge(merges: readonly Triple[], ids: readonly number[]): number[] {
  return new Merger(
    columns(merges),
    Uint32Array.from({ length: 256 }, (_, byte) => byte),
  ).merge(Uint8Array.from(ids));
}

/** The definition: of all pairs that merge, the one of the lowest rank goes first, of equals the leftmost. */
function byDefinition(merges: readonly Triple[], ids: readonly number[]): number[] {
  const left = [...ids];
  for (;;) {
    const ranks = left.slice(1).map((right, at) => merges.findIndex(([a, b]) => a === left[at] && b === right));
    const lowest = Math.min(...ranks.filter((rank) => rank >= 0));
    if (lowest === Number.POSITIVE_INFINITY) return left;
    left.splice(ranks.indexOf(lowest), 2, (merges[lowest] as Triple)[2]);
  }
}

/** Merges over the ids 0 to 3, each of which makes the next id of earlier ones, now and then the same as another. */
const someMerges = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(9)), { minLength: 1, maxLength: 40 }).map((drawn) => {
  const merges: Triple[] = [];
  let next = 4;
  for (const [a, b, same] of drawn) {
    const pair = [a % next, b % next] as const;
    if (merges.some(([left, right]) => left === pair[0] && right === pair[1])) continue;
    merges.push([...pair, same === 0 && next > 4 ? next - 1 : next++]);
  }
  return merges;
});

test("merges as the definition says", () => {
  fc.assert(
    fc.property(someMerges, fc.array(fc.nat(3), { maxLength: 60 }), (merges, ids) => {
      expect(merge(merges, ids)).toEqual(byDefinition(merges, ids));
    }),
    { numRuns: 2000 },
  );
});

test("takes the leftmost of equal pairs", () => {
  expect(merge([[0, 0, 1]], [0, 0, 0])).toEqual([1, 0]);
});

test("leaves what does not merge, one id, and nothing", () => {
  for (const left of [[1, 0], [7], []]) expect(merge([[0, 1, 2]], left)).toEqual(left);
});

test("merges a run that is longer than the shared buffers as it does a short one", () => {
  const merges: Triple[] = [
    [0, 1, 2],
    [2, 2, 3],
    [3, 3, 4],
  ];
  const long = Array.from({ length: 80_000 }, (_, at) => at % 2);
  expect(merge(merges, long)).toEqual(Array(10_000).fill(4));
  expect(merge(merges, long.slice(0, 9))).toEqual([4, 0]);
});

test("begins with the token of each byte, whatever its id", () => {
  const byteIds = new Uint32Array(256);
  byteIds.set([70, 71], 97);
  const merges: Triple[] = [[70, 71, 90]];
  expect(new Merger(columns(merges), byteIds).merge(Buffer.from("abba"))).toEqual([90, 71, 70]);
});
