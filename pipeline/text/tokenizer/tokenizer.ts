/**
 * Text -> token ids. Text is always read as text alone, so that nothing that a person typed becomes a control token;
 * control tokens are asked for by their spelling. What stands between two control tokens is encoded by itself.
 */
import { basename } from "node:path";
import { UsageError } from "../../errors.ts";
import { END } from "../control-tokens.ts";
import { byteLevelRules } from "./byte-level-file.ts";
import { BytePairCodec, type Codec } from "./byte-pairs.ts";
import { controlsOf, readTokenizerFile, type TokenizerFile, tokensOf } from "./file.ts";
import { generalCodec } from "./general.ts";
import { llama3Rules } from "./llama3.ts";

/** One tokenizer. It belongs to one thread; each loads its own. */
export interface Tokenizer {
  /** `llama3`, or the name of the file. */
  readonly name: string;
  /** The number of ids, `<|endconversation|>` among them: the embedding of a model must have at least as many rows. */
  readonly size: number;
  /** The spellings of all control tokens. */
  readonly controls: readonly string[];
  /** Most UTF-16 units of text that one token stands for; null = any number. */
  readonly longest: number | null;
  /** The ids of a text, read as text alone. Half of a surrogate pair counts as U+FFFD, as in any UTF-8. */
  encode(text: string): Uint32Array;
  /** The id of a control token. Throws UsageError if the tokenizer has none of that spelling. */
  control(spelling: string): number;
  /** The text of ids, control tokens as they are spelled. U+FFFD stands where a character is cut. */
  decode(ids: Iterable<number>): string;
}

/**
 * The tokenizer of Llama 3 (null), or that of a `tokenizer.json`. `<|endconversation|>` has the id that the file gives it;
 * where there is none it is appended with the next free id, which is 128256 for Llama 3 as in microsoft/UserLM-8b.
 * Throws UsageError if the file cannot be read as a tokenizer.
 */
export async function loadTokenizer(path: string | null): Promise<Tokenizer> {
  if (path !== null) return loadFile(path);
  llama3 ??= loadLlama3();
  return llama3;
}

/** The one of this thread: it takes half a second to load. */
let llama3: Promise<Tokenizer> | undefined;

async function loadLlama3(): Promise<Tokenizer> {
  const rules = await llama3Rules();
  const controls = new Map([...rules.controls, [END, rules.spellings.length]]);
  const codec = new BytePairCodec({ ...rules, spellings: [...rules.spellings, END], controls });
  return tokenizer("llama3", rules.spellings.length + 1, controls, codec);
}

async function loadFile(path: string): Promise<Tokenizer> {
  const file = await readTokenizerFile(path);
  const ids = new Map(tokensOf(file));
  const next = [...ids.values()].reduce((most, id) => Math.max(most, id), -1) + 1;
  const controls = controlsOf(file).set(END, ids.get(END) ?? next);
  const rules = byteLevelRules(file, controls, path);
  const codec = rules === null ? openGeneral(file, controls, path) : new BytePairCodec(rules);
  return tokenizer(basename(path), ids.has(END) ? next : next + 1, controls, codec);
}

function openGeneral(file: TokenizerFile, controls: ReadonlyMap<string, number>, path: string): Codec {
  try {
    return generalCodec(file, controls);
  } catch (cause) {
    throw new UsageError(`${path}: not a tokenizer.json that can be followed: ${(cause as Error).message}`, { cause });
  }
}

function tokenizer(name: string, size: number, controls: ReadonlyMap<string, number>, codec: Codec): Tokenizer {
  return {
    name,
    size,
    controls: [...controls.keys()],
    longest: codec.longest,
    encode: (text) => codec.encode(text),
    decode(ids) {
      const known = [...ids];
      const strange = known.find((id) => !(id >= 0 && id < size));
      if (strange === undefined) return codec.decode(known);
      throw new UsageError(
        `tokenizer ${name}: has no id ${strange}, its ids are 0 to ${size - 1}; was another tokenizer used to write it?`,
      );
    },
    control(spelling) {
      const id = controls.get(spelling);
      if (id !== undefined) return id;
      const [some, more] = [[...controls.keys()].slice(0, 8).join(", "), controls.size > 8 ? ", …" : ""];
      throw new UsageError(`tokenizer ${name}: has no control token ${spelling}; it has ${some}${more}`);
    },
  };
}
