import { z } from "zod";
import { artefactsOf, bytes, passing, rejections, singleTable, table } from "../../pipeline/artefact.ts";
import { Cluster } from "../../schemas/cluster.ts";
import { EndLabel } from "../../schemas/end-label.ts";
import { GroupKeys } from "../../schemas/group-keys.ts";
import { Template } from "../../schemas/template.ts";
import { ThresholdPoint } from "../../schemas/threshold-point.ts";

/** A heavy 7-gram, in the order of their numbers. */
const HeavyGram = z.strictObject({ text: z.string(), count: z.int(), template: z.int() });
/** The text of a heavy 7-gram, as one shard spells it. */
const GramText = z.strictObject({ gram: z.int(), text: z.string() });
/** A conversation that stays although its template drops it. */
const Survivor = z.strictObject({ id: z.string() });
/** A conversation, by its place in the shard, that is in a cluster. */
const Member = z.strictObject({ row: z.int(), cluster: z.string(), survivor: z.string() });
export type Member = z.infer<typeof Member>;

/** What `dedup` writes. */
export const deduplicated = artefactsOf("dedup", {
  templates: singleTable(Template, "a recurring prompt template: its text, 7-grams, conversations"),
  clusters: singleTable(Cluster, "conversations that are near-duplicates of one another, and which of them would stay"),
  threshold_sweep: singleTable(ThresholdPoint, "what templates would remove at one pair of thresholds"),
  group_keys: table(
    GroupKeys,
    "what a conversation that stayed has in common with others: opening, template, cluster of near-duplicates",
  ),
  end_labels: table(EndLabel, "how sure it is that the user left there (`end_confidence`), and why"),
  rejections: rejections(),
  counts: bytes("runs", "7-grams of a shard's openings, by range of their hashes"),
  frequent: bytes("runs", "7-grams of a hash range that any threshold asks for, with their counts"),
  marks: bytes("jsonl", "where heavy 7-grams stand in a shard's openings"),
  links: bytes("runs", "which heavy 7-gram comes after which in a shard"),
  profiles: bytes("runs", "what each threshold would remove of a shard"),
  gram_texts: passing(table(GramText, "the text of a heavy 7-gram")),
  heavy_grams: passing(singleTable(HeavyGram, "a heavy 7-gram and its template")),
  survivors: passing(table(Survivor, "a conversation that stays although its template is dropped")),
  followed: bytes("runs", "whose user goes on elsewhere, and what ends on the last day, of a shard"),
  sets: bytes("runs", "shingles of a shard's texts"),
  entries: bytes("runs", "a shard's texts under the keys of their signatures"),
  pairs: bytes("runs", "similar texts of a hash range"),
  members: passing(table(Member, "a conversation of a shard that is in a cluster")),
});
