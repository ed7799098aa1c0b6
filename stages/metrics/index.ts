import { firstTurnDiversity } from "./diversity.ts";
import type { Metric, Score } from "./metric.ts";
import { intentOverlap } from "./overlap.ts";
import { termination } from "./termination.ts";

/** Every metric, in the order in which they are shown. To add one: write its file beside these and name it here. */
export const METRICS: readonly Metric[] = [firstTurnDiversity, intentOverlap, termination];

/** True for the scores to look at first. */
export function isMain({
  measure,
  ...score
}: Pick<Score, "variant" | "metric" | "turn"> & { measure: string }): boolean {
  return score.turn === null && METRICS.some(({ name, isMain: isOwn }) => name === measure && isOwn(score));
}
