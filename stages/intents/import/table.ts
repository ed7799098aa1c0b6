/**
 * What somebody published, to be asked by conversation. In: rows in the order of files and lines. Out: which row speaks
 * of a conversation, and at the end what became of every row. The rows lie in a file; memory: about 50 bytes a row.
 */
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { lineAt } from "../../../pipeline/models/line-at.ts";
import { Offsets } from "../../../pipeline/models/offsets.ts";
import { type Published, sha256, textHash } from "./read.ts";

/** What became of a row; every row has one fate. */
export const FATES = [
  /** It gave a conversation its intent. */
  "used",
  /** Another row says the same of the same conversation. */
  "repeated",
  /** A row before it says something else of the same conversation: the first one counts. */
  "contradicted",
  /** Rows with the same first turn have different intents, so none of them is taken. */
  "ambiguous",
  /** Its conversation left before. */
  "left",
  /** No conversation is known by its id or its text. */
  "unmatched",
  /** It has no intent, or neither an id nor a text. */
  "empty",
] as const;
/** One of them. */
export type Fate = (typeof FATES)[number];

/** How a conversation is known to publishers. */
export interface Known {
  readonly id: string;
  readonly source_id: string;
  readonly opening: string;
}

/** What was published of a conversation. `ambiguous`: its text has several intents. */
export type ImportMatch =
  | { readonly by: "id" | "text"; readonly intent: string; readonly model: string | null }
  | { readonly by: "ambiguous" };

/** The published rows. Add them all, tell which ids are here, then ask. */
export class ImportTable {
  readonly #path: string;
  readonly #file: number;
  #end = 0;
  readonly #offsets: number[] = [];
  readonly #fates: Fate[] = [];
  readonly #byId = new Offsets();
  readonly #byText = new Offsets();

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, "w+");
  }

  add(row: Published): void {
    const number = this.#offsets.length;
    const line = Buffer.from(`${JSON.stringify(row)}\n`);
    for (let done = 0; done < line.length; ) done += writeSync(this.#file, line, done, null, this.#end + done);
    this.#offsets.push(this.#end);
    this.#end += line.length;
    this.#fates.push(row.intent === null || (row.id === null && row.text === null) ? "empty" : "unmatched");
    if (row.id === null || row.intent === null) return;
    const key = sha256(row.id);
    const before = this.#byId.get(key);
    if (before === undefined) this.#byId.set(key, number);
    else this.#fates[number] = this.#row(before).intent === row.intent ? "repeated" : "contradicted";
  }

  /** Tells of a conversation that is here, or was and left: the row with its id speaks of it and of no other. */
  claim(conversation: Known, isLeft: boolean): void {
    const number = this.#idOf(conversation);
    if (number !== undefined && this.#fates[number] !== "used") this.#fates[number] = isLeft ? "left" : "used";
  }

  /** After all claims: rows that no id has claimed may speak by their text. */
  indexTexts(): void {
    for (const [number, fate] of this.#fates.entries()) {
      if (fate !== "unmatched") continue;
      const { text, intent } = this.#row(number);
      if (text === null) continue;
      const before = this.#byText.get(text);
      if (before === undefined) this.#byText.set(text, number);
      else if (this.#fates[before] === "ambiguous") this.#fates[number] = "ambiguous";
      else if (this.#row(before).intent === intent) this.#fates[number] = "repeated";
      else this.#fates[number] = this.#fates[before] = "ambiguous";
    }
  }

  /** What was published of a conversation; null = nothing. */
  find(conversation: Known): ImportMatch | null {
    const byId = this.#idOf(conversation);
    const number = byId ?? this.#textOf(conversation);
    if (number === undefined) return null;
    if (byId === undefined && this.#fates[number] === "ambiguous") return { by: "ambiguous" };
    this.#fates[number] = "used";
    const { intent, model } = this.#row(number);
    return { by: byId === undefined ? "text" : "id", intent: intent ?? "", model };
  }

  /** How many rows met each fate. */
  fates(): Record<Fate, number> {
    const counts = Object.fromEntries(FATES.map((fate) => [fate, 0])) as Record<Fate, number>;
    for (const fate of this.#fates) counts[fate]++;
    return counts;
  }

  close(): void {
    closeSync(this.#file);
    rmSync(this.#path, { force: true });
  }

  #idOf({ id, source_id }: Known): number | undefined {
    return this.#byId.get(sha256(id)) ?? this.#byId.get(sha256(source_id));
  }

  /** By the text without white space at its ends, or exactly as it is, which a publisher of hashes may have taken. */
  #textOf({ opening }: Known): number | undefined {
    if (opening.trim() === "") return undefined;
    return this.#byText.get(textHash(opening)) ?? this.#byText.get(sha256(opening));
  }

  #row(number: number): Published {
    return JSON.parse(lineAt(this.#file, this.#offsets[number] ?? 0)) as Published;
  }
}
