/**
 * Samples -> the dataset: `dataset/data/{train,validation,test}-*.parquet` or `.jsonl` in the form that a trainer reads,
 * and the dataset card. Each file holds one split; rows come in the order of their ids, which for WildChat are hashes,
 * so that any part of the data is a fair sample of it.
 */
import { join } from "node:path";
import { z } from "zod";
import { quote } from "../pipeline/duckdb.ts";
import { shardName } from "../pipeline/files.ts";
import { readParquet } from "../pipeline/parquet.ts";
import { defineStage } from "../pipeline/stage.ts";
import type { Task } from "../pipeline/task.ts";
import type { Tally } from "../schemas/manifest.ts";
import type { Plan } from "../schemas/plan.ts";
import type { Rejection } from "../schemas/rejection.ts";
import { Sample } from "../schemas/sample.ts";
import { Split } from "../schemas/user.ts";
import { datasetCard } from "./write/card.ts";
import { escapeSample, FORMS, type Form, typedControlTokens } from "./write/forms.ts";

export const WriteOptions = z.strictObject({
  form: z
    .enum(Object.keys(FORMS) as [keyof typeof FORMS, ...(keyof typeof FORMS)[]])
    .default("samples")
    .describe("all columns; chat messages; or text in the format of UserLM-8b"),
  format: z.enum(["parquet", "jsonl"]).default("parquet").describe("kind of the dataset's files"),
  controlTokens: z
    .enum(["drop", "escape", "keep"])
    .default("drop")
    .describe(
      "control tokens spelled out by people, in the forms that a tokenizer reads as text: drop the sample, break them with a zero-width space, or keep",
    ),
});
export type WriteOptions = z.infer<typeof WriteOptions>;

/** Validation and test have about a twentieth of the rows each, and get a sixteenth of the files. */
function files(plan: Plan, split: Split): number {
  const all = plan.stages.find((stage) => stage.name === "split")?.options["fixedSplit"] === split;
  return split === "train" || all ? plan.shards : Math.ceil(plan.shards / 16);
}

/** Which split, which of its files, and which shards of the samples a task is about. */
export function part(plan: Plan, index: number): { split: Split; file: number; of: number; shards: number[] } {
  let file = index;
  for (const split of Split.options) {
    const of = files(plan, split);
    if (file < of) {
      const first = Math.floor((file * plan.shards) / of);
      const end = Math.floor(((file + 1) * plan.shards) / of);
      return { split, file, of, shards: Array.from({ length: end - first }, (_, at) => first + at) };
    }
    file -= of;
  }
  throw new RangeError(`no file ${index}`);
}

async function writePart(task: Task<WriteOptions>): Promise<Partial<Tally>> {
  const { options, plan, signal } = task;
  const { split, file, of, shards } = part(plan, task.index);
  const form: Form = FORMS[options.form];
  const rejections: Rejection[] = [];
  const counts: Record<string, number> = {};
  let taken = 0;
  let kept = 0;
  async function* rows(): AsyncGenerator<Record<string, unknown>> {
    const paths = shards.map((shard) => task.shard("flip", "samples", shard));
    for await (const sample of readParquet(paths, Sample, { where: `split = ${quote(split)}`, signal })) {
      taken++;
      const typed = typedControlTokens(sample);
      if (typed > 0) counts["samples_with_control_tokens"] = (counts["samples_with_control_tokens"] ?? 0) + 1;
      if (typed > 0 && form.isText && options.controlTokens === "drop") {
        rejections.push({
          id: sample.id,
          conversation_id: sample.conversation_id,
          stage: "write",
          reason: "control_token",
          detail: JSON.stringify({ found: typed }),
        });
        continue;
      }
      kept++;
      yield form.row(typed > 0 && form.isText && options.controlTokens === "escape" ? escapeSample(sample) : sample);
    }
  }
  const total = (await task.manifest("flip")).counts[`samples_${split}`] ?? 0;
  if (total > 0) await writeRows(task, shardName(split, file, of, options.format), form, rows());
  const rejected = await task.writeRejections(rejections, { index: task.index, of: partCount(plan) });
  if (kept > 0) counts[`rows_${split}`] = kept;
  return {
    taken,
    in: taken,
    kept,
    rejected,
    counts,
  };
}

async function writeRows(
  task: Task<WriteOptions>,
  name: string,
  form: Form,
  rows: AsyncIterable<Record<string, unknown>>,
): Promise<void> {
  const path = join(task.run.folder, "dataset", "data", name);
  if (task.options.format === "parquet") {
    await task.writeTo(path, form.schema, rows);
    return;
  }
  let lines = 0;
  async function* bytes() {
    for await (const row of rows) {
      lines++;
      const inOrder = Object.fromEntries(Object.keys(form.schema.shape).map((key) => [key, row[key]]));
      yield Buffer.from(`${JSON.stringify(inOrder)}\n`);
    }
  }
  await task.writeBytes(path, bytes(), () => lines);
}

async function writeCard(task: Task<WriteOptions>): Promise<Partial<Tally>> {
  const stages = task.plan.stages.map((stage) => stage.name).filter((name) => name !== "write");
  const manifests = await Promise.all(stages.map((name) => task.manifest(name)));
  const parts = await task.results("part");
  const card = datasetCard({ plan: task.plan, manifests, parts, options: task.options });
  await task.writeBytes(join(task.run.folder, "dataset", "README.md"), [Buffer.from(card)]);
  return {};
}

function partCount(plan: Plan): number {
  return Split.options.reduce((sum, split) => sum + files(plan, split), 0);
}

export const write = defineStage({
  name: "write",
  summary: "the dataset: one form, Parquet or JSONL, and its card",
  // The card counts what every stage kept and rejected; the rows come from flip.
  reads: ["download", "prepare", "dedup", "split", "intents", "flip"],
  readsManifests: true,
  unit: "samples",
  options: WriteOptions,
  publishes: {
    folder: "dataset",
    owns: /^(README\.md|data\/(train|validation|test)-\d{5}-of-\d{5}\.(parquet|jsonl))$/,
  },
  phases: [
    { name: "part", tasks: partCount, run: writePart },
    { name: "card", tasks: () => 1, run: writeCard },
  ],
});
