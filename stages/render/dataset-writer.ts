import type { z } from "zod";
import type { Written } from "../../pipeline/files/parquet.ts";
import type { ControlTokens } from "../../pipeline/text/control-tokens.ts";
import { cutRight, type Encoder, encodeRow, lossWeights, remembering } from "../../pipeline/text/encoder.ts";
import type { Conversation, Turn } from "../../schemas/conversation.ts";
import { CONFIDENT } from "../../schemas/end-label.ts";
import type { Rejection } from "../../schemas/rejection.ts";
import type { Sample } from "../../schemas/sample.ts";
import type { Split } from "../../schemas/user.ts";
import { columnsOf, type From, originOf, weightsOf } from "./columns.ts";
import { Bins, binColumns } from "./packing.ts";
import type { RowFile } from "./row-files.ts";
import type { Settings } from "./settings.ts";
import { type Dialogue, type Fitted, fitAll, type Row, rowsOf } from "./truncate.ts";

/** The rows of one shard on their way into a file for each split, and what was counted on the way. */
export class Output {
  readonly rejections: Rejection[] = [];
  readonly counts: Record<string, number> = {};
  taken = 0;
  kept = 0;
  readonly #settings: Settings;
  readonly #files: ReadonlyMap<Split, RowFile>;
  readonly #bins = new Map<Split, Bins>();

  constructor(splits: readonly Split[], open: (split: Split, columns: z.ZodObject) => RowFile, settings: Settings) {
    this.#settings = settings;
    const { form, layout, isWeighted, binSize } = settings;
    const columns = binSize === null ? columnsOf(form, layout, isWeighted) : binColumns(isWeighted);
    this.#files = new Map(splits.map((split) => [split, open(split, columns)]));
    if (binSize !== null) for (const split of splits) this.#bins.set(split, new Bins(binSize));
  }

  /** Writes the samples of one conversation. */
  async add(
    from: From & Pick<Conversation, "turns">,
    intent: string | null,
    samples: readonly Sample[],
  ): Promise<void> {
    const { turns, ...origin } = from;
    const dialogue = dialogueOf(intent, turns, this.#settings);
    const encoder = this.#settings.encoder && remembering(this.#settings.encoder);
    const settings = { ...this.#settings, encoder };
    const typed = typedControlTokens(dialogue, this.#settings.controls);
    const fitted = fitAll(dialogue, samples, settings).filter((each) => this.#judge(each, typed(each)));
    for (const row of rowsOf(dialogue, fitted, settings)) await this.#write(row, origin, encoder);
  }

  /** Gives the files their names. */
  async commit(): Promise<[Split, Written][]> {
    const done: [Split, Written][] = [];
    for (const [split, file] of this.#files) {
      for (const bin of this.#bins.get(split)?.finish() ?? []) await this.#put(split, bin);
      done.push([split, await file.commit()]);
    }
    return done;
  }

  /** Leaves nothing behind. */
  discard(): void {
    for (const file of this.#files.values()) file.discard();
  }

  /** Counts a sample; false if it is rejected. */
  #judge({ sample, length, tokens }: Fitted, typed: number): boolean {
    const { form, controlTokens, maxTokens, overflow } = this.#settings;
    this.taken++;
    if (typed > 0) this.#count("samples_with_control_tokens");
    const count = () => tokens !== null && this.#count(`${sample.split}_turn_${turnName(sample)}_${length}`);
    if (length === "impossible") {
      count();
      const reason = overflow === "drop" ? "too_long" : "target_too_long";
      return this.#reject(sample, reason, { tokens, max_tokens: maxTokens });
    }
    if (typed > 0 && form.isText && controlTokens === "drop")
      return this.#reject(sample, "control_token", { found: typed });
    if (form.wholeWeights && sample.weight < CONFIDENT)
      return this.#reject(sample, "doubtful_end", { end_confidence: sample.weight });
    this.kept++;
    count();
    return true;
  }

  #reject({ id, conversation_id }: Sample, reason: string, detail: object): false {
    this.rejections.push({ id, conversation_id, stage: "write", reason, detail: JSON.stringify(detail) });
    return false;
  }

  async #write(row: Row, origin: From, encoder: Encoder | null): Promise<void> {
    const { form, layout, maxTokens, isWeighted } = this.#settings;
    const { split } = row.fitted[0].sample;
    if (layout === "packed") this.#count(`targets_${split}`, row.fitted.length);
    const whole = encoder && form.needsTokens ? encodeRow(row.rendered.segments, encoder) : null;
    const isCut = row.fitted[0].length === "cut" && maxTokens !== null;
    const tokens = whole && isCut ? cutRight(whole, maxTokens) : whole;
    const counts = tokens ? countsOf(tokens) : countsOfRow(row);
    if (isCut && counts && whole && counts.target < countsOf(whole).target)
      this.#count(counts.target === 0 ? "targets_lost" : "targets_cut");
    if (counts) {
      this.#count(`tokens_${split}`, counts.context + counts.target);
      this.#count(`target_tokens_${split}`, counts.target);
      this.#count(
        `tokens_as_samples_${split}`,
        sum(row.fitted, ({ tokens: each }) => each),
      );
    }
    const about = originOf(row, origin, counts) as { id: string };
    const bins = this.#bins.get(split);
    const weights = weightsOf(row.fitted);
    if (bins && tokens) for (const bin of bins.add({ id: about.id, row: tokens, weights })) await this.#put(split, bin);
    else {
      const each = isWeighted && tokens ? { loss_weights: lossWeights(tokens, weights) } : {};
      await this.#put(split, { ...about, ...form.row(row.rendered, tokens), ...each });
    }
  }

  async #put(split: Split, row: Record<string, unknown>): Promise<void> {
    this.#count(`rows_${split}`);
    await this.#files.get(split)?.write(row);
  }

  #count(name: string, by = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + by;
  }
}

