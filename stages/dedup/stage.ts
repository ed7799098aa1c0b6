/**
 * Conversations -> templates, clusters of near-duplicates, rejections for the conversations that repeat others, and for
 * those that stay their group keys: what they have in common with others all the same.
 *
 * Templates ("Flipping the Dialogue", appendix A: a 7-gram counter on the first-turn prompts). The paper looked at the
 * frequent patterns by hand; here the rule is: a 7-gram is heavy if more than `minCount` conversations contain it, and a
 * conversation is dropped if heavy 7-grams cover at least `coverage` of the words of its first turn. A person may decide
 * otherwise for single templates in a file, `review`. Near-duplicates are sought among the rest, by MinHash.
 *
 * count (a shard each): 7-grams of the openings, dealt out by hash. merge (a hash range each): which are heavy overall.
 * locate (a shard each): where heavy 7-grams stand. templates (once): templates and the sweep over thresholds; beside it,
 * which needs none of them, follow (once): users who go on elsewhere where a conversation stops. sign (a shard each):
 * signatures. pair (a hash range each): similar texts. cluster (once): clusters. reject (a shard each): rejections, group
 * keys, and how sure each end is.
 */
import { defineStage } from "../../pipeline/define-stage.ts";
import { prepared } from "../prepare/artefacts.ts";
import { deduplicated } from "./artefacts.ts";
import { DedupOptions } from "./options.ts";
import { count, merge } from "./phases/count.ts";
import { follow } from "./phases/end-labels.ts";
import { locate } from "./phases/locate.ts";
import { cluster, pair, sign } from "./phases/near.ts";
import { reject } from "./phases/reject.ts";
import { templates } from "./phases/templates.ts";
import { readReview } from "./review.ts";

/** The stage `dedup`, as the head of this file tells. */
export const dedup = defineStage({
  name: "dedup",
  module: import.meta.url,
  summary: "drop near-duplicates of recurring prompt templates, by 7-grams of the first user turn",
  takes: "prepare",
  reads: [prepared.conversations, prepared.end_signals],
  writes: deduplicated,
  advice: {
    template: "--min-count finds fewer templates, --set dedup.templates=keep keeps them",
    near_duplicate: "--near-duplicates mark keeps them",
    contaminated: "--contaminated names the list that they were on",
  },
  unit: "conversations",
  options: DedupOptions,
  files: ({ review, contaminated }) => [review, contaminated].filter((path) => path !== null),
  validate: ({ review }, { resolve }) => {
    if (review !== null) readReview(resolve(review));
  },
  phases: [
    { name: "count", tasks: (plan) => plan.shards, run: count },
    { name: "merge", tasks: (plan) => plan.shards, run: merge },
    { name: "locate", tasks: (plan) => plan.shards, run: locate },
    { name: "templates", tasks: () => 1, run: templates },
    { name: "follow", beside: true, tasks: () => 1, run: follow },
    { name: "sign", tasks: (plan) => plan.shards, run: sign },
    { name: "pair", tasks: (plan) => plan.shards, run: pair },
    { name: "cluster", tasks: () => 1, run: cluster },
    { name: "reject", tasks: (plan) => plan.shards, run: reject },
  ],
});
