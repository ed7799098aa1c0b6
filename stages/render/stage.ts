/**
 * Conversations, intents and samples -> the rows of the dataset, in the form that a trainer reads, one file a split and
 * shard. Rows come in the order of the conversations' ids, which for WildChat are hashes, so that any part of the data is
 * a fair sample of it. Planned once for each form, so that several lie side by side and none is rendered twice.
 */

import { defineStage } from "../../pipeline/define-stage.ts";
import { UsageError } from "../../pipeline/errors.ts";
import { datasetFile, FILE_FORMATS } from "../../pipeline/files/row-files.ts";
import { plannedStage } from "../../pipeline/run-folder.ts";
import type { Validation } from "../../pipeline/stage.ts";
import type { Task } from "../../pipeline/task.ts";
import { loadText, requireDialogues, textFiles } from "../../pipeline/text/load-text.ts";
import { BOS } from "../../pipeline/text/text-options.ts";
import type { EndLabels } from "../../schemas/end-label.ts";
import type { Tally } from "../../schemas/manifest.ts";
import type { Plan } from "../../schemas/plan.ts";
import type { Sample } from "../../schemas/sample.ts";
import { Split } from "../../schemas/user.ts";
import { flipped } from "../flip/artefacts.ts";
import { FORM_NAMES, formNamed } from "../forms/index.ts";
import { conditioned } from "../intents/artefacts.ts";
import { prepared } from "../prepare/artefacts.ts";
import { rendered } from "./artefacts.ts";
import { DatasetWriter } from "./dataset-writer.ts";
import { formOf, RenderOptions, textOptions } from "./options.ts";

/** Throws UsageError for options that do not go together, or that name what is not there or does not do. */
async function validate(options: RenderOptions, { plan, resolve }: Validation): Promise<void> {
  const form = formOf(options);
  const needs = (isSo: boolean, what: string, ask: string) => {
    if (!isSo) throw new UsageError(`${what} needs ${ask}`);
  };
  const isTokens = form === "tokens";
  const several = FORM_NAMES.filter((name) => formNamed(name).holdsSeveral);
  needs(!isTokens || options.tokenizer !== "none", "--form tokens", "--tokenizer llama3 or a tokenizer.json, not none");
  needs(options.fileFormat !== "arrow" || isTokens, "--file-format arrow", "--form tokens");
  needs(!options.packing || (isTokens && options.maxTokens !== null), "--packing", "--form tokens and --max-tokens");
  const holdsSeveral = options.layout === "samples" || formNamed(form).holdsSeveral;
  needs(holdsSeveral, "--layout conversations", `one of the forms ${several.join(", ")}`);
  if (options.overflow === "cut-right") {
    const ask =
      "--form tokens and --layout samples; a trainer cuts text by itself, so there use --set render.overflow=keep";
    needs(isTokens && options.layout === "samples", "render.overflow cut-right", ask);
  }
  // Now rather than in the last stage, when the intents are paid for.
  if (textFiles(options).length === 0 && options.bosToken === BOS) return;
  requireDialogues(await loadText(textOptions(options), resolve), hasIntents(plan));
}

/** True if rows will have intents. */
function hasIntents(plan: Plan): boolean {
  return plannedStage(plan, conditioned.intents.stage).options["provider"] !== "none";
}

/** What is read of a conversation to make rows of it. */
const COLUMNS = ["id", "source", "user_id", "country", "language", "model", "turns"] as const;

/** Renders the samples of a shard. Memory: the intents of the shard, and a row group for each split. */
async function renderShard(task: Task<RenderOptions>): Promise<Partial<Tally>> {
  const { plan, index, options } = task;
  const { counts } = await task.manifestOf(flipped.samples.stage);
  const isWeighted = task.optionsOf(flipped.samples.stage)["endLabels"] === ("weighted" satisfies EndLabels);
  const { open } = FILE_FORMATS[options.fileFormat];
  const path = (split: Split) =>
    task.outside(rendered.dataset, datasetFile(options.fileFormat, split, index, plan.shards));
  const text = await loadText(textOptions(options), (name) => task.resolve(name));
  const intents = await readIntents(task);
  const writer = new DatasetWriter(
    Split.options.filter((split) => (counts[`samples_${split}`] ?? 0) > 0),
    (split, columns) => open(path(split), columns),
    { ...text, ...options, form: formNamed(formOf(options)), isWeighted },
  );
  try {
    const total = (await task.rowsByShard(flipped.samples))[index] ?? 0;
    const samples = samplesByConversation(task);
    let next = await samples.next();
    for await (const conversation of task.read(prepared.conversations, COLUMNS)) {
      if (next.done || next.value.id !== conversation.id) continue;
      await writer.add(conversation, intents.get(conversation.id) ?? null, next.value.samples);
      task.report(writer.taken, total, "samples");
      next = await samples.next();
    }
    if (!next.done) throw new Error(`${next.value.id}: has samples but is no conversation of its shard`);
    for (const [split, written] of await writer.commit()) task.record(rendered.dataset, path(split), written);
  } catch (error) {
    writer.discard();
    throw error;
  }
  const rejected = await task.reject(writer.rejections);
  return { taken: writer.taken, in: writer.taken, kept: writer.kept, rejected, counts: writer.counts };
}

/** The samples of one shard, conversation by conversation. */
async function* samplesByConversation(task: Task<RenderOptions>): AsyncGenerator<{ id: string; samples: Sample[] }> {
  let group: { id: string; samples: Sample[] } | undefined;
  for await (const sample of task.read(flipped.samples)) {
    if (group && group.id !== sample.conversation_id) {
      yield group;
      group = undefined;
    }
    group ??= { id: sample.conversation_id, samples: [] };
    group.samples.push(sample);
  }
  if (group) yield group;
}

/** The intents of one shard: one or two sentences for each of its conversations. */
async function readIntents(task: Task<RenderOptions>): Promise<Map<string, string | null>> {
  const intents = new Map<string, string | null>();
  for await (const { conversation_id, intent } of task.read(conditioned.intents, ["conversation_id", "intent"]))
    intents.set(conversation_id, intent);
  return intents;
}

/** The stage `render`, as the head of this file tells. */
export const render = defineStage({
  name: "render",
  module: import.meta.url,
  summary: "the rows of the dataset in one form or several, as Parquet, JSONL or Arrow",
  takes: "flip",
  reads: [prepared.conversations, conditioned.intents, flipped.samples],
  // Which splits there are, and whether ends have weights.
  tellsOf: ["flip"],
  writes: rendered,
  advice: {
    control_token: "--set render.controlTokens=escape",
    target_too_long: "--max-tokens allows longer rows",
    too_long: "--max-tokens allows longer rows, --set render.overflow=shorten shortens them",
    doubtful_end: "--end-labels all",
  },
  unit: "samples",
  options: RenderOptions,
  variants: (options) => [...new Set(options.form)].map((name) => ({ name, options: { ...options, form: [name] } })),
  validate,
  files: textFiles,
  phases: [{ name: "rows", tasks: (plan) => plan.shards, run: renderShard }],
});
