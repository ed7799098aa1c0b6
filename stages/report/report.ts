import type { LedgerRow } from "../../pipeline/models/ledger.ts";
import type { Baseline } from "../../schemas/baseline.ts";
import type { Turn } from "../../schemas/conversation.ts";
import type { Leak } from "../../schemas/leak.ts";
import type { PublishedCount } from "../../schemas/published-count.ts";
import type { Sample } from "../../schemas/sample.ts";
import type { Template } from "../../schemas/template.ts";
import type { Split } from "../../schemas/user.ts";
import type { IntentBesideTurns } from "../intents/review.ts";

/** A rejected row: what was found and, where the conversation got as far as having a text, how it began. */
export type Example = { readonly id: string; readonly detail: string; readonly opening: string | null };

/** One stage of the funnel. */
export interface Step {
  readonly stage: string;
  readonly unit: string;
  readonly in: number;
  readonly kept: number;
  readonly rejected: readonly {
    readonly reason: string;
    readonly count: number;
    readonly examples: readonly Example[];
  }[];
}

/** A template with the opening of one conversation that matches it. */
export type ShownTemplate = Pick<
  Template,
  "id" | "text" | "conversations" | "matched" | "users" | "verdict" | "decided_by"
> & { readonly example: string | null };

/** How users and conversations of one country went to the splits. */
export interface Country {
  readonly country: string | null;
  readonly users: Readonly<Record<Split, number>>;
  readonly conversations: Readonly<Record<Split, number>>;
}

/** A sample with its text. */
export interface ShownSample extends Pick<Sample, "id" | "split" | "kind" | "turn" | "turns"> {
  readonly intent: string | null;
  readonly context: readonly Turn[];
  /** null = the end. */
  readonly target: string | null;
}

/** One bar: what from `from` on, up to the next bar, how often, and of which kind. */
export interface Bin {
  readonly from: number;
  readonly kind: string;
  readonly count: number;
}

/** What intents are like. Shares are in percent. */
export interface IntentsShown {
  readonly statuses: readonly {
    readonly status: string;
    readonly specificity: string | null;
    readonly count: number;
  }[];
  readonly words: readonly Bin[];
  readonly copied: readonly Bin[];
  readonly from_user: readonly Bin[];
  readonly worst: readonly IntentBesideTurns[];
}

/** Everything that a report shows. */
export interface Report {
  readonly source: string;
  readonly code: string;
  readonly seed: string;
  readonly hub: { readonly repo: string; readonly revision: string } | null;
  /** Form of the dataset that is shown. */
  readonly form: string;
  /** 16 hex digits of the sha256 over the options of all stages. */
  readonly options: string;
  /** Rows of the dataset. */
  readonly rows: Readonly<Record<Split, number>>;
  readonly funnel: readonly Step[];
  readonly templates: { readonly all: number; readonly matched: number; readonly shown: readonly ShownTemplate[] };
  readonly countries: readonly Country[];
  readonly leaks: readonly Leak[];
  /** User turns of the conversations in the dataset, by split; characters of turns, by role; tokens of rows. */
  readonly turns: readonly Bin[];
  readonly lengths: readonly Bin[];
  readonly tokens: readonly Bin[];
  readonly intents: IntentsShown;
  readonly costs: readonly LedgerRow[];
  readonly published_counts: readonly PublishedCount[];
  readonly baselines: readonly Baseline[];
  readonly samples: readonly ShownSample[];
}
