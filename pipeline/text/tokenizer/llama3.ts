import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { BytePairRules } from "./byte-pairs.ts";
import type { Merges } from "./merge.ts";
import { SPLIT_LLAMA3 } from "./pre-tokens.ts";

const require = createRequire(import.meta.url);

/** The control tokens of Llama 3 under their names of 3.1 and later; the ids begin after the 128,000 of the vocabulary. */
const CONTROLS: readonly string[] = [
  "begin_of_text",
  "end_of_text",
  "reserved_special_token_0",
  "reserved_special_token_1",
  "finetune_right_pad_id",
  "reserved_special_token_2",
  "start_header_id",
  "end_header_id",
  "eom_id",
  "eot_id",
  "python_tag",
  ...Array.from({ length: 245 }, (_, at) => `reserved_special_token_${at + 3}`),
].map((name) => `<|${name}|>`);

/** Of the vocabulary and the merges in llama3-tokenizer-js 1.2.0, which were compared with Meta's `tokenizer.model`. */
const SHA256 = "84215777435f4fd7bdfa78fa02cf7da22c28473e8621605ef9bf45a6fd984c1a";

/**
 * The tokenizer of Llama 3. Only the vocabulary of the package is used: it is read as text, since importing the package
 * builds 60 MB of maps that are not needed here.
 */
export async function llama3Rules(): Promise<BytePairRules> {
  const path = require.resolve("llama3-tokenizer-js");
  const source = await readFile(path, "latin1");
  const [vocabulary, merges] = [literal(source, "llama_vocab_base64"), literal(source, "llama_merges_binary")];
  const found = createHash("sha256").update(vocabulary).update(merges).digest("hex");
  if (found !== SHA256)
    throw new Error(`${path}: not the vocabulary of llama3-tokenizer-js 1.2.0: sha256 ${found}, expected ${SHA256}`);
  const tokens = vocabulary.toString("utf8").split("\n");
  return {
    spellings: [...tokens, ...CONTROLS],
    controls: new Map(CONTROLS.map((spelling, at) => [spelling, tokens.length + at])),
    merges: readMerges(merges, tokens),
    split: SPLIT_LLAMA3,
    ignoreMerges: true,
    normalize: null,
  };
}

function literal(source: string, name: string): Buffer {
  const start = source.indexOf('"', source.indexOf(`const ${name} =`)) + 1;
  return Buffer.from(source.slice(start, source.indexOf('"', start)), "base64");
}

/** The bits of an id in the package's list of merges. */
const ID_BITS = 17;

/** Merges are pairs of ids, packed without gaps. As in Meta's own tokenizer the lower id is merged first. */
function readMerges(packed: Buffer, tokens: readonly string[]): Merges {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const count = Math.floor((8 * packed.length) / (2 * ID_BITS));
  const [left, right, merged] = [new Uint32Array(count), new Uint32Array(count), new Uint32Array(count)];
  for (let at = 0; at < count; at++) {
    left[at] = bits(packed, 2 * at * ID_BITS);
    right[at] = bits(packed, (2 * at + 1) * ID_BITS);
    merged[at] = ids.get(`${tokens[left[at] as number]}${tokens[right[at] as number]}`) as number;
  }
  return { left, right, merged, rank: merged };
}

function bits(packed: Buffer, from: number): number {
  const at = from >>> 3;
  const three = ((packed[at] ?? 0) << 16) | ((packed[at + 1] ?? 0) << 8) | (packed[at + 2] ?? 0);
  return (three >>> (24 - ID_BITS - (from & 7))) & (2 ** ID_BITS - 1);
}
