import type { Tally } from "../schemas/manifest.ts";

/** An empty tally. */
export function noTally(): Tally {
  return { taken: 0, in: 0, kept: 0, rejected: {}, counts: {} };
}

/** The sum of tallies; what is left out counts as zero. Keys come out sorted. */
export function addTallies(tallies: Iterable<Partial<Tally>>): Tally {
  const sum = noTally();
  for (const tally of tallies) {
    sum.taken += tally.taken ?? 0;
    sum.in += tally.in ?? 0;
    sum.kept += tally.kept ?? 0;
    addCounts(sum.rejected, tally.rejected);
    addCounts(sum.counts, tally.counts);
  }
  return { ...sum, rejected: sorted(sum.rejected), counts: sorted(sum.counts) };
}

/** How many rows a tally rejects, whatever the reason. */
export function rejectedIn({ rejected }: Pick<Tally, "rejected">): number {
  return Object.values(rejected).reduce((sum, count) => sum + count, 0);
}

function addCounts(sum: Record<string, number>, more: Record<string, number> = {}): void {
  for (const [name, count] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + count;
}

function sorted(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}
