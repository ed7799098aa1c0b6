import { BYTE_SPELLINGS, bytesOf, textOf } from "./byte-level.ts";
import { PieceCache } from "./cache.ts";
import { Merger, type Merges } from "./merge.ts";
import type { PreTokenizer } from "./pre-tokens.ts";

/** Text to ids and back. */
export interface Codec {
  /** Most UTF-16 units of text that one token stands for; null = any number. */
  readonly longest: number | null;
  encode(text: string): Uint32Array;
  decode(ids: Iterable<number>): string;
}

/** What makes a byte-level tokenizer. */
export type BytePairRules = {
  /** Tokens by id as byte-level tokenizers spell them; control tokens by id as they are. */
  readonly spellings: readonly (string | undefined)[];
  readonly controls: ReadonlyMap<string, number>;
  readonly merges: Merges;
  readonly split: PreTokenizer;
  /** A pre-token that is a token is taken whole, whatever the merges would make of it. */
  readonly ignoreMerges: boolean;
  readonly normalize: "NFC" | null;
};

/**
 * A byte-level byte-pair tokenizer. Text is read as text alone: ids of control tokens never come out. Half of a surrogate
 * pair becomes U+FFFD, as in any UTF-8 encoding. Holds one cache of pre-tokens and buffers as long as the longest text.
 */
export class BytePairCodec implements Codec {
  readonly longest: number | null;
  readonly #rules: BytePairRules;
  readonly #whole: ReadonlyMap<string, number> | null;
  readonly #merger: Merger;
  readonly #cache = new PieceCache();
  readonly #utf8 = new TextEncoder();
  #ids = new Uint32Array(4096);
  #length = 0;

  constructor(rules: BytePairRules) {
    this.#rules = rules;
    // A unit of text is a byte at least; normalising may make fewer units of it.
    const spelled = rules.spellings.reduce((most, spelling) => Math.max(most, spelling?.length ?? 0), 1);
    this.longest = rules.normalize === null ? spelled : null;
    this.#whole = rules.ignoreMerges ? wholeTokens(rules) : null;
    this.#merger = new Merger(rules.merges, byteIds(rules));
  }

  encode(text: string): Uint32Array {
    const { split, normalize } = this.#rules;
    const input = normalize === null ? text : text.normalize(normalize);
    this.#length = 0;
    for (let at = 0; at < input.length; ) {
      const end = split(input, at);
      this.#append(input.slice(at, end));
      at = end;
    }
    return this.#ids.slice(0, this.#length);
  }

  decode(ids: Iterable<number>): string {
    const parts = Array.from(ids, (id) => this.#bytes(id));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Buffer.concat(parts));
  }

  #append(piece: string): void {
    const whole = this.#whole?.get(piece);
    if (whole !== undefined) this.#push(whole);
    else for (const id of this.#cache.get(piece) ?? this.#merge(piece)) this.#push(id);
  }

  #merge(piece: string): readonly number[] {
    const ids = this.#merger.merge(this.#utf8.encode(piece));
    this.#cache.set(piece, ids);
    return ids;
  }

  #push(id: number): void {
    if (this.#length === this.#ids.length) {
      const longer = new Uint32Array(2 * this.#length);
      longer.set(this.#ids);
      this.#ids = longer;
    }
    this.#ids[this.#length++] = id;
  }

  #bytes(id: number): Uint8Array {
    const spelling = this.#rules.spellings[id];
    if (spelling === undefined) return new Uint8Array();
    const bytes = this.#rules.controls.get(spelling) === id ? null : bytesOf(spelling);
    return bytes ?? this.#utf8.encode(spelling);
  }
}

function byteIds({ spellings }: BytePairRules): Uint32Array {
  const ids = new Map<string, number>();
  for (const [id, spelling] of spellings.entries()) if (spelling?.length === 1) ids.set(spelling, id);
  return Uint32Array.from(BYTE_SPELLINGS, (spelling) => ids.get(spelling) as number);
}

/** The ids of the tokens that are whole characters, by their text. */
function wholeTokens({ spellings, controls }: BytePairRules): Map<string, number> {
  const tokens = new Map<string, number>();
  for (const [id, spelling] of spellings.entries()) {
    const text = spelling === undefined || controls.get(spelling) === id ? null : textOf(spelling);
    if (text !== null) tokens.set(text, id);
  }
  return tokens;
}
