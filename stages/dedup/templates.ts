import { createHash } from "node:crypto";
import { KeyTable, keyOf } from "../../pipeline/collections.ts";
import type { Template } from "../../schemas/template.ts";
import type { Counted } from "./runs.ts";
import { NGRAM } from "./words.ts";

/** A first user turn that contains heavy 7-grams: which they are and at which word each begins, again and again as they come. */
export type Mark = {
  id: string;
  /** The user, or the conversation itself where the source names none. */
  user: string;
  country: string | null;
  started_at: string | null;
  words: number;
  grams: number[];
  places: number[];
};

/** A heavy 7-gram: its text, in how many conversations it is, and which template it belongs to. */
export type Gram = { text: string; count: number; template: number };

/** How many of a turn's words are covered by those of its heavy 7-grams that `counts` accepts. */
export function coveredWords(
  mark: Pick<Mark, "words" | "grams" | "places">,
  counts: (gram: number) => boolean,
): number {
  let covered = 0;
  let end = 0;
  for (const [at, gram] of mark.grams.entries()) {
    if (!counts(gram)) continue;
    const place = mark.places[at] as number;
    const stop = Math.min(place + NGRAM, mark.words);
    covered += stop - Math.max(place, end);
    end = stop;
  }
  return covered;
}

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

/** What is known of a turn that matches a template: which, by how many words, and through which 7-gram above all. */
export type TemplateMatch = { template: number; covered: number; ngram: string };

/**
 * The template that a marked turn matches; null if heavy 7-grams cover less than the share `coverage` of its words.
 * It is the one with the most of the turn's 7-grams, the smaller number where equal; the 7-gram is the one of them in the
 * most conversations, the first in the text where equal. Only templates that `counts` accepts are looked at.
 */
export function matchOf(
  mark: Mark,
  grams: readonly Gram[],
  coverage: number,
  counts: (template: number) => boolean = () => true,
): TemplateMatch | null {
  const isCounted = (gram: number) => counts((grams[gram] as Gram).template);
  const covered = coveredWords(mark, isCounted);
  if (covered === 0 || covered < coverage * mark.words) return null;
  const hits = new Map<number, number>();
  for (const gram of new Set(mark.grams)) {
    const { template } = grams[gram] as Gram;
    if (counts(template)) hits.set(template, (hits.get(template) ?? 0) + 1);
  }
  let [best, most] = [-1, 0];
  for (const [template, count] of hits)
    if (count > most || (count === most && template < best)) [best, most] = [template, count];
  const own = mark.grams.map((gram) => grams[gram] as Gram).filter((gram) => gram.template === best);
  return { template: best, covered, ngram: own.reduce((a, b) => (b.count > a.count ? b : a)).text };
}

/** What a person, or the threshold, decided about one template. */
export type Decision = Pick<Template, "verdict" | "decided_by" | "reviewer" | "note">;

const BY_THRESHOLD: Decision = { verdict: "drop", decided_by: "threshold", reviewer: null, note: null };

/** What is gathered about one template. */
type Found = {
  conversations: number;
  matched: number;
  users: number;
  countries: Map<string, number>;
  first_at: string | null;
  last_at: string | null;
  examples: string[];
};

/** Which of the conversations that templates drop stay all the same. */
export type Keep = "none" | "first" | "per-user-first";

/**
 * Gathers what `Template` rows say from the marks of all conversations, one at a time, in any order. Memory: the
 * templates, about 30 bytes for each user of a template and, with `keep: per-user-first`, about 250.
 */
export class TemplateTable {
  readonly #grams: readonly Gram[];
  readonly #options: { coverage: number; keep: Keep };
  readonly #templates: readonly (Pick<Template, "id" | "text" | "ngrams"> & Decision)[];
  readonly #found: readonly Found[];
  readonly #users = new KeyTable();
  /** The earliest conversation of each template or of each user of a template, and the shard that it is in. */
  readonly #first = new Map<string, { mark: Mark; shard: number; template: number }>();

