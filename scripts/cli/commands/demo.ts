import { join, relative } from "node:path";
import { packageFolder } from "../../../pipeline/code-identity.ts";
import { type Given, layer } from "../../../pipeline/config.ts";
import { splitOfFile } from "../../../pipeline/files/row-files.ts";
import { filesFolder } from "../../../pipeline/run-folder.ts";
import { stageIn } from "../../../pipeline/stage.ts";
import type { Manifest } from "../../../schemas/manifest.ts";
import { dataset, openRun } from "../../../stages/index.ts";
import { makePlan, type Planned } from "../../../stages/plan.ts";
import { rendered, rowsWritten } from "../../../stages/render/artefacts.ts";
import { RenderOptions } from "../../../stages/render/options.ts";
import { defineCommand } from "../command.ts";
import { type Io, print } from "../io.ts";
import { showRows } from "./inspect.ts";
import { showPlan } from "./plan.ts";
import { RunInput, runAndShow } from "./run.ts";

/** `flipturn demo`: the whole pipeline on the bundled conversations with recorded intents, without key or network. */
export const demo = defineCommand({
  name: "demo",
  summary: "run on the bundled conversations, without key or network",
  input: RunInput,
  settings: { chain: dataset, fixed: ["source", "input"] },
  examples: ["flipturn demo", "flipturn demo --form tokens --packing --output output/demo-tokens"],
  async run(input, io, given) {
    const planned = await makePlan(layer(settingsOfDemo(), given), dataset, io.environment);
    if (input.dryRun) return showPlan(planned, { json: input.json }, io);
    const manifests = await runAndShow(planned, input, io);
    if (!input.json) await showOneRow(planned, manifests, io);
  },
});

function settingsOfDemo(): Given {
  const folder = join(packageFolder(), "scripts", "demo");
  return {
    source: "wildchat-1m",
    output: join("output", "demo"),
    input: [join(folder, "conversations-*.parquet")],
    prepare: { maxBadRows: 0.05 },
    dedup: { minCount: 10 },
    intents: { provider: "recorded", recorded: join(folder, "intents.jsonl") },
  };
}

/** Shows a row of the first dataset that a trainer would read. */
async function showOneRow({ plan, folder }: Planned, manifests: readonly Manifest[], io: Io): Promise<void> {
  const written = manifests.find(({ stage }) => stageIn(stage) === rendered.dataset.stage);
  if (!written) return;
  const at = filesFolder(openRun(plan, folder, io.environment), written.stage, rendered.dataset);
  const { files } = rowsWritten(written, relative(folder, at));
  const train = files.find((file) => file.rows !== 0 && splitOfFile(file.path, ["train"]));
  if (!train) return;
  const path = join(at, train.path);
  print(
    io,
    "\nOne row as the model reads it; it learns to write the targets, of which each comes after the header of a user.\nThe demo's conversations are synthetic, written for this project.\n",
  );
  const { layout, packing } = RenderOptions.parse(written.options);
  // A row of several targets is of no kind.
  const isSample = layout === "samples" && !packing;
  await showRows(path, { ...(isSample && { kind: "next" }), rows: 1, ids: false, json: false }, io);
  print(io, `\nLook further:  flipturn inspect ${relative(".", path)} --rows 5`);
  print(io, `               flipturn explain <conversation id> --output ${folder}`);
}
