import type { Baseline } from "../../../schemas/baseline.ts";
import type { FileRecord, Manifest, Marker } from "../../../schemas/manifest.ts";
import type { Plan } from "../../../schemas/plan.ts";
import type { Reconciled } from "../../../schemas/published-count.ts";
import { Split } from "../../../schemas/user.ts";
import type { WriteOptions } from "../../render/stage.ts";

/** What the card of a dataset is made from. */
export interface CardInput {
  readonly plan: Plan;
  /** Of the stages before `write`, in order. */
  readonly manifests: readonly Manifest[];
  /** Of the tasks that wrote the dataset's rows. */
  readonly shards: readonly Pick<Marker, "tally" | "outputs">[];
  readonly options: WriteOptions;
  /** Tokens that must be added to the tokenizer, in order. */
  readonly added: readonly { readonly token: string; readonly id: number }[];
  readonly baselines: readonly Baseline[];
  readonly reconciled: readonly Reconciled[];
  /** Languages of the conversations as the source names them, without those it does not name. */
  readonly languages: readonly string[];
  /** The first row, to be shown; null = there is none. */
  readonly row: Readonly<Record<string, unknown>> | null;
  /** What was done for privacy before the files were published, and how many rows were left out for it; null = nothing was. */
  readonly privacy: { readonly words: string; readonly rows: number; readonly leftOut: number } | null;
}

/** The sum of one count over the tasks. */
export function sumOf(shards: CardInput["shards"], count: string): number {
  return shards.reduce((sum, { tally }) => sum + (tally.counts[count] ?? 0), 0);
}

/** The splits that a dataset has rows for. */
export function splitsOf(shards: CardInput["shards"]): Split[] {
  return Split.options.filter((split) => sumOf(shards, `rows_${split}`) > 0);
}

/** The files that hold rows; what else a task wrote, such as rejections, is not published. */
export function dataFiles(shards: CardInput["shards"]): FileRecord[] {
  return shards.flatMap(({ outputs }) => outputs).filter(({ path }) => path.startsWith("dataset/"));
}

/** A table in Markdown. Bars in cells would end them, so they are escaped. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cell = (value: string | number) => String(value).replaceAll("|", "\\|");
  const line = (cells: readonly (string | number)[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), `| ${head.map(() => "---").join(" | ")} |`, ...rows.map(line)].join("\n");
}