  /** `decisions`: those of a review, by template id. */
  constructor(
    chains: readonly number[][],
    grams: readonly Gram[],
    options: { coverage: number; keep: Keep },
    decisions: ReadonlyMap<string, Decision> = new Map(),
  ) {
    this.#grams = grams;
    this.#options = options;
    this.#templates = chains.map((chain) => {
      const ngrams = chain.map((gram) => (grams[gram] as Gram).text);
      const text = chainText(ngrams);
      const id = templateId(text);
      return { id, text, ngrams, ...(decisions.get(id) ?? BY_THRESHOLD) };
    });
    this.#found = chains.map(() => {
      return {
        conversations: 0,
        matched: 0,
        users: 0,
        countries: new Map(),
        first_at: null,
        last_at: null,
        examples: [],
      };
    });
  }

  /** Adds one conversation of a shard. */
  add(mark: Mark, shard = 0): void {
    for (const template of new Set(mark.grams.map((gram) => (this.#grams[gram] as Gram).template)))
      this.#at(template).conversations++;
    const match = matchOf(mark, this.#grams, this.#options.coverage);
    if (!match) return;
    this.#describe(mark, match.template);
    const dropped = matchOf(mark, this.#grams, this.#options.coverage, (each) => this.isDropped(each));
    if (dropped) this.#keepFirst(mark, shard, dropped.template);
  }

  /** True if the conversations of a template are to go. */
  isDropped(template: number): boolean {
    return this.#templates[template]?.verdict === "drop";
  }

  /** One row a template, in the order of the chains. */
  rows(): Template[] {
    const kept = new Map([...this.#first.values()].map(({ mark, template }) => [template, mark.id]));
    return this.#templates.map(({ id, text, ngrams, ...decision }, at) => {
      const { countries, ...found } = this.#at(at);
      const byCount = [...countries].sort(([a, more], [b, less]) => less - more || (a < b ? -1 : 1));
      const first = this.#options.keep === "first" ? (kept.get(at) ?? null) : null;
      return { id, text, ngrams, ...found, countries: byCount.map(([country]) => country), kept: first, ...decision };
    });
  }

  /** Ids of the conversations of one shard that stay although their template drops them, sorted. */
  survivors(shard: number): string[] {
    return [...this.#first.values()].flatMap((each) => (each.shard === shard ? [each.mark.id] : [])).sort();
  }

  #describe(mark: Mark, template: number): void {
    const found = this.#at(template);
    found.matched++;
    const before = this.#users.size;
    if (this.#users.number(...keyOf(`${template}\n${mark.user}`)) === before) found.users++;
    if (mark.country !== null) found.countries.set(mark.country, (found.countries.get(mark.country) ?? 0) + 1);
    if (mark.started_at !== null) {
      if (found.first_at === null || mark.started_at < found.first_at) found.first_at = mark.started_at;
      if (found.last_at === null || mark.started_at > found.last_at) found.last_at = mark.started_at;
    }
    found.examples = [...found.examples, mark.id].sort().slice(0, 5);
  }

  #keepFirst(mark: Mark, shard: number, template: number): void {
    if (this.#options.keep === "none") return;
    const key = this.#options.keep === "first" ? String(template) : `${template}\n${mark.user}`;
    const first = this.#first.get(key);
    const { id, user, country, started_at, words } = mark;
    const bare = { id, user, country, started_at, words, grams: [], places: [] };
    if (!first || isEarlier(mark, first.mark)) this.#first.set(key, { mark: bare, shard, template });
  }

  #at(template: number): Found {
    const found = this.#found[template];
    if (!found) throw new RangeError(`no template ${template}`);
    return found;
  }
}

/** The id of a template with this text. */
export function templateId(text: string): string {
  return `t-${createHash("sha256").update(text).digest("hex").slice(0, 10)}`;
}

/** Which of two conversations came first; unknown times last, equal times by id. */
export function isEarlier(a: Pick<Mark, "id" | "started_at">, b: Pick<Mark, "id" | "started_at">): boolean {
  const [left, right] = [a.started_at ?? "~", b.started_at ?? "~"];
  return left < right || (left === right && a.id < b.id);
}
