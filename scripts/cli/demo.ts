import { join, relative } from "node:path";
import { type Given, layer } from "../../pipeline/config.ts";
import { packageFolder } from "../../pipeline/files/atomic-file.ts";
import { plannedStage } from "../../pipeline/plan.ts";
import { realWorld, stages } from "../../stages/index.ts";
import { makePlan } from "../../stages/plan.ts";
import { showSamples } from "./inspect.ts";
import { showPlan } from "./plan.ts";
import { givenBy, type RunFlags, runAndShow } from "./run.ts";

/** `flipturn demo`: the whole pipeline on the bundled conversations with recorded intents, without key or network. */
export async function demo(flags: RunFlags, signal: AbortSignal): Promise<void> {
  const folder = join(packageFolder(), "scripts", "demo");
  const demoSettings: Given = {
    source: "wildchat-1m",
    output: join("output", "demo"),
    input: [join(folder, "conversations-*.parquet")],
    prepare: { maxBadRows: 0.05 },
    dedup: { minCount: 10 },
    intents: { provider: "recorded", recorded: join(folder, "intents.jsonl") },
  };
  const { plan, settings } = await makePlan(layer(demoSettings, givenBy(flags)), stages, realWorld());
  const output = settings.output ?? "";
  if (flags.dryRun) return showPlan(plan, output, flags);
  const manifests = await runAndShow(plan, output, flags, signal);
  const train = manifests.at(-1)?.outputs.find((file) => /(data\/train|train\/data)-/.test(file.path));
  if (flags.json || !train) return;
  const path = join(output, train.path);
  console.log(
    "\nOne row as the model reads it; it learns to write the targets, of which each comes after the header of a user.",
  );
  console.log("The demo's conversations are synthetic, written for this project.\n");
  const { layout, binPack } = plannedStage(plan, "write").options;
  // A row of several targets is of no kind.
  const isSample = layout === "samples" && !binPack;
  await showSamples(path, { ...(isSample && { kind: "next" }), rows: 1, ids: false });
  console.log(`\nLook further:  flipturn inspect ${relative(".", path)} --rows 5`);
  console.log(`               flipturn explain <conversation id> --output ${output}`);
}
