import { z } from "zod";
import { namesFiles } from "../../pipeline/setting-marks.ts";

/** The options of `dedup`: what a template is, what becomes of what matches one, and what near-duplicates are. */
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
  review: namesFiles(
    z.string().nullable().default(null).describe("file of `flipturn dedup review` with verdicts on templates"),
  ),
  contaminated: namesFiles(
    z
      .string()
      .nullable()
      .default(null)
      .describe("file of `flipturn decontaminate`: conversations that hold text of an evaluation set"),
  ),
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
