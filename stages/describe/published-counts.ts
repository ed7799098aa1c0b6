/** The counts of a run beside those that were published of the same source, with the settings that could explain a gap. */

import type { Manifest } from "../../schemas/manifest.ts";
import type { Plan } from "../../schemas/plan.ts";
import type { PublishedCount } from "../../schemas/published-count.ts";
import { Split } from "../../schemas/user.ts";
import { deduplicated } from "../dedup/artefacts.ts";
import { flipped } from "../flip/artefacts.ts";
import { PUBLISHED_SPLITS } from "../metrics/published.ts";
import { prepared } from "../prepare/artefacts.ts";
import { assigned } from "../split/artefacts.ts";

const PAPER = "arXiv 2510.06552, section 2.2";
const CARD = "dataset card of allenai/WildChat-1M";
const PRISM = "arXiv 2404.16019";

/** The stages' manifests by name; a stage that is not in a plan counts nothing. */
type Ours = (stage: string) => Pick<Manifest, "in" | "kept" | "counts">;

interface Published {
  readonly count: string;
  readonly published: number;
  readonly reference: string;
  readonly ours: (of: Ours) => number;
  readonly switches: readonly string[];
}

const SPLIT_SWITCHES = ["seed", "split.by", "split.ratios", "split.fixedSplit"];

const SAMPLE_SWITCHES = [
  ...SPLIT_SWITCHES,
  ...["intents.provider", "flip.emptyTargets", "flip.endAfterUser", "flip.endLabels"],
];

const splits = (
  kind: keyof typeof PUBLISHED_SPLITS,
  stage: string,
  switches: readonly string[],
): readonly Published[] =>
  Split.options.map((split) => ({
    count: `${kind} in ${split}`,
    published: PUBLISHED_SPLITS[kind][split],
    reference: PAPER,
    ours: (of) => of(stage).counts[`${kind}_${split}`] ?? 0,
    switches,
  }));

/** By source, in the order of the pipeline. */
const PUBLISHED: Readonly<Record<string, readonly Published[]>> = {
  "wildchat-1m": [
    {
      ...{
        count: "rows of the source",
        published: 837_989,
        reference: CARD,
        ours: (of) => of(prepared.conversations.stage).in,
      },
      switches: ["revision", "download.files"],
    },
    {
      ...{
        count: "English conversations",
        published: 478_498,
        reference: PAPER,
        ours: (of) => of(prepared.conversations.stage).kept,
      },
      switches: [
        "prepare.language",
        "prepare.unknownLanguage",
        "prepare.toxic",
        "prepare.redacted",
        "prepare.roles",
        "prepare.repeats",
      ],
    },
    {
      ...{
        count: "without recurring templates",
        published: 384_336,
        reference: PAPER,
        ours: (of) => of(deduplicated.rejections.stage).kept,
      },
      switches: [
        "dedup.templates",
        "dedup.minCount",
        "dedup.coverage",
        "dedup.keep",
        "dedup.shortPrompts",
        "dedup.review",
        "dedup.nearDuplicates",
        "dedup.contaminated",
      ],
    },
    {
      ...{
        count: "countries",
        published: 192,
        reference: PAPER,
        ours: (of) => of(assigned.users.stage).counts["countries"] ?? 0,
      },
      switches: ["split.by"],
    },
    ...splits("conversations", assigned.users.stage, SPLIT_SWITCHES),
    ...splits("samples", flipped.samples.stage, SAMPLE_SWITCHES),
  ],
  prism: [
    {
      ...{
        count: "conversations",
        published: 8011,
        reference: PRISM,
        ours: (of) => of(prepared.conversations.stage).in,
      },
      switches: ["revision", "download.files"],
    },
    {
      ...{
        count: "conversations for evaluation",
        published: 8011,
        reference: PAPER,
        ours: (of) => of(deduplicated.rejections.stage).kept,
      },
      switches: ["prepare.language", "prepare.unknownLanguage", "prepare.roles", "dedup.templates"],
    },
    {
      ...{
        count: "users",
        published: 1396,
        reference: PRISM,
        ours: (of) => of(assigned.users.stage).counts["users"] ?? 0,
      },
      switches: ["split.by"],
    },
    {
      ...{ count: "user turns", published: 27_172, reference: PRISM, ours: userTurns },
      switches: ["intents.provider", "flip.emptyTargets"],
    },
  ],
};

function userTurns(of: Ours): number {
  const { counts } = of(flipped.samples.stage);
  return (counts["samples_first"] ?? 0) + (counts["samples_next"] ?? 0);
}

/** Every published count of the source beside ours; none for a source of which none are known. */
export function publishedCounts(plan: Plan, manifests: readonly Manifest[]): PublishedCount[] {
  const of: Ours = (stage) => manifests.find((each) => each.stage === stage) ?? { in: 0, kept: 0, counts: {} };
  return (PUBLISHED[plan.source] ?? []).map(({ count, published, reference, ours: find, switches }) => {
    const ours = find(of);
    const gap = ours - published;
    const gap_percent = Math.round((1e4 * gap) / published) / 100;
    const given = switches.map((name) => ({ name, value: setting(plan, name) }));
    return { count, published, reference, ours, gap, gap_percent, switches: given };
  });
}

/** A setting of the run in words. Of files only the name is told. */
function setting(plan: Plan, name: string): string {
  if (name === "seed") return plan.seed;
  if (name === "revision") return plan.hub?.revision ?? "local files";
  const [stage, option = ""] = name.split(".");
  const value = plan.stages.find((each) => each.name === stage)?.options[option] ?? null;
  if (option === "review" || option === "contaminated") return value === null ? "none" : "a file";
  return Array.isArray(value) ? value.join(",") : value === null ? "default" : String(value);
}
