#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { exitCode, LimitError, systemCode } from "../pipeline/errors.ts";
import { packageFolder } from "../pipeline/files/atomic-file.ts";
import { stages } from "../stages/index.ts";
import { decontaminate } from "./cli/decontaminate.ts";
import { curve, review } from "./cli/dedup.ts";
import { demo } from "./cli/demo.ts";
import { explain } from "./cli/explain.ts";
import { addFlags } from "./cli/flags.ts";
import { inspect } from "./cli/inspect.ts";
import { review as reviewIntents, showLedger } from "./cli/intents.ts";
import { plan } from "./cli/plan.ts";
import { run } from "./cli/run.ts";
import { auditSplit, sweepSeeds } from "./cli/split.ts";
import { status } from "./cli/status.ts";
import { task } from "./cli/task.ts";

const interruption = new AbortController();

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    if (!/^\d+$/.test(text) || Number(text) < least)
      throw new InvalidArgumentError(`expected a whole number from ${least}.`);
    return Number(text);
  };
}

function program(): Command {
  const { version } = JSON.parse(readFileSync(join(packageFolder(), "package.json"), "utf8")) as { version: string };
  const root = new Command("flipturn")
    .description("Turns logs of real conversations into training data for user language models.")
    .version(version)
    .showSuggestionAfterError()
    .addHelpText(
      "after",
      "\nBegin with:\n  flipturn demo\n  flipturn run --source wildchat-1m --input 'data/*.parquet' --intents none\n",
    );
  const { signal } = interruption;
  runFlags(
    addFlags(
      root.command("run").description("run the pipeline, or go on with it; what is done and unchanged is skipped"),
    ),
  )
    .addHelpText(
      "after",
      `\nStages: ${stages.map((stage) => stage.name).join(" -> ")}\n\nExamples:\n  flipturn run --source wildchat-1m                                  (from the Hub, intents by OpenAI)\n  flipturn run --source chat --input logs.jsonl --columns id=chat_id,user=who --intents none\n  flipturn run --config flipturn.yaml --from split --to flip\n`,
    )
    .action((flags) => run(flags, signal));
  runFlags(
    addFlags(root.command("demo").description("run on the bundled conversations, without key or network"), [
      "source",
      "input",
    ]),
  ).action((flags) => demo(flags, signal));
  addFlags(root.command("plan").description("show what a run would do; touches nothing"))
    .option("--config <file>", "settings in YAML or JSON")
    .option("--write", "write plan.json into the folder of the run, for `flipturn task`")
    .option(
      "--sample <n>",
      "ask for the intents of so many conversations and estimate by what they used",
      wholeNumber(1),
    )
    .option("--json", "print the plan as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  flipturn plan --source prism --input conversations.jsonl --intents none\n  flipturn plan --source wildchat-1m --budget 1 --sample 50      (sends 50 requests; the run does not pay for them again)\n",
    )
    .action((flags) => plan(flags, signal));
  root
    .command("task")
    .description("do one task of a plan, for engines that place tasks on machines")
    .requiredOption("--plan <file>", "plan.json of the run")
    .requiredOption("--stage <name>", "stage of the task")
    .requiredOption("--index <n>", "number of the task within the stage", wholeNumber(0))
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExample:\n  flipturn task --plan output/wildchat-1m/plan.json --stage dedup --index 17\n")
    .action((flags) => task(flags, signal));
  reading(root.command("status").description("show where a run stands")).action((flags) => status(flags));
  reading(root.command("explain").description("show one conversation's way through every stage, or the reason it left"))
    .argument("<id>", "id of a conversation or of one of its samples")
    .addHelpText(
      "after",
      "\nExample:\n  flipturn explain wildchat-1m:00183ce586b46292f6b4282fd808c426 --output output/wildchat-1m\n",
    )
    .action((id, flags) => explain(id, flags));
  reading(
    root.command("report").description("write one page about a finished run: report.html, which needs nothing else"),
  )
    .option("--file <file>", "where to write it; default: report.html in the folder of the run")
    .addHelpText("after", "\nExample:\n  flipturn report --output output/demo\n")
    .action(async (flags) => (await import("./cli/report.ts")).report(flags)); // plots and libraries of their own: loaded when needed
  reading(
    root.command("publish").description("send the dataset of a finished run to the Hub, after a pass for privacy"),
  )
    .requiredOption("--repo <owner/name>", "dataset repository on the Hub; made if it is not there")
    .option("--private", "a repository that is made is private")
    .option("--tag <name>", "name the commit, such as v1")
    .option("--yes", "do not ask")
    .option("--dry-run", "show what would be sent, send nothing")
    .addOption(
      new Option(
        "--pii <how>",
        "personal data found in user turns and intents: mask it, leave out its conversations, or let it be",
      )
        .choices(["mask", "block", "allow"])
        .default("mask"),
    )
    .option("--k-min <n>", 'countries with fewer users are called "other"', wholeNumber(1), 10)
    .addHelpText(
      "after",
      "\nHF_TOKEN is a token that may write. FLIPTURN_PUBLISH_KEY is the secret for user ids; without it one is made and kept in the folder of the run.\n\nExample:\n  flipturn publish --output output/wildchat-1m --repo you/user-lm-data --private --tag v1\n",
    )
    .action(async (flags) => (await import("./cli/publish.ts")).publish(flags, signal));
  dedupCommands(root);
  splitCommands(root);
  reading(root.command("decontaminate").description("find text of evaluation sets in what users say"))
    .requiredOption("--against <file...>", "JSONL, Parquet or text; hf://datasets/<owner>/<name>/<path> for the Hub")
    .option("--column <a,b>", "column to compare, such as question.stem; default: the first known one that is there")
    .option("--drop", "write them as conversations to drop; without it, to flag")
    .option("--file <file>", "where to write them; default: contaminated.jsonl in the folder of the run")
    .addHelpText(
      "after",
      "\nExample:\n  flipturn decontaminate --against gsm8k-test.jsonl hf://datasets/openai/openai_humaneval/openai_humaneval/test-*.parquet --drop\n",
    )
    .action((flags) => decontaminate(flags, signal));
  const about = root.command("intents").description("look at the intents of a run and at what they cost");
  reading(about.command("ledger").description("what was sent and spent, by model")).action((flags) =>
    showLedger(flags),
  );
  reading(about.command("review").description("the worst intents and a random sample, beside their conversations"))
    .option("--worst <n>", "how many of the worst", wholeNumber(0), 5)
    .option("--random <n>", "how many at random", wholeNumber(0), 5)
    .option("--seed <text>", "decides the random ones", "0")
    .action((flags) => reviewIntents(flags));
  root
    .command("inspect")
    .description("show rows as the model will see them, the target coloured")
    .argument("<file>", "Parquet, JSONL or Arrow file of samples or of a finished dataset")
    .option("--id <text>", "rows whose id is or contains this")
    .option("--kind <kind>", "rows of this kind: first, next or end")
    .option("--rows <n>", "how many rows", wholeNumber(1), 1)
    .option("--ids", "show token ids too", false)
    .option("--tokenizer <name>", "llama3 or a tokenizer.json; default: the run's")
    .option("--chat-template <name>", "userlm, llama3, chatml or a Jinja file; default: the run's")
    .option("--json", "print rows as JSON, one a line")
    .addHelpText(
      "after",
      "\nExample:\n  flipturn inspect output/demo/dataset/data/train-00000-of-00001.parquet --kind end --ids\n",
    )
    .action((path, flags) => inspect(path, flags));
  return root;
}

