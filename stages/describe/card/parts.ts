import type { Chain } from "../../../pipeline/chain.ts";
import type { Baseline } from "../../../schemas/baseline.ts";
import type { EndLabels } from "../../../schemas/end-label.ts";
import type { Manifest } from "../../../schemas/manifest.ts";
import type { Plan } from "../../../schemas/plan.ts";
import type { PublishedCount } from "../../../schemas/published-count.ts";
import { Split } from "../../../schemas/user.ts";
import { flipped } from "../../flip/artefacts.ts";
import type { DatasetRows } from "../../render/artefacts.ts";
import type { RenderOptions } from "../../render/options.ts";

/** What the card of a dataset is made from. */
export interface CardInput {
  readonly plan: Plan;
  /** The chain that was planned. */
  readonly chain: Chain;
  /** Of the stages before `render`, in order. */
  readonly manifests: readonly Manifest[];
  readonly rows: DatasetRows;
  /** Those of `render`, for one form. */
  readonly options: RenderOptions;
  /** Tokens that must be added to the tokenizer, in order. */
  readonly added: readonly { readonly token: string; readonly id: number }[];
  readonly baselines: readonly Baseline[];
  readonly published: readonly PublishedCount[];
  /** Languages of the conversations as the source names them, without those it does not name. */
  readonly languages: readonly string[];
  /** The first row, to be shown; null = there is none. */
  readonly row: Readonly<Record<string, unknown>> | null;
  /** What was done for privacy before the files were published, and how many rows were left out for it; null = nothing was. */
  readonly privacy: { readonly words: string; readonly rows: number; readonly leftOut: number } | null;
}

/** One count of the rows; 0 if nothing was counted under this name. */
export function countOf({ counts }: Pick<DatasetRows, "counts">, name: string): number {
  return counts[name] ?? 0;
}

/** The splits that a dataset has rows for. */
export function splitsOf(rows: Pick<DatasetRows, "counts">): Split[] {
  return Split.options.filter((split) => countOf(rows, `rows_${split}`) > 0);
}

/** True if `flip` gave weights to ends. */
export function hasWeights(manifests: readonly Manifest[]): boolean {
  return endLabels(manifests) === "weighted";
}

/** How `flip` labelled ends. */
export function endLabels(manifests: readonly Manifest[]): EndLabels | undefined {
  return manifests.find(({ stage }) => stage === flipped.samples.stage)?.options["endLabels"] as EndLabels | undefined;
}

/** A table in Markdown. Bars in cells would end them, so they are escaped. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cell = (value: string | number) => String(value).replaceAll("|", "\\|");
  const line = (cells: readonly (string | number)[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), `| ${head.map(() => "---").join(" | ")} |`, ...rows.map(line)].join("\n");
}
