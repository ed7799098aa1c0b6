/**
 * Conversations -> templates, clusters of near-duplicates, rejections for the conversations that repeat others, and for
 * those that stay their traits: what they have in common with others all the same.
 *
 * Templates ("Flipping the Dialogue", appendix A: a 7-gram counter on the first-turn prompts). The paper looked at the
 * frequent patterns by hand; here the rule is: a 7-gram is heavy if more than `minCount` conversations contain it, and a
 * conversation is dropped if heavy 7-grams cover at least `coverage` of the words of its first turn. A person may decide
 * otherwise for single templates in a file, `review`. Near-duplicates are sought among the rest, by MinHash.
 *
 * count (a shard each): 7-grams of the openings, dealt out by hash. merge (a hash range each): which are heavy overall.
 * mark (a shard each): where heavy 7-grams stand. join (two): templates and the curve over thresholds; beside it, which
 * needs none of them, users who go on elsewhere where a conversation stops. sign (a shard each): signatures. pair (a hash
 * range each): similar texts. cluster (once): clusters. drop (a shard each): rejections, traits, and how sure each ending is.
 */
import { z } from "zod";
import { defineStage } from "../../pipeline/stage.ts";
import { count, merge } from "./phases/count.ts";
import { follow } from "./phases/end-labels.ts";
import { mark } from "./phases/locate.ts";
import { cluster, pair, sign } from "./phases/near.ts";
import { drop } from "./phases/reject.ts";
import { join } from "./phases/templates.ts";
import { readReview } from "./review.ts";

export const DedupOptions = z.strictObject({
  templates: z
    .enum(["drop", "keep"])
    .default("drop")
    .describe("conversations that match a recurring template; `keep` drops none of them"),
  minCount: z.int().min(1).default(100).describe("a 7-gram in more conversations than this is heavy"),
  coverage: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe("share of the first turn's words that heavy 7-grams must cover for a match"),
  keep: z
    .enum(["none", "first", "per-user-first"])
    .default("none")
    .describe("which of the conversations of a template stay; first = the earliest, of all or of each user"),
  shortPrompts: z
    .enum(["keep", "drop"])
    .default("keep")
    .describe("prompts under seven words have no 7-gram: `drop` counts such a prompt as a whole"),
  review: z.string().nullable().default(null).describe("file of `flipturn dedup review` with verdicts on templates"),
  contaminated: z
    .string()
    .nullable()
    .default(null)
    .describe("file of `flipturn decontaminate`: conversations that hold text of an evaluation set"),
  nearDuplicates: z
    .enum(["mark", "drop", "off"])
    .default("mark")
    .describe("near-duplicates that are no template: note their cluster, drop all but the earliest, or seek none"),
  nearText: z
    .enum(["opening", "user-side"])
    .default("opening")
    .describe("what near-duplicates are compared by: the first user turn, or all user turns"),
  jaccard: z
    .number()
    .gt(0)
    .max(1)
    .default(0.8)
    .describe("least Jaccard similarity of near-duplicates; under seven words the text must be the same"),
  shingle: z.int().min(1).max(7).default(3).describe("words in a row that texts are compared by"),
  bands: z
    .int()
    .min(1)
    .max(256)
    .default(32)
    .describe("bands of the MinHash signature; texts that agree in one are compared"),
  bandRows: z.int().min(1).max(32).default(4).describe("permutations a band; 32 bands of 4 make 128"),
});
export type DedupOptions = z.infer<typeof DedupOptions>;

const INTERMEDIATE =
  /^(counts|frequent|links|profiles|marks|texts|grams|survivors|keys|sets|entries|pairs|members|followed)-/;

export const dedup = defineStage({
  name: "dedup",
  summary: "drop near-duplicates of recurring prompt templates, by 7-grams of the first user turn",
  reads: ["prepare"],
  unit: "conversations",
  options: DedupOptions,
  files: ({ review, contaminated }) => [review, contaminated].filter((path) => path !== null),
  require: ({ review }) => {
    if (review !== null) readReview(review);
  },
  isIntermediate: (name) => INTERMEDIATE.test(name),
  phases: [
    { name: "count", tasks: (plan) => plan.shards, run: count },
    { name: "merge", tasks: (plan) => plan.shards, run: merge },
    { name: "mark", tasks: (plan) => plan.shards, run: mark },
    { name: "join", tasks: () => 2, run: (task) => (task.index === 0 ? join(task) : follow(task)) },
    { name: "sign", tasks: (plan) => plan.shards, run: sign },
    { name: "pair", tasks: (plan) => plan.shards, run: pair },
    { name: "cluster", tasks: () => 1, run: cluster },
    { name: "drop", tasks: (plan) => plan.shards, run: drop },
  ],
});
