/**
 * Conversations -> users, each in one split ("Flipping the Dialogue", section 2.2: unique users by hashed IP and country,
 * inside each country 90/5/5, all conversations of a user in one split), the split of every conversation, and an audit of
 * what conversations in different splits have in common all the same.
 *
 * Who is drawn, `by`: `user-in-country` takes the same IP seen under two countries as one user, in the country of most of
 * its conversations, since the paper's letter (`user-and-country`) lets one person sit in two splits. `user` draws the same
 * users without regard to countries, `groups` draws users together whose conversations are alike, `hash` decides for each
 * user alone. Conversations without a user stand alone. See `draw.ts` for how, `audit.ts` for the audit.
 *
 * collect (a shard each): who was seen where. draw (once): users. assign (a shard each): the split of each conversation.
 * audit (once): leaks.
 */
import { defineStage } from "../../pipeline/define-stage.ts";
import { deduplicated } from "../dedup/artefacts.ts";
import { prepared } from "../prepare/artefacts.ts";
import { assigned } from "./artefacts.ts";
import { SplitOptions } from "./options.ts";
import { assign } from "./phases/assign.ts";
import { audit } from "./phases/audit.ts";
import { collect } from "./phases/collect.ts";
import { draw } from "./phases/draw.ts";

/** The stage `split`, as the head of this file tells. */
export const split = defineStage({
  name: "split",
  module: import.meta.url,
  summary: "train, validation and test by user inside each country",
  takes: "dedup",
  reads: [prepared.conversations, deduplicated.group_keys],
  writes: assigned,
  unit: "conversations",
  options: SplitOptions,
  phases: [
    { name: "collect", tasks: (plan) => plan.shards, run: collect },
    { name: "draw", tasks: () => 1, run: draw },
    { name: "assign", tasks: (plan) => plan.shards, run: assign },
    { name: "audit", tasks: () => 1, run: audit },
  ],
});
