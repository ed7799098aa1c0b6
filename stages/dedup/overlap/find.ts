import { KeyTable, Numbers } from "../../../pipeline/collections.ts";
import type { Contamination } from "../../../schemas/contamination.ts";
import { WordScanner } from "../words.ts";
import type { Item } from "./items.ts";

/** Words in a row that a turn and an item must share; what GPT-3's authors and others after them took. */
const OVERLAP = 13;

/** Items of fewer words are not looked for unless it is wanted: "hi" and "tell me a joke" are small talk, wherever they stand. */
export const LEAST_WORDS = 5;

/** What a turn has in common with one item. */
export type Overlap = Pick<Contamination, "item" | "match" | "text">;

/**
 * Texts of evaluation sets, to be found in others: whole, or 13 of their words in a row, after case, punctuation and
 * Unicode's compatibility forms are folded. A text under 13 words is found only whole, one under `leastWords` not at all.
 * Where several items share words, the first of them is named. Memory: about 40 bytes a word of the items, and their names.
 */
export class Evaluation {
  readonly #names: string[] = [];
  readonly #wholes = new KeyTable();
  readonly #grams = new KeyTable();
  /** By whole and by 13-gram: the item that had it first. */
  readonly #wholeItems = new Numbers();
  readonly #gramItems = new Numbers();
  readonly #scanner = new WordScanner();
  readonly #leastWords: number;

  constructor(leastWords: number = LEAST_WORDS) {
    this.#leastWords = leastWords;
  }

  /** Number of items. */
  get size(): number {
    return this.#names.length;
  }

  /** Adds one text; false if it has too few words to be looked for. */
  add(item: Item): boolean {
    const scanner = this.#scanner;
    scanner.scan(item.text);
    if (scanner.words < Math.max(1, this.#leastWords)) return false;
    const number = this.#names.push(item.name) - 1;
    const before = this.#wholes.size;
    if (this.#wholes.number(...scanner.hash()) === before) this.#wholeItems.push(number);
    for (let at = 0; at + OVERLAP <= scanner.words; at++) {
      const known = this.#grams.size;
      if (this.#grams.number(...scanner.hashOf(at, OVERLAP)) === known) this.#gramItems.push(number);
    }
    return true;
  }

  /** The items that a text holds, each once, in the order of its words; an item that is the whole text alone. */
  find(text: string): Overlap[] {
    const scanner = this.#scanner;
    scanner.scan(text);
    if (scanner.words === 0) return [];
    const whole = this.#wholes.find(...scanner.hash());
    if (whole >= 0)
      return [{ item: this.#nameOf(this.#wholeItems, whole), match: "exact", text: scanner.text(0, scanner.words) }];
    const found = new Map<string, Overlap>();
    for (let at = 0; at + OVERLAP <= scanner.words; at++) {
      const gram = this.#grams.find(...scanner.hashOf(at, OVERLAP));
      if (gram < 0) continue;
      const item = this.#nameOf(this.#gramItems, gram);
      if (!found.has(item)) found.set(item, { item, match: "13-gram", text: scanner.text(at, OVERLAP) });
    }
    return [...found.values()];
  }

  #nameOf(items: Numbers, at: number): string {
    return this.#names[items.values[at] as number] as string;
  }
}

/** The items that the user turns of a conversation hold, each once, at the first turn that does. */
export function findInTurns(
  evaluation: Evaluation,
  conversation: { id: string; turns: readonly { role: string; content: string }[] },
  verdict: Contamination["verdict"],
): Contamination[] {
  const found = new Map<string, Contamination>();
  const own = conversation.turns.filter((turn) => turn.role === "user");
  for (const [at, { content }] of own.entries()) {
    for (const overlap of evaluation.find(content)) {
      if (found.has(overlap.item)) continue;
      found.set(overlap.item, { conversation_id: conversation.id, verdict, turn: at + 1, ...overlap });
    }
  }
  return [...found.values()];
}
