import { Split } from "../../schemas/user.ts";
import { publishedSplitsOf } from "../metrics/published.ts";
import { type By, drawSplits } from "./draw.ts";
import type { Sighting } from "./users.ts";

/** A user with what a split is measured by, and the group that they are drawn with (-1 = alone). */
export type Weighed = Sighting & { samples: number; group: number };

/** What is measured of a split. */
const MEASURES = ["users", "conversations", "samples"] as const;
type Measure = (typeof MEASURES)[number];

/** How much of one measure one split got, over all seeds. */
export type Spread = {
  measure: Measure;
  split: Split;
  /** With the run's own seed. */
  own: number;
  least: number;
  /** The fifth, half and ninety-fifth percentile. */
  p5: number;
  median: number;
  p95: number;
  most: number;
  /** The number published of this source, and the share of seeds that gave this split its share of it; null = not published. */
  published: number | null;
  seeds_at_published_share: number | null;
};

/** Users, conversations and samples by split, as one seed draws them. */
function drawn(users: readonly Weighed[], seed: string, ratios: readonly number[], by: By): Record<Measure, number[]> {
  const sums = { users: [0, 0, 0], conversations: [0, 0, 0], samples: [0, 0, 0] };
  for (const user of drawSplits(users, seed, ratios, by, (each) => (each as Weighed).group)) {
    const at = Split.options.indexOf(user.split);
    const { conversations, samples } = user as unknown as Weighed;
    for (const [measure, by] of [
      ["users", 1],
      ["conversations", conversations],
      ["samples", samples],
    ] as const)
      sums[measure][at] = (sums[measure][at] ?? 0) + by;
  }
  return sums;
}

/**
 * How a split depends on its seed: the same users drawn with the seeds 0 … `seeds` - 1, beside the run's own.
 * Memory: the users, and 72 bytes a seed.
 */
export function sweep(
  users: readonly Weighed[],
  options: { source: string; seed: string; seeds: number; ratios: readonly number[]; by: By },
  onSeed: (done: number) => void = () => {},
): Spread[] {
  const { source, ratios, by } = options;
  const own = drawn(users, options.seed, ratios, by);
  const all = Array.from({ length: options.seeds }, (_, seed) => {
    onSeed(seed);
    return drawn(users, String(seed), ratios, by);
  });
  return MEASURES.flatMap((measure) =>
    Split.options.map((split, at) => {
      const values = all.map((sums) => sums[measure][at] ?? 0);
      return { measure, split, own: own[measure][at] ?? 0, ...spread(values), ...beside(source, measure, split, all) };
    }),
  );
}

function spread(values: readonly number[]): Pick<Spread, "least" | "p5" | "median" | "p95" | "most"> {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  return { least: at(0), p5: at(0.05), median: at(0.5), p95: at(0.95), most: at(1) };
}

/** A part of the source is compared by shares. */
function beside(
  source: string,
  measure: Measure,
  split: Split,
  all: readonly Record<Measure, number[]>[],
): Pick<Spread, "published" | "seeds_at_published_share"> {
  const published = measure === "users" ? undefined : publishedSplitsOf(source)?.[measure];
  if (published === undefined) return { published: null, seeds_at_published_share: null };
  const share = published[split] / (published.train + published.validation + published.test);
  const reached = all.filter((sums) => {
    const total = sums[measure].reduce((sum, each) => sum + each, 0);
    return (sums[measure][Split.options.indexOf(split)] ?? 0) >= share * total;
  });
  return { published: published[split], seeds_at_published_share: reached.length / all.length };
}
