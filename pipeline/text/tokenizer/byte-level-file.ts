import { z } from "zod";
import { UsageError } from "../../errors.ts";
import { BYTE_SPELLINGS } from "./byte-level.ts";
import type { BytePairRules } from "./byte-pairs.ts";
import { isBlank, type TokenizerFile, tokensOf } from "./file.ts";
import type { Merges } from "./merge.ts";
import { type PreTokenizer, SPLITS, splitGpt2 } from "./pre-tokens.ts";

type Controls = ReadonlyMap<string, number>;

/** A byte-pair model with nothing in it that we do not follow. Merges are `"a b"` or, in newer files, `["a", "b"]`. */
const Model = z.looseObject({
  type: z.literal("BPE").optional(),
  dropout: z.literal(0).nullish(),
  continuing_subword_prefix: z.literal("").nullish(),
  end_of_word_suffix: z.literal("").nullish(),
  byte_fallback: z.literal(false).optional(),
  ignore_merges: z.boolean().default(false),
  merges: z.array(z.unknown()),
});

const Normalizer = z.strictObject({ type: z.literal("NFC") }).nullable();

const ByteLevel = z.looseObject({
  type: z.literal("ByteLevel"),
  add_prefix_space: z.literal(false),
  use_regex: z.boolean().default(true),
});

const Cut = z.looseObject({ type: z.literal("Split"), pattern: z.strictObject({ Regex: z.string() }) });
// Both keep every match as a piece of its own, and the known patterns leave nothing unmatched.
const Keeping = z.union([
  z.looseObject({ behavior: z.literal("Isolated"), invert: z.literal(false) }),
  z.looseObject({ behavior: z.literal("Removed"), invert: z.literal(true) }),
]);

const Cuts = z.looseObject({
  type: z.literal("Sequence"),
  pretokenizers: z.tuple([Cut.and(Keeping), ByteLevel.extend({ use_regex: z.literal(false) })]),
});

/**
 * The rules of a byte-level tokenizer (Llama 3, Qwen 2 and 3, GPT-2 and their kin), or null if any part of the file is
 * not one of those that are followed here to the letter.
 */
export function byteLevelRules(file: TokenizerFile, controls: Controls, path: string): BytePairRules | null {
  const model = Model.safeParse(file.model);
  const normalizer = Normalizer.safeParse(file.normalizer);
  const split = splitOf(file.pre_tokenizer);
  if (!model.success || !normalizer.success || split === null || file.decoder?.type !== "ByteLevel") return null;
  const ids = new Map(tokensOf(file));
  const hasAllBytes = BYTE_SPELLINGS.every((spelling) => ids.has(spelling));
  if (!hasAllBytes || file.added_tokens.some(({ content }) => isBlank(content))) return null;
  return {
    spellings: spellingsOf([...ids, ...controls]),
    controls,
    merges: readMerges(model.data.merges, { ids, controls, path }),
    split,
    ignoreMerges: model.data.ignore_merges,
    normalize: normalizer.data?.type ?? null,
  };
}

function splitOf(pretokenizer: TokenizerFile["pre_tokenizer"]): PreTokenizer | null {
  const whole = ByteLevel.safeParse(pretokenizer);
  if (whole.success) return whole.data.use_regex ? splitGpt2 : null;
  const cuts = Cuts.safeParse(pretokenizer);
  return cuts.success ? (SPLITS.get(cuts.data.pretokenizers[0].pattern.Regex) ?? null) : null;
}

function spellingsOf(tokens: Iterable<[string, number]>): (string | undefined)[] {
  const spellings: (string | undefined)[] = [];
  for (const [spelling, id] of tokens) spellings[id] = spelling;
  return spellings;
}

/** The merges in the order of the file, without those that would make a control token of text. */
function readMerges(
  merges: readonly unknown[],
  { ids, controls, path }: { ids: ReadonlyMap<string, number>; controls: Controls; path: string },
): Merges {
  const read = merges.map((merge, rank) => {
    const [left, right, ...more] = typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? merge : [];
    const found = [ids.get(left), ids.get(right), ids.get(`${left}${right}`)];
    if (more.length > 0 || found.includes(undefined))
      throw new UsageError(
        `${path}: not a tokenizer.json: model.merges.${rank}: expected two tokens that make a third`,
      );
    return { found, rank, isControl: controls.has(`${left}${right}`) };
  });
  const kept = read.filter(({ isControl }) => !isControl);
  const column = (at: number) => Uint32Array.from(kept, ({ found }) => found[at] as number);
  return { left: column(0), right: column(1), merged: column(2), rank: Uint32Array.from(kept, ({ rank }) => rank) };
}