/** From the tenth on, turns are counted together. */
function turnName({ turn, kind }: Sample): string {
  return kind === "end" ? "end" : turn < 10 ? String(turn) : "10_and_later";
}

function dialogueOf(
  intent: string | null,
  turns: readonly Turn[],
  { form, trims, controlTokens, controls }: Settings,
): Dialogue {
  const escapes = form.isText && controlTokens === "escape";
  const read = (text: string) => (escapes ? controls.escape(text) : text);
  return {
    intent: intent === null ? null : read(intent),
    turns: turns.map(({ role, content }) => ({ role, content: read(trims ? content.trim() : content) })),
  };
}

/** Counts control tokens spelled out by people in what a sample shows: its intent, its context and its target (an end is ours). */
function typedControlTokens({ intent, turns }: Dialogue, { count }: ControlTokens): (fitted: Fitted) => number {
  const inIntent = count(intent ?? "");
  const inTurns = turns.map(({ content }) => count(content));
  return ({ sample, from }) => {
    const shown = inTurns.slice(from, sample.context_turns + (sample.kind === "end" ? 0 : 1));
    return inIntent + sum(shown, (each) => each);
  };
}

function countsOf({ ids, lengths }: { ids: Int32Array; lengths: readonly number[] }) {
  const target = sum(lengths, (each) => each);
  return { context: ids.length - target, target };
}

/** From what was measured: the last sample of a row is as long as the row. */
function countsOfRow({ fitted }: Row): { context: number; target: number } | null {
  const last = fitted.at(-1)?.tokens ?? null;
  if (last === null) return null;
  const target = sum(fitted, ({ inLoss }) => inLoss);
  return { context: last - target, target };
}

function sum<T>(list: readonly T[], of: (each: T) => number | null): number {
  return list.reduce((total, each) => total + (of(each) ?? 0), 0);
}
