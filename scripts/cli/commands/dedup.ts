import { z } from "zod";
import { writeText } from "../../../pipeline/files/atomic-file.ts";
import { requireDone } from "../../../pipeline/fingerprint.ts";
import { allRows } from "../../../pipeline/finished-run.ts";
import type { ThresholdPoint } from "../../../schemas/threshold-point.ts";
import { deduplicated } from "../../../stages/dedup/artefacts.ts";
import { writeReviewFile } from "../../../stages/dedup/review-file.ts";
import { defineCommand } from "../command.ts";
import { print, printJson } from "../io.ts";
import { findRun, OfRun } from "../runs.ts";
import { count, table } from "../terminal.ts";

/** `flipturn dedup review`: writes the templates of a run for a person to decide about; what was decided before stays. */
export const reviewTemplates = defineCommand({
  name: "dedup review",
  summary: "write the templates into a file for a person to decide about",
  input: z.strictObject({
    ...OfRun,
    file: z
      .string()
      .default("templates.yaml")
      .meta({ value: "file", description: "the file; what was decided in it before stays" }),
    all: z.boolean().default(false).describe("also templates that no conversation matches"),
    dropStale: z.boolean().default(false).describe("leave out what was decided about templates that are no more"),
  }),
  examples: [
    "flipturn dedup review --output output/wildchat-1m",
    "flipturn run --source wildchat-1m --review templates.yaml",
  ],
  async run({ output, json, ...options }, io) {
    const { templates, decided, stale } = await writeReviewFile(await findRun(output, io), options);
    const { file } = options;
    if (json) return printJson(io, { file, templates, decided, stale });
    print(io, `${file}: ${count(templates)} templates, ${count(decided)} of them decided by a person`);
    print(io, `Edit it, then run again with --review ${file}`);
  },
});

/** `flipturn dedup sweep`: what templates would remove at other thresholds, from the counts of the run. */
export const sweepThresholds = defineCommand({
  name: "dedup sweep",
  earlierName: "dedup curve",
  summary: "show what templates would remove at other thresholds",
  input: z.strictObject({
    ...OfRun,
    svg: z.string().optional().meta({ value: "file", description: "draw it too, into this file" }),
  }),
  examples: ["flipturn dedup sweep --output output/wildchat-1m --svg thresholds.svg"],
  async run({ output, svg, json }, io) {
    const run = await findRun(output, io);
    const points = await allRows(run, deduplicated.threshold_sweep);
    if (svg !== undefined) {
      const { thresholdSweepSvg } = await import("../../../stages/dedup/threshold-sweep-svg.ts");
      writeText(svg, thresholdSweepSvg(points, run.plan.source));
    }
    if (json) return printJson(io, points);
    const { in: conversations } = await requireDone(run, deduplicated.threshold_sweep.stage);
    print(
      io,
      `Conversations that templates remove, of ${count(conversations)}\n\n${sweepTable(points, "conversations")}`,
    );
    print(io, `\nUsers who lose all their conversations\n\n${sweepTable(points, "users")}`);
    if (svg !== undefined) print(io, `\nDrawn: ${svg}`);
  },
});

function sweepTable(points: readonly ThresholdPoint[], measure: "conversations" | "users"): string {
  const coverages = [...new Set(points.map((point) => point.coverage))];
  const head = ["minCount", ...coverages.map((coverage) => (coverage === 0 ? "any" : String(coverage)))];
  const rows = [...new Set(points.map((point) => point.min_count))].map((minCount) => {
    const own = points.filter((point) => point.min_count === minCount);
    return [count(minCount), ...own.map((point) => count(point[measure]))];
  });
  return table([head, ...rows], [0, ...coverages.map((_, at) => at + 1)]);
}
