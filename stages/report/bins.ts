/** How often what: the bars of a report's plots, counted by the engine. */
import { join } from "node:path";
import { jsonLines, parquet, query } from "../../pipeline/files/duckdb.ts";
import type { FileRecord } from "../../schemas/manifest.ts";
import type { RenderOptions } from "../render/options.ts";
import type { Bin } from "./report.ts";

/** From here on turns are counted together. */
export const MOST_TURNS = 15;

/** The smallest number of the power of two that a number is in: 0, 1, 2, 4, 8, … */
export const octave = (number: string) => `CASE WHEN ${number} < 1 THEN 0 ELSE 2 ** floor(log2(${number})) END`;

async function bins(rows: string, from: string, kind: string): Promise<Bin[]> {
  const sql = `SELECT (${from})::BIGINT::DOUBLE AS "from", ${kind} AS kind, count(*)::DOUBLE AS count FROM ${rows} GROUP BY ALL ORDER BY ALL`;
  const found: Bin[] = [];
  for await (const row of query(sql, "report")) found.push(row as Bin);
  return found;
}

/** User turns of each conversation that has a sample, by split. */
export function turnBins(samples: string): Promise<Bin[]> {
  const own = `(SELECT conversation_id, any_value(split) AS split, any_value(turns) AS turns FROM ${samples} GROUP BY 1)`;
  return bins(own, `least(turns, ${MOST_TURNS})`, "split");
}

/** Words of the intents, words copied in a row, and shares in percent that the user said. */
export async function intentBins(intents: string) {
  const own = `(SELECT * FROM ${intents} WHERE intent IS NOT NULL)`;
  const statuses: { status: string; specificity: string | null; count: number }[] = [];
  const sql = `SELECT status, specificity, count(*)::DOUBLE AS count FROM ${intents} GROUP BY ALL ORDER BY count DESC, status, specificity`;
  for await (const row of query(sql, "report")) statuses.push(row as (typeof statuses)[number]);
  return {
    statuses,
    words: await bins(own, "5 * floor(words / 5)", "'intents'"),
    copied: await bins(own, "least(copied, 15)", "'intents'"),
    from_user: await bins(`${own} WHERE from_user IS NOT NULL`, "least(90, 10 * floor(from_user * 10))", "'intents'"),
  };
}

/** Tokens of the rows that are given and that are to be said; none where nothing counted them, or where rows are bins. */
export async function tokenBins(
  folder: string,
  files: readonly FileRecord[],
  { fileFormat, packing, tokenizer }: RenderOptions,
): Promise<Bin[]> {
  const paths = files.map(({ path }) => join(folder, path));
  if (paths.length === 0 || packing || tokenizer === "none") return [];
  if (fileFormat === "arrow") return arrowBins(paths);
  const rows =
    fileFormat === "parquet" ? parquet(paths) : jsonLines(paths, { context_tokens: "INT", target_tokens: "INT" });
  const sizes = `(UNPIVOT (SELECT context_tokens AS context, target_tokens AS target FROM ${rows}) ON context, target INTO NAME kind VALUE size)`;
  return bins(sizes, octave("size"), "kind");
}

async function arrowBins(paths: readonly string[]): Promise<Bin[]> {
  const counts = new Map<string, Bin & { count: number }>();
  const count = (kind: string, size: number) => {
    const from = size < 1 ? 0 : 2 ** Math.floor(Math.log2(size));
    const bin = counts.get(`${kind} ${from}`) ?? { from, kind, count: 0 };
    counts.set(`${kind} ${from}`, { ...bin, count: bin.count + 1 });
  };
  const { readArrow } = await import("../../pipeline/files/arrow.ts");
  for (const path of paths)
    for await (const row of readArrow(path)) {
      count("context", Number(row["context_tokens"]));
      count("target", Number(row["target_tokens"]));
    }
  return [...counts.values()].sort((a, b) => a.from - b.from || (a.kind < b.kind ? -1 : 1));
}
