import { Command as Commander, Option } from "commander";
import type { z } from "zod";
import type { Chain } from "../../pipeline/chain.ts";
import { type Given, layer, readConfig } from "../../pipeline/config.ts";
import { UsageError } from "../../pipeline/errors.ts";
import type { Io } from "./io.ts";
import { addSettingFlags, asMeant, givenByFlags, kebab, optionOf } from "./settings.ts";
import { choicesOf, unwrap } from "./typed-text.ts";

/** One thing that flipturn can be told to do. */
export interface Command {
  /** As it is typed: `run`, `dedup review`. */
  readonly name: string;
  /** What it was first called; it still answers to that, but is shown nowhere under it. */
  readonly earlierName?: string;
  /** One line for the help text. */
  readonly summary: string;
  /** What it takes: a flag for each, but for the one that stands alone. */
  readonly input: z.ZodObject;
  /** Name of the input that stands without a flag. */
  readonly positional?: string;
  /** It also takes the settings of a chain, by `--config`, by flags and by `--set`, but for those flags that it decides itself. */
  readonly settings?: { readonly chain: Chain; readonly fixed?: readonly string[] };
  /** More for the help text. */
  readonly notes?: string;
  readonly examples: readonly string[];
  /** Does it; throws what is wrong. `given` are the settings that were given. */
  readonly run: (input: Readonly<Record<string, unknown>>, io: Io, given: Given) => Promise<void>;
}

/** A command whose `run` is given what its `input` says. */
export function defineCommand<Input extends z.ZodObject>(
  command: Omit<Command, "input" | "run"> & {
    readonly input: Input;
    readonly run: (input: z.infer<Input>, io: Io, given: Given) => Promise<void>;
  },
): Command {
  return command as unknown as Command;
}

/** A command for the parser of the command line; `act` is given what to do when the command is. */
export function parserOf(command: Command, act: (run: (io: Io) => Promise<void>) => Promise<void>): Commander {
  const { input, positional, settings, notes, examples } = command;
  const parser = new Commander(command.name.split(" ").at(-1)).description(command.summary);
  for (const [name, type] of Object.entries(input.shape) as [string, z.ZodType][]) {
    if (name === positional) parser.argument(argumentOf(name, type), type.description);
    else parser.addOption(flagOf(name, type));
  }
  if (settings) {
    parser.addOption(new Option("--config <file>", "settings in YAML or JSON; flags go before it"));
    addSettingFlags(parser, settings.chain, settings.fixed ?? []);
  }
  const shown = examples.map((example) => `  ${example}\n`).join("");
  const title = examples.length === 1 ? "Example" : "Examples";
  parser.addHelpText("after", `\n${notes ? `${notes}\n\n` : ""}${shown ? `${title}:\n${shown}` : ""}`);
  parser.action((...parsed: unknown[]) => {
    const flags = parser.opts<Record<string, unknown>>();
    const values = Object.fromEntries(Object.keys(input.shape).map((name) => [name, asMeant(flags[name])]));
    if (positional) values[positional] = parsed[0];
    return act(async (io) => command.run(check(command, values), io, settings ? givenBy(flags, settings.chain) : {}));
  });
  return parser;
}

/** The settings that were given: those of a configuration file, then those of flags. */
function givenBy(flags: Readonly<Record<string, unknown>>, chain: Chain): Given {
  const { config } = flags;
  return layer(typeof config === "string" ? readConfig(config) : {}, givenByFlags(flags, chain));
}

function argumentOf(name: string, type: z.ZodType): string {
  const { inner, optional, fallback } = unwrap(type);
  const text = inner.def.type === "array" ? `${name}...` : name;
  return optional || fallback !== undefined ? `[${text}]` : `<${text}>`;
}

function flagOf(name: string, type: z.ZodType): Option {
  const { inner, optional, fallback } = unwrap(type);
  const flag = kebab(name);
  const choices = choicesOf(inner);
  const text = [
    type.description ?? "",
    choices.length > 0 && `[${choices.join(", ")}]`,
    fallback !== undefined && fallback !== false && `(default: ${JSON.stringify(fallback)})`,
  ]
    .filter(Boolean)
    .join(" ");
  const option = inner.def.type === "boolean" ? new Option(`--${flag}`, text) : optionOf(flag, type, text);
  return option.makeOptionMandatory(!optional && fallback === undefined).hideHelp(type.meta()?.["hidden"] === true);
}

/** What was typed, checked. Throws UsageError that names the flag, what was found and what was expected. */
function check({ input, positional }: Command, values: Record<string, unknown>): Record<string, unknown> {
  const parsed = input.safeParse(values);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = String(issue?.path[0]);
  const flag = name === positional ? `<${name}>` : `--${kebab(name)}`;
  const expected = issue?.message.replace("Invalid input: ", "").replace(/, received .*$/, "");
  throw new UsageError(`${flag}: found ${JSON.stringify(values[name])}; ${expected}`);
}
