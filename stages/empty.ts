import { type Chain, countsRows, stageNamed } from "../pipeline/chain.ts";
import type { Manifest } from "../schemas/manifest.ts";

/** The first stage that kept nothing, why, and which settings would change it; null = every stage kept something. */
export function whyEmpty(manifests: readonly Manifest[], chain: Chain): string | null {
  const empty = manifests.find(({ stage, kept }) => kept === 0 && countsRows(chain, stage));
  if (!empty) return null;
  const { stage, unit, rejected } = empty;
  const reasons = Object.entries(rejected).sort(([, a], [, b]) => b - a);
  const words = reasons.map(([reason, rows]) => {
    const advice = stageNamed(chain, stage).advice?.[reason];
    return `${rows} ${reason}${advice ? ` (${advice})` : ""}`;
  });
  const why = words.length > 0 ? `rejected all ${empty.in} ${unit}: ${words.join(", ")}` : `was given no ${unit}`;
  return `the dataset is empty: ${stage} ${why}; \`flipturn explain <id>\` tells of one`;
}
