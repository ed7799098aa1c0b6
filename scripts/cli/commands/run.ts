import { z } from "zod";
import { countsRows, stageNamed } from "../../../pipeline/chain.ts";
import type { Settings } from "../../../pipeline/config.ts";
import { filesFolder } from "../../../pipeline/run-folder.ts";
import { stageIn, variantIn } from "../../../pipeline/stage.ts";
import type { Manifest } from "../../../schemas/manifest.ts";
import { Split } from "../../../schemas/user.ts";
import { described } from "../../../stages/describe/artefacts.ts";
import { whyEmpty } from "../../../stages/empty.ts";
import { dataset, openRun, runPlan } from "../../../stages/index.ts";
import { makePlan, type Planned, requireOwnFolder } from "../../../stages/plan.ts";
import { rendered } from "../../../stages/render/artefacts.ts";
import { defineCommand } from "../command.ts";
import { type Io, print, printJson } from "../io.ts";
import { progressDrawer } from "../progress.ts";
import { count, table } from "../terminal.ts";
import { showPlan } from "./plan.ts";

/** What `run` and `demo` take beside settings. */
export const RunInput = z.strictObject({
  from: z.string().optional().meta({ value: "stage", description: "first stage to run" }),
  to: z.string().optional().meta({ value: "stage", description: "last stage to run" }),
  force: z.boolean().default(false).describe("run stages again even if they are up to date"),
  verify: z
    .boolean()
    .default(false)
    .describe("look at every file by its sha256, not its size alone, and make damaged ones again"),
  replace: z.boolean().default(false).describe("take the place of another log's run in the default folder"),
  dryRun: z.boolean().default(false).describe("show the resolved options and the plan, touch nothing"),
  json: z.boolean().default(false).describe("print the manifests as JSON"),
});
export type RunInput = z.infer<typeof RunInput>;

/** `flipturn run`: everything, or a part of it. */
export const run = defineCommand({
  name: "run",
  summary: "run the pipeline, or go on with it; what is done and unchanged is skipped",
  input: RunInput,
  settings: { chain: dataset },
  notes: `Stages: ${dataset.stages.map((stage) => stage.name).join(" -> ")}`,
  examples: [
    "flipturn run --source wildchat-1m                                  (from the Hub, intents by OpenAI)",
    "flipturn run --source chat --input logs.jsonl --columns id=chat_id,user=who --intents none",
    "flipturn run --source wildchat-1m --form trl --form tokens --set dedup.coverage=0.6",
    "flipturn run --config flipturn.yaml --from split --to flip",
  ],
  async run(input, io, given) {
    const planned = await makePlan(given, dataset, io.environment);
    if (input.dryRun) await showPlan(planned, { json: input.json }, io);
    else await runAndShow(planned, input, io);
  },
});

/** Runs a plan, draws its progress on stderr, and prints its funnel or, if asked for, its manifests as JSON. */
export async function runAndShow(planned: Planned, input: RunInput, io: Io): Promise<Manifest[]> {
  requireOwnFolder(planned, input.replace);
  const { plan, folder, settings } = planned;
  const { from, to, force, verify } = input;
  const { draw, clear } = progressDrawer(io, Math.max(...plan.stages.map(({ name }) => name.length)));
  const manifests = await runPlan(plan, folder, {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    force,
    verify,
    executor: executorOf(settings),
    signal: io.signal,
    onEvent: draw,
    environment: io.environment,
  }).finally(clear);
  if (input.json) printJson(io, manifests);
  else print(io, `\n${funnel(manifests)}\n\n${notes(planned, manifests)}${closing(planned, manifests, to, io)}`);
  const empty = whyEmpty(manifests, dataset);
  if (empty !== null) throw new Error(empty);
  return manifests;
}

/** The executor that settings name, with its options. */
function executorOf({ run: { executor: name }, executors }: Settings) {
  return { name, options: executors.get(name) ?? {} };
}

/** The way from raw rows to the dataset: a line a stage that counts rows, with every reason of rejection. */
function funnel(manifests: readonly Manifest[]): string {
  const rows = manifests
    .filter(({ stage }) => countsRows(dataset, stage))
    .map((each) => [each.stage, each.unit, count(each.in), count(each.kept), reasons(each.rejected)]);
  return table([["stage", "unit", "in", "kept", "rejected"], ...rows], [2, 3]);
}

function reasons(rejected: Readonly<Record<string, number>>): string {
  const named = Object.entries(rejected).map(([reason, number]) => `${reason} ${count(number)}`);
  return named.join(", ") || "-";
}

/** What the inputs and the stages have to say beside their counts, a line each. */
function notes(planned: Planned, manifests: readonly Manifest[]): string {
  const ofStages = manifests.flatMap((each) => stageNamed(dataset, each.stage).notes?.(each) ?? []);
  return [...planned.notes, ...ofStages].map((note) => `Note: ${note}.\n`).join("");
}

/** What has come out, and what to do next. */
function closing({ plan, folder }: Planned, manifests: readonly Manifest[], to: string | undefined, io: Io): string {
  const done = new Set(manifests.map(({ stage }) => stage));
  const isDescribed = plan.stages.every(({ name }) => stageIn(name) !== described.card.stage || done.has(name));
  if (to !== undefined && !isDescribed) return `Stopped after ${to}, as asked. The same command without --to goes on.`;
  const datasets = manifests.filter(({ stage }) => stageIn(stage) === rendered.dataset.stage);
  if (datasets.length > 0 && datasets.every(({ kept }) => kept === 0)) return "No sample was kept.";
  const at = openRun(plan, folder, io.environment);
  const lines = datasets.map(({ stage, counts }) => {
    const rows = Split.options.map((split) => `${split} ${count(counts[`rows_${split}`] ?? 0)}`);
    return `Dataset: ${filesFolder(at, stage, rendered.dataset)} (rows: ${rows.join(", ")})`;
  });
  const form = datasets.length > 1 ? ` --form ${variantIn(datasets[0]?.stage ?? "")}` : "";
  return [...lines, `Look at it: flipturn report --output ${folder}${form}`].join("\n");
}
