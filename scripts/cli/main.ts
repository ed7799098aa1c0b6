import { Command as Commander, CommanderError } from "commander";
import { packageVersion } from "../../pipeline/code-identity.ts";
import { exitCode, INTERRUPTED, LimitError } from "../../pipeline/errors.ts";
import { adviceFor } from "./advice.ts";
import { parserOf } from "./command.ts";
import { commands, GROUPS } from "./commands/index.ts";
import { type Io, tell, withSafeOutput } from "./io.ts";

/**
 * Does what a command line asks for. Throws nothing: what is wrong is told on stderr. Returns the exit code: 0 done, 1
 * failed, 2 wrong use, 3 a limit was reached, 4 what it needs is not there yet, 130 interrupted.
 */
export async function main(argv: readonly string[], world: Io): Promise<number> {
  const io = withSafeOutput(world);
  const parser = parserFor(io, (run) => run(io));
  try {
    await parser.parseAsync(argv, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (io.signal.aborted) return INTERRUPTED;
    tell(io, explainError(error, argv, io.environment.env));
    return exitCode(error);
  }
}

function parserFor(io: Io, act: (run: (io: Io) => Promise<void>) => Promise<void>): Commander {
  const root = new Commander("flipturn")
    .description("Turns logs of real conversations into training data for user language models.")
    .version(packageVersion())
    .addHelpText(
      "after",
      "\nBegin with:\n  flipturn demo\n  flipturn run --source wildchat-1m --input 'data/*.parquet' --intents none\n",
    );
  for (const command of commands) {
    parentOf(root, command.name).addCommand(parserOf(command, act));
    const { earlierName } = command;
    if (earlierName !== undefined)
      parentOf(root, earlierName).addCommand(parserOf({ ...command, name: earlierName }, act), { hidden: true });
  }
  for (const each of [root, ...root.commands, ...root.commands.flatMap(({ commands: own }) => own)])
    each
      .exitOverride()
      .showSuggestionAfterError()
      .configureOutput({
        writeOut: (text) => io.stdout.write(text),
        writeErr: (text) => io.stderr.write(text),
        getOutHelpWidth: () => io.stdout.columns || 80,
        getErrHelpWidth: () => io.stderr.columns || 80,
      });
  return root;
}

/** The parser that a command belongs to: that of its first word, if it has two. */
function parentOf(root: Commander, name: string): Commander {
  const [group = "", ...rest] = name.split(" ");
  if (rest.length === 0) return root;
  const found = root.commands.find((each) => each.name() === group);
  return found ?? root.command(group).description(GROUPS[group] ?? "");
}

/** What went wrong, in one line that says what to do; with FLIPTURN_DEBUG set, where it happened too. */
function explainError(error: unknown, argv: readonly string[], env: NodeJS.ProcessEnv): string {
  if (!(error instanceof Error)) return String(error);
  const advice = adviceFor(error);
  const goOn =
    error instanceof LimitError
      ? `To go on: ${commandLine(error.budget === null || argv[0] === "task" ? argv : withBudget(argv, error.budget))}`
      : undefined;
  const text = [`flipturn: ${error.message}`, advice, goOn].filter(Boolean).join("\n");
  if (!env["FLIPTURN_DEBUG"]) return text;
  return `${text}\n${error.stack}\n${error.cause instanceof Error ? `caused by ${error.cause.stack}` : ""}`;
}

/** The command with a budget under which it would go on, and for a while: twice the least. */
function withBudget(argv: readonly string[], least: number): string[] {
  const isTold = (text: string) => /^(--budget|--set)(=|$)/.test(text);
  const kept: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const text = argv[at] ?? "";
    const value = text.includes("=") && text !== "--set" ? text.slice(text.indexOf("=") + 1) : (argv[at + 1] ?? "");
    const isBudget = isTold(text) && (text.startsWith("--budget") || /^models\.intents\.budget=/.test(value));
    if (!isBudget) kept.push(text);
    else if (!text.includes("=")) at++;
  }
  return [...kept, "--budget", String(Math.ceil(200 * least) / 100)];
}

/** The command that was given, for a shell. Keys and tokens are never part of it: they come from the environment. */
function commandLine(argv: readonly string[]): string {
  const quoted = argv.map((text) => {
    return /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
  });
  return ["flipturn", ...quoted].join(" ");
}
