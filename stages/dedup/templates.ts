import { createHash } from "node:crypto";
import type { Template } from "../../schemas/template.ts";
import type { Counted } from "./runs.ts";
import { NGRAM } from "./words.ts";

/** A first user turn that contains heavy 7-grams: how many of its words they cover, and which they are, by first place. */
export type Mark = { id: string; started_at: string | null; words: number; covered: number; grams: number[] };

/** A heavy 7-gram: its text, in how many conversations it is, and which template it belongs to. */
export type Gram = { text: string; count: number; template: number };

/** One link key for "gram `b` is the next heavy one after gram `a`". */
export function linkKey(a: number, b: number): bigint {
  return (BigInt(a) << 32n) | BigInt(b);
}

/**
 * Joins heavy 7-grams into chains: `b` follows `a` if it is the next heavy 7-gram after `a` in more than half of the
 * conversations of `a` and in more than half of those of `b`. More than half has at most one successor and one
 * predecessor, so what comes out are simple chains, each a template; parts that vary in between do not break them.
 * `counts`: conversations by gram. `links`: conversations by `linkKey`. Chains come in order of their smallest gram.
 */
export function chainGrams(counts: ArrayLike<number>, links: Counted): number[][] {
  const next = new Int32Array(counts.length).fill(-1);
  const previous = new Int32Array(counts.length).fill(-1);
  for (const [at, key] of links.keys.entries()) {
    const [a, b] = [Number(key >> 32n), Number(key & 0xffffffffn)];
    if (2 * (links.counts[at] as number) <= Math.max(counts[a] as number, counts[b] as number)) continue;
    next[a] = b;
    previous[b] = a;
  }
  const chains: number[][] = [];
  const seen = new Uint8Array(counts.length);
  for (let gram = 0; gram < counts.length; gram++) {
    if (seen[gram]) continue;
    let start = gram;
    while (previous[start] !== -1 && previous[start] !== gram) start = previous[start] as number;
    const chain: number[] = [];
    for (let each = start; each !== -1 && !seen[each]; each = next[each] as number) {
      seen[each] = 1;
      chain.push(each);
    }
    chains.push(chain);
  }
  return chains;
}

/** The text of a chain of 7-grams: neighbours share six words, ` … ` stands where they do not. */
export function chainText(ngrams: readonly string[]): string {
  let text = ngrams[0] ?? "";
  for (const [at, ngram] of ngrams.entries()) {
    if (at === 0) continue;
    const overlap = (ngrams[at - 1] as string).split(" ").slice(1).join(" ");
    const words = ngram.split(" ");
    text += words.slice(0, NGRAM - 1).join(" ") === overlap ? ` ${words.at(-1)}` : ` … ${ngram}`;
  }
  return text;
}

/** The template that a marked turn belongs to: the one with the most of its 7-grams; the smaller number where equal. */
export function templateOf(mark: Mark, grams: readonly Gram[]): number {
  const hits = new Map<number, number>();
  for (const gram of mark.grams) {
    const { template } = grams[gram] as Gram;
    hits.set(template, (hits.get(template) ?? 0) + 1);
  }
  let [best, most] = [-1, 0];
  for (const [template, count] of hits)
    if (count > most || (count === most && template < best)) [best, most] = [template, count];
  return best;
}

/** True if heavy 7-grams cover at least the share `coverage` of the turn's words. */
export function isCovered(mark: Mark, coverage: number): boolean {
  return mark.grams.length > 0 && mark.covered >= coverage * mark.words;
}

/** Gathers what `Template` rows say from the marks of all conversations, one at a time. Memory: the templates. */
export class TemplateTable {
  readonly #grams: readonly Gram[];
  readonly #chains: readonly number[][];
  readonly #options: { coverage: number; keep: "none" | "first" };
  readonly #found: { conversations: number; matched: number; first: Mark | null; examples: string[] }[];

  constructor(
    chains: readonly number[][],
    grams: readonly Gram[],
    options: { coverage: number; keep: "none" | "first" },
  ) {
    this.#chains = chains;
    this.#grams = grams;
    this.#options = options;
    this.#found = chains.map(() => ({ conversations: 0, matched: 0, first: null, examples: [] }));
  }

  add(mark: Mark): void {
    for (const template of new Set(mark.grams.map((gram) => (this.#grams[gram] as Gram).template)))
      this.#at(template).conversations++;
    if (!isCovered(mark, this.#options.coverage)) return;
    const found = this.#at(templateOf(mark, this.#grams));
    found.matched++;
    if (!found.first || isEarlier(mark, found.first)) found.first = mark;
    found.examples = [...found.examples, mark.id].sort().slice(0, 5);
  }

  /** One row a template, in the order of the chains. */
  rows(): Template[] {
    return this.#chains.map((chain, at) => {
      const { conversations, matched, first, examples } = this.#at(at);
      const ngrams = chain.map((gram) => (this.#grams[gram] as Gram).text);
      const text = chainText(ngrams);
      const id = `t-${createHash("sha256").update(text).digest("hex").slice(0, 10)}`;
      const kept = this.#options.keep === "first" && first ? first.id : null;
      return { id, text, ngrams, conversations, matched, kept, examples, verdict: "drop", decided_by: "threshold" };
    });
  }

  #at(template: number) {
    const found = this.#found[template];
    if (!found) throw new RangeError(`no template ${template}`);
    return found;
  }
}

/** Which of two conversations came first; unknown times last, equal times by id. */
function isEarlier(a: Mark, b: Mark): boolean {
  const [left, right] = [a.started_at ?? "~", b.started_at ?? "~"];
  return left < right || (left === right && a.id < b.id);
}
