/** What a number over what users do is: computed for people and for models by the same function. */

/** What users did, in the shapes that metrics look at. */
export interface Observations {
  /** The first turn of a conversation. */
  readonly opening: string;
  /** A conversation that has an intent: the intent, and what its user said, in order. */
  readonly dialogue: { readonly intent: string; readonly said: readonly string[] };
  /** How often users went on and how often they ended after the assistant's answer number `turn`, from 1. */
  readonly decisions: { readonly turn: number; readonly next: number; readonly end: number };
}

/** What a metric is told beside what users did. */
export interface MetricSettings {
  /** What every intent begins with. */
  readonly intentPrefix: string;
  /** Token ids of a text; null = there is no tokenizer. */
  readonly tokens: ((text: string) => ArrayLike<number>) | null;
}

/** One number, in percent. */
export interface Score {
  /** How exactly it was computed, such as `words` or `jaccard/1-gram/no_prefix`. */
  readonly variant: string;
  /** What it is: `diversity`, `overlap`, `precision`, `f1`, … */
  readonly metric: string;
  /** The turn that it is about, from 1; null = all of them. */
  readonly turn: number | null;
  /** Null = there was nothing to compute it from. */
  readonly value: number | null;
  /** How many first turns, user turns or decisions it was computed from. */
  readonly count: number;
}

/** A metric at work on what the users of one split, or one model, did. */
interface Measuring<Shape extends keyof Observations> {
  add(observed: Observations[Shape]): void;
  scores(): Score[];
}

/** A metric of one of the shapes. */
export interface MetricOf<Shape extends keyof Observations> {
  readonly name: string;
  /** What it looks at. */
  readonly of: Shape;
  readonly title: string;
  /** How it is computed, in one sentence and at more length; both Markdown. */
  readonly formula: string;
  readonly explanation: string;
  /** What is to be listed beside it, such as the words that it leaves out. */
  readonly appendix?: string;
  /** What the paper reports of people, on PRISM, under the name of a score. */
  readonly published?: { readonly metric: string; readonly people: number };
  /** True for the scores to look at first, which are about all turns. */
  readonly isMain: (score: Pick<Score, "variant" | "metric">) => boolean;
  readonly start: (settings: MetricSettings) => Measuring<Shape>;
}

/** A metric of any shape. */
export type Metric = { readonly [Shape in keyof Observations]: MetricOf<Shape> }[keyof Observations];
