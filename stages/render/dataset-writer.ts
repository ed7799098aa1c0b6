import type { z } from "zod";
import type { Written } from "../../pipeline/files/parquet.ts";
import type { RowFile } from "../../pipeline/files/row-files.ts";
import type { ControlTokens } from "../../pipeline/text/control-tokens.ts";
import { type Encoder, remembering } from "../../pipeline/text/encoder.ts";
import { cutRight, encodeRow, lossWeights } from "../../pipeline/text/token-row.ts";
import { trimmed } from "../../pipeline/text/white-space.ts";
import type { Conversation, Turn } from "../../schemas/conversation.ts";
import type { Rejection } from "../../schemas/rejection.ts";
import type { Sample } from "../../schemas/sample.ts";
import type { Split } from "../../schemas/user.ts";
import { CONFIDENT } from "../flip/options.ts";
import { binColumns, columnsOf, type Provenance } from "../forms/dataset-columns.ts";
import type { Form } from "../forms/form.ts";
import { rendered } from "./artefacts.ts";
import type { RenderOptions } from "./options.ts";
import { Bins } from "./packing.ts";
import { provenanceOf, weightsOf } from "./provenance.ts";
import {
  type DatasetRow,
  type Dialogue,
  type RowSettings,
  rowsOf,
  type TruncatedSample,
  truncateAll,
} from "./truncate.ts";

/** How rows are made and written. */
export interface DatasetSettings extends RowSettings {
  readonly form: Form;
  readonly whitespace: RenderOptions["whitespace"];
  readonly controlTokens: RenderOptions["controlTokens"];
  /** What a tokenizer that reads the rows as text would take for control tokens. */
  readonly controls: ControlTokens;
  /** Rows of tokens are put together up to `maxTokens`. */
  readonly packing: boolean;
  /** Targets may have other weights than 1, so the rows say them. */
  readonly isWeighted: boolean;
}

/** The rows of one shard on their way into a file for each split, and what was counted on the way. */
export class DatasetWriter {
  readonly rejections: Rejection[] = [];
  readonly counts: Record<string, number> = {};
  taken = 0;
  kept = 0;
  readonly #settings: DatasetSettings;
  readonly #files: ReadonlyMap<Split, RowFile>;
  readonly #bins = new Map<Split, Bins>();

  constructor(
    splits: readonly Split[],
    open: (split: Split, columns: z.ZodObject) => RowFile,
    settings: DatasetSettings,
  ) {
    this.#settings = settings;
    const { form, layout, isWeighted, packing, maxTokens } = settings;
    const binSize = packing ? maxTokens : null;
    const columns = binSize === null ? columnsOf(form, layout, isWeighted) : binColumns(isWeighted);
    this.#files = new Map(splits.map((split) => [split, open(split, columns)]));
    if (binSize !== null) for (const split of splits) this.#bins.set(split, new Bins(binSize));
  }