function dedupCommands(root: Command): void {
  const dedup = root.command("dedup").description("look into the templates of a finished run");
  reading(dedup.command("review").description("write the templates into a file for a person to decide about"))
    .option("--file <file>", "the file; what was decided in it before stays", "templates.yaml")
    .option("--all", "also templates that no conversation matches")
    .option("--drop-stale", "leave out what was decided about templates that are no more")
    .addHelpText(
      "after",
      "\nExample:\n  flipturn dedup review --output output/wildchat-1m\n  flipturn run --source wildchat-1m --review templates.yaml\n",
    )
    .action((flags) => review(flags));
  reading(dedup.command("curve").description("show what templates would remove at other thresholds"))
    .option("--svg <file>", "draw it too")
    .addHelpText("after", "\nExample:\n  flipturn dedup curve --output output/wildchat-1m --svg curve.svg\n")
    .action((flags) => curve(flags));
}

function splitCommands(root: Command): void {
  const split = root.command("split").description("look into the splits of a finished run");
  reading(split.command("audit").description("show what conversations of different splits have in common"))
    .argument("[files...]", "files of any finished split, Parquet or JSONL, in place of a run")
    .option("--strict", "exit 1 if there is anything")
    .option("--columns <key=name,…>", "for files: which column is id, user, country, opening, split")
    .option(
      "--min-count <n>",
      "for files: a 7-gram in more conversations than this makes a template",
      wholeNumber(1),
      100,
    )
    .addHelpText(
      "after",
      "\nExamples:\n  flipturn split audit --output output/wildchat-1m --strict\n  flipturn split audit train.parquet test.parquet --columns user=hashed_ip\n",
    )
    .action((files, flags) => auditSplit(files, flags));
  reading(split.command("sweep").description("show how the splits depend on the seed, beside the published counts"))
    .option("--seeds <n>", "how many seeds, from 0", wholeNumber(1), 1000)
    .addHelpText("after", "\nExample:\n  flipturn split sweep --seeds 1000 --output output/wildchat-1m\n")
    .action((flags) => sweepSeeds(flags));
}

