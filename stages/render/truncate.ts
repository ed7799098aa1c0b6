/**
 * The samples of one conversation -> rows: which turns of the context stay so that a row is no longer than `maxTokens`,
 * and, in layout `conversations`, which samples share a row.
 */

import type { ChatFormat } from "../../pipeline/text/chat-template/chat-format.ts";
import { END } from "../../pipeline/text/control-tokens.ts";
import { countTokens, type Encoder } from "../../pipeline/text/encoder.ts";
import type { Message, Segment } from "../../pipeline/text/segment.ts";
import type { Turn } from "../../schemas/conversation.ts";
import type { Sample } from "../../schemas/sample.ts";
import type { Rendered } from "../forms/form.ts";
import { Lengths } from "./lengths.ts";

/** What rows are made from: the goal of a conversation (null = none) and its turns. */
export interface Dialogue {
  readonly intent: string | null;
  readonly turns: readonly Turn[];
}

/** How samples become rows. */
export interface RowSettings {
  readonly chat: ChatFormat;
  /** null = nothing is counted, so nothing is too long. */
  readonly encoder: Encoder | null;
  /** Most tokens of a row; null = any number. */
  readonly maxTokens: number | null;
  /** What to do with a longer one: leave out the oldest exchanges, the sample, its last tokens (later), or nothing. */
  readonly overflow: "shorten" | "drop" | "cut-right" | "keep";
  readonly layout: "samples" | "conversations";
}

/** What became of the length of a sample. `impossible`: it is no row. */
type Became = "untouched" | "shortened" | "cut" | "longer" | "impossible";

/** A sample with the turns that stay: its context begins with turn `from`. Counts of tokens are null where nothing counts them. */
export interface TruncatedSample {
  readonly sample: Sample;
  readonly from: number;
  readonly length: Became;
  readonly tokens: number | null;
  readonly inLoss: number | null;
  /** True: `tokens` are at least so many; a text that cannot fit is not counted. */
  readonly isAtLeast?: boolean;
  /** False if nothing of its target would be trained: an empty turn where neither its beginning nor its end is. */
  readonly hasTarget: boolean;
}

/** One row: a sample, or in layout `conversations` samples of a conversation whose contexts begin with the same turn. */
export interface DatasetRow {
  readonly truncated: readonly [TruncatedSample, ...TruncatedSample[]];
  readonly rendered: Rendered;
}

/** Every sample of a conversation with its length; in the order of the conversation, as they come. */
export function truncateAll(dialogue: Dialogue, samples: readonly Sample[], settings: RowSettings): TruncatedSample[] {
  const { chat, encoder, maxTokens, overflow } = settings;
  if (!chat.isLocal || !encoder) return samples.map((sample) => truncate(dialogue, sample, settings));
  const most = overflow === "shorten" && maxTokens !== null ? maxTokens : Number.POSITIVE_INFINITY;
  const lengths = new Lengths(chat, encoder, dialogue.turns, most);
  if (most === Number.POSITIVE_INFINITY) return wholeAll(dialogue, samples, lengths, settings);
  return samples.map((sample) => shorten(dialogue, sample, lengths, { chat, most }));
}

/** Every sample with all its context, whatever its length. */
function wholeAll(
  dialogue: Dialogue,
  samples: readonly Sample[],
  lengths: Lengths,
  { chat, maxTokens, overflow }: RowSettings,
): TruncatedSample[] {
  const before = new Float64Array(dialogue.turns.length + 1);
  for (const at of dialogue.turns.keys()) before[at + 1] = (before[at] ?? 0) + lengths.ofTurn(at);
  const beyond = ({ drop: "impossible", keep: "longer", "cut-right": "cut", shorten: "shortened" } as const)[overflow];
  return samples.map((sample) => {
    const { tokens, inLoss, hasTarget } = ends(dialogue, sample, lengths, chat);
    const all = tokens + (before[sample.context_turns] ?? 0);
    const length = maxTokens === null || all <= maxTokens ? "untouched" : beyond;
    return { sample, from: 0, length, tokens: all, inLoss, hasTarget };
  });
}

/** A sample with as many of its last exchanges as fit: what stands further back is not even looked at. */
function shorten(
  dialogue: Dialogue,
  sample: Sample,
  lengths: Lengths,
  { chat, most }: { chat: ChatFormat; most: number },
): TruncatedSample {
  const { context_turns } = sample;
  const { isAll, tokens: alone, ...target } = ends(dialogue, sample, lengths, chat);
  const none = { sample, from: context_turns, ...target };
  if (!isAll || alone > most)
    return { ...none, length: "impossible", tokens: alone, ...(!isAll && { isAtLeast: true }) };
  let best: TruncatedSample = { ...none, length: context_turns === 0 ? "untouched" : "shortened", tokens: alone };
  let tokens = alone;
  for (let from = context_turns - 1; from >= 0; from--) {
    tokens += lengths.ofTurn(from);
    if (tokens > most) break;
    if (from % 2 === 0) best = { ...best, from, length: from === 0 ? "untouched" : "shortened", tokens };
  }
  return best;
}

/** A sample without its context: its intent and its target. */
function ends(dialogue: Dialogue, sample: Sample, lengths: Lengths, chat: ChatFormat) {
  const messages = messagesOf(dialogue, [sample], sample.context_turns);
  const mayBeEmpty = messages.at(-1)?.content === "";
  const hasTarget = !mayBeEmpty || chat.render(messages).some(({ loss }) => loss);
  return { ...lengths.ofEnds(messages), hasTarget };
}