  /** Writes the samples of one conversation. */
  async add(
    from: Provenance & Pick<Conversation, "turns">,
    intent: string | null,
    samples: readonly Sample[],
  ): Promise<void> {
    const { turns, ...provenance } = from;
    const dialogue = dialogueOf(intent, turns, this.#settings);
    const encoder = this.#settings.encoder && remembering(this.#settings.encoder);
    const settings = { ...this.#settings, encoder };
    const typed = typedControlTokens(dialogue, this.#settings.controls);
    const truncated = truncateAll(dialogue, samples, settings).filter((each) => this.#check(each, typed(each)));
    for (const row of rowsOf(dialogue, truncated, settings)) await this.#write(row, provenance, encoder);
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
  #check({ sample, length, tokens, isAtLeast, hasTarget }: TruncatedSample, typed: number): boolean {
    const { form, controlTokens, maxTokens, overflow } = this.#settings;
    this.taken++;
    if (typed > 0) this.#count("samples_with_control_tokens");
    const count = () => tokens !== null && this.#count(`${sample.split}_turn_${turnName(sample)}_${length}`);
    if (length === "impossible") {
      count();
      const reason = overflow === "drop" ? "too_long" : "target_too_long";
      const found = isAtLeast ? { tokens_at_least: tokens } : { tokens };
      return this.#reject(sample, reason, { ...found, max_tokens: maxTokens });
    }
    if (!hasTarget) return this.#reject(sample, "nothing_in_loss", {});
    if (typed > 0 && form.isText && controlTokens === "drop")
      return this.#reject(sample, "control_token", { found: typed });
    if (form.wholeWeights && sample.weight < CONFIDENT)
      return this.#reject(sample, "doubtful_end", { end_confidence: sample.weight });
    this.kept++;
    count();
    return true;
  }

  #reject({ id, conversation_id }: Sample, reason: string, detail: object): false {
    this.rejections.push({
      id,
      conversation_id,
      stage: rendered.rejections.stage,
      reason,
      detail: JSON.stringify(detail),
    });
    return false;
  }

  async #write(row: DatasetRow, provenance: Provenance, encoder: Encoder | null): Promise<void> {
    const { form, layout, maxTokens, isWeighted } = this.#settings;
    const { split } = row.truncated[0].sample;
    if (layout === "conversations") this.#count(`targets_${split}`, row.truncated.length);
    const whole = encoder && form.needsTokens ? encodeRow(row.rendered.segments, encoder) : null;
    const isCut = row.truncated[0].length === "cut" && maxTokens !== null;
    const tokens = whole && isCut ? cutRight(whole, maxTokens) : whole;
    const counts = tokens ? countsOf(tokens) : countsOfRow(row);
    if (isCut && counts && whole && counts.target < countsOf(whole).target)
      this.#count(counts.target === 0 ? "targets_lost" : "targets_cut");
    if (counts) {
      this.#count(`tokens_${split}`, counts.context + counts.target);
      this.#count(`target_tokens_${split}`, counts.target);
      this.#count(
        `tokens_as_samples_${split}`,
        sum(row.truncated, ({ tokens: each }) => each),
      );
    }
    const about = provenanceOf(row, provenance, counts) as { id: string };
    const bins = this.#bins.get(split);
    const weights = weightsOf(row.truncated);
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
  { form, whitespace, controlTokens, controls }: DatasetSettings,
): Dialogue {
  const escapes = form.isText && controlTokens === "escape";
  const read = (text: string) => (escapes ? controls.escape(text) : text);
  return {
    intent: intent === null ? null : read(intent),
    turns: turns.map(({ role, content }) => ({
      role,
      content: read(whitespace === "trim" ? trimmed(content) : content),
    })),
  };
}

/** Counts control tokens spelled out by people in what a sample shows: its intent, its context and its target (an end is ours). */
function typedControlTokens(
  { intent, turns }: Dialogue,
  { count }: ControlTokens,
): (truncated: TruncatedSample) => number {
  const inIntent = count(intent ?? "");
  const before = [0];
  for (const { content } of turns) before.push((before.at(-1) ?? 0) + count(content));
  return ({ sample, from }) => {
    const end = Math.min(turns.length, sample.context_turns + (sample.kind === "end" ? 0 : 1));
    return inIntent + (before[end] ?? 0) - (before[from] ?? 0);
  };
}

function countsOf({ ids, lengths }: { ids: Int32Array; lengths: readonly number[] }) {
  const target = sum(lengths, (each) => each);
  return { context: ids.length - target, target };
}

/** From what was measured: the last sample of a row is as long as the row. */
function countsOfRow({ truncated }: DatasetRow): { context: number; target: number } | null {
  const last = truncated.at(-1)?.tokens ?? null;
  if (last === null) return null;
  const target = sum(truncated, ({ inLoss }) => inLoss);
  return { context: last - target, target };
}

function sum<T>(list: readonly T[], of: (each: T) => number | null): number {
  return list.reduce((total, each) => total + (of(each) ?? 0), 0);
}
