import { z } from "zod";
import { type Setting, settingsOf } from "../../../pipeline/config.ts";
import { UsageError } from "../../../pipeline/errors.ts";
import { dataset } from "../../../stages/index.ts";
import { sources } from "../../../stages/sources/index.ts";
import { defineCommand } from "../command.ts";
import { print, printJson } from "../io.ts";
import { SHORT_FLAGS } from "../settings.ts";
import { table } from "../terminal.ts";
import { takesInWords, unwrap } from "../typed-text.ts";

/** A setting as it is shown. */
interface ShownSetting {
  readonly path: string;
  /** Its own flag; null = only `--set` reaches it. */
  readonly flag: string | null;
  readonly takes: string;
  /** As JSON; null = it has none. */
  readonly default: string | null;
  readonly description: string;
}

/** `flipturn settings`: every setting of a run, what it takes and what it is for. */
export const settings = defineCommand({
  name: "settings",
  summary: "list every setting of a run: for --config, for --set, and those with a flag of their own",
  input: z.strictObject({
    group: z.string().optional().describe("only those that begin like this, such as dedup or models.intents"),
    markdown: z.boolean().default(false).describe("print as Markdown"),
    json: z.boolean().default(false).describe("print as JSON"),
  }),
  positional: "group",
  examples: ["flipturn settings dedup", "flipturn run --source wildchat-1m --set dedup.coverage=0.6"],
  async run({ group, markdown, json }, io) {
    const shown = settingsOf(dataset)
      .map(shownSetting)
      .filter(({ path }) => group === undefined || path === group || path.startsWith(`${group}.`));
    if (shown.length === 0) throw new UsageError(`no setting begins with ${group}; \`flipturn settings\` lists all`);
    if (json) return printJson(io, shown);
    if (markdown) return print(io, asMarkdown(shown));
    const rows = shown.map(({ path, flag, default: fallback }) => [path, flag ? `--${flag}` : "", fallback ?? ""]);
    for (const [index, line] of table([["setting", "flag", "default"], ...rows])
      .split("\n")
      .entries()) {
      const setting = shown[index - 1];
      print(io, setting ? `${line}\n    ${setting.description} [${setting.takes}]` : line);
    }
  },
});

function shownSetting({ path, type, fallback }: Setting): ShownSetting {
  const name = path.join(".");
  const [flag = null] = Object.keys(SHORT_FLAGS).filter((each) => SHORT_FLAGS[each] === name);
  const own = fallback ?? unwrap(type).fallback;
  const takes = name === "source" ? sources.map((source) => source.name).join(", ") : takesInWords(type);
  return {
    path: name,
    flag,
    takes,
    default: own === undefined ? null : JSON.stringify(own),
    description: type.description ?? "",
  };
}

function asMarkdown(shown: readonly ShownSetting[]): string {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
  const rows = shown.map(
    ({ path, flag, takes, default: fallback, description }) =>
      `| \`${path}\` | ${flag ? `\`--${flag}\`` : ""} | ${cell(takes)} | ${fallback === null ? "" : `\`${cell(fallback)}\``} | ${cell(description)} |`,
  );
  return ["| setting | flag | takes | default | for |", "|---|---|---|---|---|", ...rows].join("\n");
}