/** The rows of samples that fit. Memory: one row at a time. */
export function* rowsOf(
  dialogue: Dialogue,
  truncated: readonly TruncatedSample[],
  settings: RowSettings,
): Generator<DatasetRow> {
  const groups: [TruncatedSample, ...TruncatedSample[]][] = [];
  for (const each of truncated) {
    const last = settings.layout === "conversations" ? groups.at(-1) : undefined;
    if (last?.[0].from === each.from && canJoin(dialogue, last, each, settings.chat)) last.push(each);
    else groups.push([each]);
  }
  for (const group of groups) yield { truncated: group, rendered: render(dialogue, group, settings.chat) };
}

function truncate(
  dialogue: Dialogue,
  sample: Sample,
  { chat, encoder, maxTokens, overflow }: RowSettings,
): TruncatedSample {
  const measure = (from: number, length: Became): TruncatedSample => {
    // Nothing is counted without a tokenizer, so the target alone tells all.
    const messages = messagesOf(dialogue, [sample], encoder ? from : sample.context_turns);
    const mayBeEmpty = messages.at(-1)?.content === "";
    const segments = encoder || mayBeEmpty ? chat.render(messages) : [];
    const count = encoder ? countTokens(segments, encoder) : { tokens: null, inLoss: null };
    return { sample, from, length, ...count, hasTarget: !mayBeEmpty || segments.some(({ loss }) => loss) };
  };
  const fits = ({ tokens }: TruncatedSample) => maxTokens === null || tokens === null || tokens <= maxTokens;
  if (overflow === "shorten") return longestThatFits(sample.context_turns, measure, fits);
  const whole = measure(0, "untouched");
  if (fits(whole)) return whole;
  return { ...whole, length: ({ drop: "impossible", keep: "longer", "cut-right": "cut" } as const)[overflow] };
}

/** Exchanges that are looked at first, from the last: most conversations have fewer. */
const FIRST_LOOK = 16;

/** A sample with as many of its last exchanges as fit: at most about twice as many are looked at, however many there are. */
function longestThatFits(
  turns: number,
  measure: (from: number, length: Became) => TruncatedSample,
  fits: (tried: TruncatedSample) => boolean,
): TruncatedSample {
  const exchanges = Math.ceil(turns / 2);
  // Exchanges to leave out: `low` are too few, `high` are enough.
  let low = 0;
  let high = exchanges;
  let best: TruncatedSample | null = null;
  for (let kept = FIRST_LOOK; ; kept *= 2) {
    low = Math.max(0, exchanges - kept);
    const tried = measure(2 * low, low === 0 ? "untouched" : "shortened");
    if (!fits(tried)) break;
    if (low === 0) return tried;
    [high, best] = [low, tried];
  }
  best ??= measure(turns, "shortened");
  if (!fits(best)) return { ...best, length: "impossible" };
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const tried = measure(2 * middle, "shortened");
    if (fits(tried)) [high, best] = [middle, tried];
    else low = middle;
  }
  return best;
}

/** The messages of a row: the intent, the turns from `from` on, and the last sample's target; the targets of all are in the loss. */
function messagesOf({ intent, turns }: Dialogue, samples: readonly Sample[], from: number): Message[] {
  const last = samples.at(-1) as Sample;
  const targets = new Set(samples.map((sample) => sample.context_turns));
  const context = turns.slice(from, last.context_turns).map(({ role, content }, at): Message => {
    return { role, content, loss: targets.has(from + at), end: false };
  });
  const target: Message = {
    role: "user",
    content: last.kind === "end" ? END : (turns[last.context_turns]?.content ?? ""),
    loss: true,
    end: last.kind === "end",
  };
  const system: Message[] = intent === null ? [] : [{ role: "system", content: intent, loss: false, end: false }];
  return [...system, ...context, target];
}

function render(dialogue: Dialogue, truncated: readonly TruncatedSample[], chat: ChatFormat): Rendered {
  const samples = truncated.map(({ sample }) => sample);
  const messages = messagesOf(dialogue, samples, truncated[0]?.from ?? 0);
  return {
    messages,
    // Forms without a text of their own never ask.
    get segments() {
      return chat.render(messages);
    },
  };
}

/** True if every sample of a row would read the same alone, up to its target's end. By itself so where messages do not depend on what follows. */
function canJoin(
  dialogue: Dialogue,
  before: readonly TruncatedSample[],
  next: TruncatedSample,
  chat: ChatFormat,
): boolean {
  if (chat.isLocal) return true;
  const group = [...before, next];
  const joined = chat.render(
    messagesOf(
      dialogue,
      group.map(({ sample }) => sample),
      group[0]?.from ?? 0,
    ),
  );
  return group.every((each) => beginsWith(joined, chat.render(messagesOf(dialogue, [each.sample], each.from))));
}

/** True if the text begins with that of one sample, and counts the same target towards the loss. */
function beginsWith(joined: readonly Segment[], alone: readonly Segment[]): boolean {
  const from = alone.findIndex(({ loss }) => loss);
  return alone.every(
    ({ text, control, loss }, at) =>
      joined[at]?.text === text && joined[at].control === control && (at < from || joined[at].loss === loss),
  );
}
