/**
 * A rendered dataset -> what describes it as a whole: the card, recipes for trainers, the chat template, what HF wants
 * beside Arrow files, the published counts beside ours, and what people reach in the paper's measures of user models.
 * Planned once for each form, as `render` is.
 */

import { relative } from "node:path";
import { z } from "zod";
import { defineStage } from "../../pipeline/define-stage.ts";
import { firstRow } from "../../pipeline/files/row-files.ts";
import type { Task } from "../../pipeline/task.ts";
import { frameOf } from "../../pipeline/text/chat-template/frame.ts";
import { loadText, type Text } from "../../pipeline/text/load-text.ts";
import type { Baseline } from "../../schemas/baseline.ts";
import type { Manifest, Tally } from "../../schemas/manifest.ts";
import { deduplicated } from "../dedup/artefacts.ts";
import { downloaded } from "../download/artefacts.ts";
import { flipped } from "../flip/artefacts.ts";
import { formNamed } from "../forms/index.ts";
import type { RecipeFile } from "../forms/recipes/facts.ts";
import { withTokens } from "../forms/recipes/recipes-of.ts";
import { conditioned } from "../intents/artefacts.ts";
import { prepared } from "../prepare/artefacts.ts";
import { rendered, rowsWritten } from "../render/artefacts.ts";
import { formOf, RenderOptions, textOptions } from "../render/options.ts";
import { assigned } from "../split/artefacts.ts";
import { arrowFolder } from "./arrow-folder.ts";
import { described } from "./artefacts.ts";
import { baselines } from "./baselines.ts";
import { type CardInput, hasWeights, splitsOf } from "./card/parts.ts";
import { datasetCard } from "./card.ts";
import { languagesOf } from "./languages.ts";
import { publishedCounts } from "./published-counts.ts";

const DescribeOptions = z.strictObject({});

/** Describes the dataset as a whole. Memory: what `baselines` says. */
async function describe(task: Task<z.infer<typeof DescribeOptions>>): Promise<Partial<Tally>> {
  const { plan, run } = task;
  const manifests: Manifest[] = [];
  for (const { name } of run.chain.stages.filter((stage) => TOLD.includes(stage.name)))
    manifests.push(await task.manifestOf(name));
  const written = await task.manifestOf(rendered.dataset.stage);
  const options = RenderOptions.parse(written.options);
  const text = await loadText(textOptions(options), (path) => task.resolve(path));
  const measured = await measure(task, text);
  const counts = publishedCounts(plan, manifests);
  await task.write(described.baselines, measured);
  await task.write(described.published_counts, counts);
  const folder = task.outside(rendered.dataset, "");
  const rows = rowsWritten(written, relative(run.folder, folder));
  const card: CardInput = {
    plan,
    chain: run.chain,
    manifests,
    rows,
    options,
    added: text.added,
    baselines: measured,
    published: counts,
    languages: await languagesOf(await task.tables(prepared.conversations), await task.tables(flipped.samples)),
    row: await firstRow(folder, rows.files),
    privacy: null,
  };
  for (const { path, text: content } of [...beside(card, text), { path: "README.md", text: datasetCard(card) }])
    await task.writeOutside(described.card, path, content);
  return {};
}

/** The stages that the card tells of, beside `render`. */
const TOLD = [
  downloaded.raw,
  prepared.conversations,
  deduplicated.rejections,
  assigned.users,
  conditioned.intents,
  flipped.samples,
].map(({ stage }) => stage);

/** What the data itself gives for the paper's measures of user models. */
async function measure(task: Task<unknown>, { encoder }: Text): Promise<Baseline[]> {
  return baselines({
    conversations: await task.tables(prepared.conversations),
    intents: await task.tables(conditioned.intents),
    samples: await task.tables(flipped.samples),
    seed: task.plan.seed,
    intentPrefix: String(task.optionsOf(conditioned.intents.stage)["intentPrefix"]),
    tokens: encoder && ((text) => encoder.ids({ text, control: false, loss: false })),
    signal: task.signal,
  });
}

/** The chat template, recipes for the trainers of the form, and what HF wants beside Arrow files. */
function beside(card: CardInput, { chat, added }: Text): RecipeFile[] {
  const { options, manifests, rows } = card;
  const { fileFormat, layout, maxTokens, packing } = options;
  const form = formOf(options);
  const provider = manifests.find(({ stage }) => stage === conditioned.intents.stage)?.options["provider"];
  const frame = frameOf(chat, provider !== "none");
  const about = { form, fileFormat, frame, layout, splits: splitsOf(rows), maxTokens, added, packing };
  const facts = withTokens({ ...about, isWeighted: hasWeights(manifests) });
  return [
    { path: "chat_template.jinja", text: chat.template },
    ...formNamed(form).recipes(facts),
    ...(fileFormat === "arrow" ? arrowFolder(rows.files.map(({ path }) => path)) : []),
  ];
}

/** The stage `describe`, as the head of this file tells. */
export const describeStage = defineStage({
  name: "describe",
  module: import.meta.url,
  summary: "the dataset's card, recipes for trainers, published counts, and what people reach in the paper's measures",
  reads: [prepared.conversations, conditioned.intents, flipped.samples, rendered.dataset],
  tellsOf: [...TOLD, rendered.dataset.stage],
  namesCode: true,
  writes: described,
  unit: "samples",
  options: DescribeOptions,
  sharesVariantsOf: "render",
  phases: [{ name: "describe", tasks: () => 1, run: describe }],
});
