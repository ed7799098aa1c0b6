/**
 * Conversations, intents and samples -> the dataset: rows in the form that a trainer reads, one file a split and shard,
 * and the dataset card. Rows come in the order of the conversations' ids, which for WildChat are hashes, so that any
 * part of the data is a fair sample of it.
 */
import { join } from "node:path";
import { z } from "zod";
import { UsageError } from "../../pipeline/errors.ts";
import { shardName } from "../../pipeline/files/atomic-file.ts";
import { plannedStage, type World } from "../../pipeline/plan.ts";
import { defineStage } from "../../pipeline/stage.ts";
import type { Task } from "../../pipeline/task.ts";
import { isFormatName } from "../../pipeline/text/chat-template/chat-template.ts";
import { frameOf } from "../../pipeline/text/chat-template/frame.ts";
import { Baseline } from "../../schemas/baseline.ts";
import { Conversation } from "../../schemas/conversation.ts";
import type { EndLabels } from "../../schemas/end-label.ts";
import { Intent } from "../../schemas/intent.ts";
import type { Manifest, Tally } from "../../schemas/manifest.ts";
import type { Plan } from "../../schemas/plan.ts";
import { Reconciled } from "../../schemas/published-count.ts";
import { Sample } from "../../schemas/sample.ts";
import { Split } from "../../schemas/user.ts";
import { arrowFolder } from "../describe/arrow-folder.ts";
import { baselines } from "../describe/baselines.ts";
import { type CardInput, dataFiles, splitsOf } from "../describe/card/parts.ts";
import { datasetCard } from "../describe/card.ts";
import { languagesOf } from "../describe/languages.ts";
import { reconcile } from "../describe/published-counts.ts";
import { FORMS } from "../forms/index.ts";
import type { RecipeFile } from "../forms/recipes/facts.ts";
import { recipes } from "../forms/recipes/index.ts";
import { Output } from "./dataset-writer.ts";
import { FILE_FORMATS, firstRow } from "./row-files.ts";
import { BOS, loadSettings, requireDialogues, type Settings } from "./settings.ts";

type Named<T> = [keyof T & string, ...(keyof T & string)[]];
const names = <T extends object>(list: T) => Object.keys(list) as Named<T>;

export const WriteOptions = z.strictObject({
  form: z
    .enum(names(FORMS))
    .default("samples")
    .describe("columns of the rows: everything, token ids, or for a trainer"),
  format: z.enum(names(FILE_FORMATS)).default("parquet").describe("kind of the dataset's files; arrow: for tokens"),
  layout: z
    .enum(["samples", "packed"])
    .default("samples")
    .describe("a row for each sample, or for each conversation with all its targets"),
  chatTemplate: z
    .string()
    .default("userlm")
    .describe("how a dialogue is written as text: userlm, llama3, chatml, or a file with a Jinja chat template"),
  tokenizer: z
    .string()
    .default("llama3")
    .describe("llama3, a tokenizer.json, or none: nothing is counted and nothing too long"),
  maxTokens: z.int().min(1).nullable().default(2048).describe("most tokens of a row; null = any number"),
  overflow: z
    .enum(["shorten", "drop", "cut-right", "keep"])
    .default("shorten")
    .describe(
      "longer rows: leave out the oldest exchanges, the sample, the last tokens (targets are lost: what others did), or nothing",
    ),
  binPack: z
    .boolean()
    .default(false)
    .describe("form tokens: put rows together up to maxTokens, positions beginning anew"),
  bos: z
    .enum(["template", "always", "never"])
    .default("template")
    .describe("the begin-of-text token in front; userlm has none"),
  bosToken: z.string().default(BOS).describe("what begin-of-text is called"),
  eosToken: z.string().default("<|end_of_text|>").describe("what a Jinja template is told to be end-of-text"),
  newlineInLoss: z
    .boolean()
    .default(true)
    .describe("the white space between header and target is trained: inference leaves it to the model"),
  stopInLoss: z
    .boolean()
    .default(true)
    .describe("the token that ends a target is trained, also after the end: generation stops on it"),
  whitespace: z.enum(["keep", "trim"]).default("keep").describe("white space at the ends of turns"),
  controlTokens: z
    .enum(["drop", "escape", "keep"])
    .default("drop")
    .describe(
      "control tokens spelled out by people, in the forms that a tokenizer reads as text: drop the sample, break them with a zero-width space, or keep",
    ),
});
export type WriteOptions = z.infer<typeof WriteOptions>;

