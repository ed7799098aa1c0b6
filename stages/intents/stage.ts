/**
 * Conversations -> intents: the high-level goal of each, written by a language model that sees the whole conversation
 * ("Flipping the Dialogue", section 2.2 and appendix E), or taken from a file, or left out (the paper's ablation).
 * A conversation without a valid intent leaves with its reason. Paid answers are journalled and never asked for twice:
 * `ask` sees to it that the journal has them all, `judge` makes the rows of a shard of it.
 */

import { defineStage } from "../../pipeline/define-stage.ts";
import { UsageError } from "../../pipeline/errors.ts";
import { withSmallHeap } from "../../pipeline/heap.ts";
import { ServerOptions } from "../../pipeline/models/server-options.ts";
import type { Validation } from "../../pipeline/stage.ts";
import { deduplicated } from "../dedup/artefacts.ts";
import { prepared } from "../prepare/artefacts.ts";
import { conditioned, IMPORT, JOURNAL } from "./artefacts.ts";
import { journalsIn } from "./elsewhere.ts";
import { localFiles, pinImports } from "./import/files.ts";
import { notesOn } from "./notes.ts";
import { IntentsOptions, isAsked, ROLE } from "./options.ts";
import { ask } from "./phases/ask.ts";
import { judge } from "./phases/judge.ts";
import { loadPrompt } from "./prompt.ts";

/** Throws UsageError if the provider cannot work: no file, or neither a key nor a server that needs none. */
async function validate(options: IntentsOptions, { environment, models, resolve }: Validation): Promise<void> {
  const { provider, recorded, intentPrompt, answers } = options;
  if (provider === "recorded" && recorded === null) throw new UsageError("--intents recorded needs --recorded FILE");
  if (provider === "import" && options.import.length === 0)
    throw new UsageError("--intents import needs --import FILE,… or --import hf://datasets/<owner>/<name>/<path>");
  if (intentPrompt !== null) loadPrompt(resolve(intentPrompt));
  if (!isAsked(provider)) return;
  journalsIn(answers.map(resolve));
  // What speaks with a language model is loaded where one is asked: its packages are large.
  const { requireServer } = await import("./ask.ts");
  requireServer({ options, server: ServerOptions.parse(models[ROLE]) }, environment.env);
}

/** The stage `intents`, as the head of this file tells. */
export const intents = defineStage({
  name: "intents",
  module: import.meta.url,
  summary: "the high-level goal of each conversation",
  takes: "dedup",
  reads: [prepared.conversations, deduplicated.rejections],
  writes: conditioned,
  advice: {
    no_intent: "--recorded or --import has no intent for their ids",
    wrong_prefix: "--set intents.intentPrefix tells how they begin",
    specified: "--set intents.specified=keep",
    too_long: "--set models.intents.contextTokens tells what fits",
    cut_off: "--set models.intents.maxOutputTokens allows longer answers",
    refused: "--model names another",
    invalid: "--model names another",
    invalid_request: "--model names another",
  },
  unit: "conversations",
  options: IntentsOptions,
  models: { [ROLE]: { model: "gpt-4o" } },
  asks: ({ provider }) => isAsked(provider),
  validate,
  pin: async (options, environment) =>
    options.provider === "import" ? { ...options, import: await pinImports(options.import, environment) } : options,
  files: ({ provider, recorded, intentPrompt, import: published }) =>
    provider === "import" ? localFiles(published) : [recorded, intentPrompt].filter((path) => path !== null),
  notes: ({ counts }) => notesOn(counts),
  keeps: [JOURNAL, IMPORT],
  phases: [
    { name: "ask", tasks: () => 1, run: (task) => withSmallHeap(() => ask(task)), onDriver: () => 1 },
    { name: "judge", tasks: (plan) => plan.shards, run: (task) => withSmallHeap(() => judge(task)) },
  ],
});
