import { Tokenizer } from "@huggingface/tokenizers";
import type { Codec } from "./byte-pairs.ts";
import { isBlank, type TokenizerFile } from "./file.ts";

type Controls = ReadonlyMap<string, number>;

/**
 * Any other tokenizer, as `@huggingface/tokenizers` reads it: right for text, and slower. Text is encoded with a copy of
 * the file that has no control tokens, neither added nor in the vocabulary, so that no spelling can become one; the
 * token for what is unknown is the exception, since the model itself puts it where it has no other.
 *
 * Tokenizers of the SentencePiece kind (Llama 2, Gemma, Mistral before Nemo) may begin every text with a space of their
 * own. Each piece between two control tokens is a text, so each begins with it, as in the chat templates of those models.
 */
export function generalCodec(file: TokenizerFile, controls: Controls): Codec {
  const encoder = new Tokenizer(textOnly(file, controls), {});
  let decoder: Tokenizer | undefined;
  return {
    longest: null,
    encode(text) {
      return Uint32Array.from(encoder.encode(text.toWellFormed(), { add_special_tokens: false }).ids);
    },
    decode(ids) {
      decoder ??= new Tokenizer(withControls(file, controls), {});
      const all = [...ids];
      return all.length === 0 ? "" : decoder.decode(all, { clean_up_tokenization_spaces: false });
    },
  };
}

/** What the package asks for and what it must not do: it adds nothing around a text. */
const BARE = { post_processor: null, truncation: null, padding: null };

function textOnly(file: TokenizerFile, controls: Controls): object {
  const unknown = file.model["unk_token"];
  const hidden = new Map([...controls].filter(([spelling]) => spelling !== unknown));
  const { vocab, merges, ...model } = file.model;
  return {
    ...file,
    ...BARE,
    added_tokens: file.added_tokens.filter(({ content }) => isBlank(content)),
    model: {
      type: Array.isArray(vocab) ? "Unigram" : merges ? "BPE" : "WordPiece", // older files do not say
      ...model,
      vocab: hide(vocab, hidden),
      ...(Array.isArray(merges) && { merges: merges.filter((merge) => !hidden.has(joined(merge))) }),
    },
  };
}

/** The vocabulary with control tokens spelled in a way that no text has: with half of a surrogate pair. */
function hide(vocab: TokenizerFile["model"]["vocab"], hidden: Controls): TokenizerFile["model"]["vocab"] {
  const rename = (spelling: string) => (hidden.has(spelling) ? `\ud800${spelling}` : spelling);
  if (Array.isArray(vocab)) return vocab.map(([spelling, score]) => [rename(spelling), score] as const);
  return Object.fromEntries(Object.entries(vocab).map(([spelling, id]) => [rename(spelling), id]));
}

function joined(merge: unknown): string {
  return typeof merge === "string" ? merge.replace(" ", "") : Array.isArray(merge) ? merge.join("") : "";
}

function withControls(file: TokenizerFile, controls: Controls): object {
  const added = [...controls].map(([content, id]) => ({ content, id, special: false, normalized: false }));
  return { ...file, ...BARE, added_tokens: [...file.added_tokens, ...added] };
}