function runFlags(command: Command): Command {
  return command
    .option("--config <file>", "settings in YAML or JSON; flags go before it")
    .option("--from <stage>", "first stage to run")
    .option("--to <stage>", "last stage to run")
    .option("--threads <n>", "worker threads; default: the number of processors", wholeNumber(1))
    .option("--force", "run stages again even if they are up to date")
    .option("--dry-run", "show the resolved options and the plan, touch nothing")
    .option("--json", "print the manifests as JSON");
}

function reading(command: Command): Command {
  return command
    .option("--output <folder>", "folder of the run; default: the only one under output/")
    .option("--json", "print as JSON");
}

/** The command that was given, for a shell. Keys and tokens are never part of it: they come from the environment. */
function commandLine(): string {
  const quoted = process.argv.slice(2).map((text) => {
    return /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
  });
  return ["flipturn", ...quoted].join(" ");
}

/** What went wrong, in one line that says what to do; with FLIPTURN_DEBUG set, where it happened too. */
function explainError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const advice: Record<string, string> = {
    ENOSPC: "The disk is full. Free some space and run the same command again; finished tasks are kept.",
    EDQUOT: "The disk quota is used up. Free some space and run the same command again; finished tasks are kept.",
    EACCES: "No permission. Choose another --output, or change the permissions.",
    EROFS: "The file system cannot be written to. Choose another --output.",
    EMFILE: "Too many open files. Raise the limit (ulimit -n) and run the same command again.",
  };
  const more = advice[systemCode(error) ?? ""];
  const goOn = error instanceof LimitError ? `To go on: ${commandLine()}` : undefined;
  const text = [`flipturn: ${error.message}`, more, goOn].filter(Boolean).join("\n");
  return process.env["FLIPTURN_DEBUG"]
    ? `${text}\n${error.stack}\n${error.cause instanceof Error ? `caused by ${error.cause.stack}` : ""}`
    : text;
}

async function main(): Promise<void> {
  process.on("SIGINT", () => {
    if (interruption.signal.aborted) process.exit(130);
    console.error(
      "\nflipturn: stopping; press Ctrl-C again to stop at once. The same command goes on where this stops.",
    );
    interruption.abort();
  });
  process.on("SIGTERM", () => interruption.abort());
  const root = program();
  for (const command of [root, ...root.commands, ...root.commands.flatMap((each) => each.commands)])
    command.exitOverride();
  try {
    await root.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
    if (!interruption.signal.aborted) console.error(explainError(error));
    process.exit(interruption.signal.aborted ? 130 : exitCode(error));
  }
}

// A reader that has seen enough closes the pipe (`flipturn inspect … | head`): that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  console.error(explainError(new Error(`stdout: cannot be written: ${error.message}`, { cause: error })));
  process.exit(1);
});

await main();