/** Throws UsageError for options that do not go together, or that name what is not there or does not do. */
async function requireSense(options: WriteOptions, _world: World, plan: Plan): Promise<void> {
  const form = FORMS[options.form];
  const needs = (isSo: boolean, what: string, ask: string) => {
    if (!isSo) throw new UsageError(`${what} needs ${ask}`);
  };
  const isTokens = options.form === "tokens";
  const packing = names(FORMS).filter((name) => FORMS[name].packs);
  needs(!isTokens || options.tokenizer !== "none", "--form tokens", "--tokenizer llama3 or a tokenizer.json, not none");
  needs(options.format !== "arrow" || isTokens, "--format arrow", "--form tokens");
  needs(!options.binPack || (isTokens && options.maxTokens !== null), "--bin-pack", "--form tokens and --max-tokens");
  needs(options.layout === "samples" || form.packs, "--layout packed", `one of the forms ${packing.join(", ")}`);
  if (options.overflow === "cut-right") {
    const ask = "--form tokens and --layout samples; a trainer cuts text by itself, so there use --overflow keep";
    needs(isTokens && options.layout === "samples", "--overflow cut-right", ask);
  }
  // Now rather than in the last stage, when the intents are paid for.
  if (filesOf(options).length === 0 && options.bosToken === BOS) return;
  requireDialogues(await loadSettings(options), hasIntents(plan));
}

/** True if rows will have intents. */
function hasIntents(plan: Plan): boolean {
  return plannedStage(plan, "intents").options["provider"] !== "none";
}

/** The files that options name. */
function filesOf({ chatTemplate, tokenizer }: WriteOptions): string[] {
  const isBuiltIn = ["llama3", "none"].includes(tokenizer);
  return [...(isFormatName(chatTemplate) ? [] : [chatTemplate]), ...(isBuiltIn ? [] : [tokenizer])];
}

const Told = Conversation.omit({ source_id: true, started_at: true, opening: true, redacted: true, toxic: true });

async function writeShard(task: Task<WriteOptions>): Promise<Partial<Tally>> {
  const { plan, index } = task;
  const intents = await readIntents(task);
  const flipped = await task.manifest("flip");
  const { folder, name, open } = FILE_FORMATS[task.options.format];
  const path = (split: Split) =>
    join(task.run.folder, "dataset", folder(split), shardName(name(split), index, plan.shards, task.options.format));
  const settings = await loadSettings(task.options, isWeighted(flipped));
  const output = new Output(
    Split.options.filter((split) => (flipped.counts[`samples_${split}`] ?? 0) > 0),
    (split, columns) => open(path(split), columns),
    settings,
  );
  try {
    const total = await task.rows("flip", "samples");
    const samples = samplesByConversation(task);
    let next = await samples.next();
    for await (const conversation of task.read("prepare", "conversations", Told)) {
      if (next.done || next.value.id !== conversation.id) continue;
      await output.add(conversation, intents.get(conversation.id) ?? null, next.value.samples);
      task.report(output.taken, total, "samples");
      next = await samples.next();
    }
    if (!next.done) throw new Error(`${next.value.id}: has samples but is no conversation of its shard`);
    for (const [split, written] of await output.commit()) task.record(path(split), written);
  } catch (error) {
    output.discard();
    throw error;
  }
  const rejected = await task.writeRejections(output.rejections);
  return { taken: output.taken, in: output.taken, kept: output.kept, rejected, counts: output.counts };
}

/** True if `flip` gave weights to ends. */
function isWeighted({ stage, options }: Manifest): boolean {
  return stage === "flip" && options["endLabels"] === ("weighted" satisfies EndLabels);
}

/** The samples of one shard, conversation by conversation. */
async function* samplesByConversation(task: Task<WriteOptions>): AsyncGenerator<{ id: string; samples: Sample[] }> {
  let group: { id: string; samples: Sample[] } | undefined;
  for await (const sample of task.read("flip", "samples", Sample)) {
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
async function readIntents(task: Task<WriteOptions>): Promise<Map<string, string | null>> {
  const columns = Intent.pick({ conversation_id: true, intent: true });
  const intents = new Map<string, string | null>();
  for await (const { conversation_id, intent } of task.read("intents", "intents", columns))
    intents.set(conversation_id, intent);
  return intents;
}

/** The one shard of an artefact that is about the whole. */
const ONE = { index: 0, of: 1 };

/** What the data itself gives for the paper's measures of user models. */
function measure(task: Task<WriteOptions>, { encoder }: Settings): Promise<Baseline[]> {
  return baselines({
    conversations: task.shards("prepare", "conversations"),
    intents: task.shards("intents", "intents"),
    samples: task.shards("flip", "samples"),
    seed: task.plan.seed,
    intentPrefix: String(task.optionsOf("intents")["intentPrefix"]),
    tokens: encoder && ((text) => encoder.ids({ text, control: false, loss: false })),
    signal: task.signal,
  });
}

/** What describes the rows as a whole: baselines, the card, recipes for trainers, the chat template, what HF wants beside Arrow files. */
async function writeAround(task: Task<WriteOptions>): Promise<Partial<Tally>> {
  const { plan, options } = task;
  const stages = plan.stages.map((stage) => stage.name).filter((name) => name !== "write");
  const manifests = await Promise.all(stages.map((name) => task.manifest(name)));
  const shards = await task.results("rows");
  const settings = await loadSettings(options);
  const { added, chat } = settings;
  const measured = await measure(task, settings);
  const reconciled = reconcile(plan, manifests);
  await task.write("baselines", Baseline, measured, ONE);
  await task.write("reconciled", Reconciled, reconciled, ONE);
  const { form, format, layout, maxTokens, binPack } = options;
  const splits = splitsOf(shards);
  const about = {
    languages: await languagesOf(task.shards("prepare", "conversations"), task.shards("flip", "samples")),
    row: await firstRow(task.run.folder, dataFiles(shards)),
    privacy: null,
  };
  const card: CardInput = { plan, manifests, shards, options, added, baselines: measured, reconciled, ...about };
  const weighted = manifests.some(isWeighted);
  const facts = {
    form,
    format,
    frame: frameOf(chat, hasIntents(plan)),
    layout,
    splits,
    maxTokens,
    added,
    binPack,
    isWeighted: weighted,
  };
  const files: RecipeFile[] = [
    { path: "README.md", text: datasetCard(card) },
    { path: "chat_template.jinja", text: chat.template },
    ...recipes(facts),
    ...(format === "arrow" ? arrowFolder(shards.flatMap(({ outputs }) => outputs.map(({ path }) => path))) : []),
  ];
  for (const { path, text } of files)
    await task.writeBytes(join(task.run.folder, "dataset", path), [Buffer.from(text)]);
  return {};
}

export const write = defineStage({
  name: "write",
  summary: "the dataset: rows in one form, Parquet, JSONL or Arrow, and its card",
  // The card counts what every stage kept and rejected; the samples come from flip.
  reads: ["download", "prepare", "dedup", "split", "intents", "flip"],
  readsManifests: true,
  unit: "samples",
  options: WriteOptions,
  require: requireSense,
  files: filesOf,
  publishes: {
    folder: "dataset",
    owns: /^(README\.md|chat_template\.jinja|dataset_dict\.json|recipes\/.+\.(py|yaml|json)|(data\/(train|validation|test)-\d{5}-of-\d{5}\.(parquet|jsonl))|(train|validation|test)\/(data-\d{5}-of-\d{5}\.arrow|state\.json|dataset_info\.json))$/,
  },
  phases: [
    { name: "rows", tasks: (plan) => plan.shards, run: writeShard },
    { name: "around", tasks: () => 1, run: writeAround },
  ],
});
