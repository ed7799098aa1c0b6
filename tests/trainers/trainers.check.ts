// Run by hand (`npm run test:trainers`): needs Python 3.11 and gigabytes of packages. What came of it is in docs/trainers.md.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { describeReal } from "../data/real.ts";
import { select } from "../helpers/engine.ts";
import { ROOT } from "../runs/flipturn.ts";
import { CONVERSATIONS, TOY } from "./conversations.ts";
import { dataset, FOLDER, log, wildchat } from "./datasets.ts";
import { check, program, python, type Report, type Trainer } from "./python.ts";

const BASE = join(FOLDER, "base");
const STOCK = join(FOLDER, "stock");
const TOKENIZER = join(ROOT, "node_modules", "@lenml", "tokenizer-llama3", "models");

const made = log("made", CONVERSATIONS, { intents: true });
const withoutIntents = log("without-intents", CONVERSATIONS, { intents: false });
const toy = log("toy", TOY, { intents: true });

/** A trainer, the form it reads, and how its reading is taken. */
interface Way {
  readonly trainer: Trainer;
  readonly form: string;
  readonly file: string;
  readonly recipe?: string;
}

const ON_TEXT: readonly Way[] = [
  { trainer: "trl", form: "trl", file: "trl_rows.py", recipe: "recipes/trl/train.py" },
  { trainer: "trl", form: "messages", file: "trl_rows.py", recipe: "recipes/trl/train.py" },
  { trainer: "axolotl", form: "axolotl", file: "axolotl_rows.py" },
  { trainer: "llama-factory", form: "llama-factory", file: "llama_factory_rows.py" },
  { trainer: "torchtune", form: "torchtune", file: "torchtune_rows.py" },
];
const ON_TOKENS: readonly Way[] = [
  { trainer: "trl", form: "tokens", file: "trl_rows.py", recipe: "recipes/transformers/train.py" },
  { trainer: "trl", form: "tokens", file: "trl_rows.py", recipe: "recipes/trl/train.py" },
  { trainer: "axolotl", form: "tokens", file: "axolotl_rows.py" },
  { trainer: "llama-factory", form: "tokens", file: "llama_factory_rows.py" },
  { trainer: "torchtune", form: "tokens", file: "torchtune_rows.py" },
];

/** The trainer's reading of the rows of a form, against the tokens of the same conversations. */
async function compare(name: string, source: readonly string[], way: Way, ...options: string[]): Promise<Report> {
  return compareOn(BASE, name, source, way, ...options);
}

/** The same with another base checkpoint and its tokenizer. */
async function compareOn(
  base: string,
  name: string,
  source: readonly string[],
  way: Way,
  ...options: string[]
): Promise<Report> {
  const { trainer, form, file, recipe } = way;
  const tokens = await dataset(name, source, "tokens", ...options);
  const folder = await dataset(name, source, form, ...options);
  if (form === "tokens") await python("trl", "recipes/prepared.py", [], folder);
  const args = [...(recipe ? [recipe] : []), tokens, ...(trainer === "torchtune" ? [] : [base])];
  const report = await check(trainer, file, args, folder);
  console.log([report.trainer, recipe ?? "", form, name, ...options, JSON.stringify(report)].join(" | "));
  return report;
}

/** Every row is there, with the same ids and the same trained positions. */
function expectSame(report: Report): void {
  expect(report).toMatchObject({ idsDiffer: [], labelsDiffer: [], ours: report.rows, got: report.rows });
  expect(report.rows).toBeGreaterThan(0);
}

/** Makes a base checkpoint by the recipe of a dataset. */
const make = (folder: string, script: string, to: string): Promise<string> =>
  python("trl", script, ["--checkpoint", join(FOLDER, "checkpoint"), "--to", to], folder);

beforeAll(async () => {
  const checkpoint = join(FOLDER, "checkpoint");
  await python(
    "trl",
    join(import.meta.dirname, "python", "checkpoint.py"),
    ["--tokenizer", TOKENIZER, "--to", checkpoint],
    FOLDER,
  );
  const folder = await dataset("made", made, "tokens");
  await make(folder, "recipes/base.py", BASE);
  const script = readFileSync(join(folder, "recipes", "base.py"), "utf8");
  const stock = join(folder, "recipes", "stock.py");
  writeFileSync(stock, script.replace(/^HEADER_END = .*$/m, "HEADER_END = None"));
  await make(folder, stock, STOCK);
});

describe("ids and trained positions are those of the form tokens", () => {
  test.each([...ON_TEXT, ...ON_TOKENS])("$trainer, form $form, $recipe", async (way) => {
    expectSame(await compare("made", made, way));
  });

  test.each(ON_TEXT)("$trainer, form $form, without intents", async (way) => {
    expectSame(await compare("without-intents", withoutIntents, way));
  });

  test.each([...ON_TEXT, ...ON_TOKENS].filter(({ form }) => ["axolotl", "torchtune", "tokens"].includes(form)))(
    "$trainer, form $form, $recipe, rows of whole conversations: several targets a row",
    async (way) => {
      expectSame(await compare("made", made, way, "--layout", "conversations"));
    },
  );

  // Headers that end with a space and with a newline, after roles that are text; an end of its own for each side.
  test("TRL and Axolotl, by a Jinja template of one's own", async () => {
    const template = join(FOLDER, "own.jinja");
    writeFileSync(
      template,
      "{% for m in messages %}{% if m['role'] == 'user' %}<|start_header_id|>me:<|end_header_id|> {{ m['content'] }}<|eot_id|>{% else %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endif %}{% endfor %}",
    );
    const own = ["--chat-template", template];
    const base = join(FOLDER, "own-base");
    await make(await dataset("made", made, "tokens", ...own), "recipes/base.py", base);
    for (const way of ON_TEXT.filter(({ form }) => ["trl", "axolotl"].includes(form)))
      expectSame(await compareOn(base, "made", made, way, ...own));
  });

  describeReal("real conversations", () => {
    test.each(ON_TEXT)("$trainer, form $form", async (way) => {
      expectSame(await compare("wildchat", wildchat(), way));
    });
  });
});

test("with the stock tokenizer, rows with a turn that begins with a line break have other ids, and no others", async () => {
  const tokens = await dataset("made", made, "tokens");
  const folder = await dataset("made", made, "trl");
  const report = await check("trl", "trl_rows.py", ["recipes/trl/train.py", tokens, STOCK], folder);
  const messages = await dataset("made", made, "messages");
  const rows = await select<{ id: string; messages: { content: string }[] }>(
    `SELECT id, messages FROM read_parquet('${messages}/data/train-*.parquet')`,
  );
  const merging = rows.filter((row) => row.messages.some(({ content }) => /^[\s\u0085]*[\r\n]/.test(content)));
  expect(report.idsDiffer).toEqual(merging.map(({ id }) => id).sort());
  console.log(
    `stock tokenizer: ${report.idsDiffer.length} of ${report.rows} rows differ: ${report.idsDiffer.join(" ")}`,
  );
});

test("rows in one bin do not see each other", async () => {
  const rows = await dataset("made", made, "tokens");
  const bins = await dataset("made", made, "tokens", "--packing");
  const args = [join(bins, "recipes", "transformers", "train.py"), BASE, rows, bins];
  const loss = (await check("trl", "bins_loss.py", args, bins)) as unknown as {
    bins: number;
    inBins: number;
    alone: number;
  };
  expect(loss.inBins / loss.alone).toBeCloseTo(1, 4);
  console.log(`bins: ${JSON.stringify(loss)}`);
});

test("the loss of an end is multiplied by its weight, and no other", async () => {
  const rows = await dataset("made", made, "tokens", "--end-labels", "weighted");
  const args = [join(rows, "recipes", "transformers", "train.py"), BASE, rows, join(rows, "..", "..", "model")];
  const loss = (await check("trl", "weighted_loss.py", args, rows)) as unknown as {
    doubtful: number;
    trained: number;
    byHand: number;
  };
  expect(loss.doubtful).toBeGreaterThan(0);
  expect(loss.trained / loss.byHand).toBeCloseTo(1, 4);
  console.log(`weighted: ${JSON.stringify(loss)}`);
});

describe("a tiny random model on a toy set, thirty steps on a CPU", () => {
  const SETTINGS = ["--base", BASE, "--batch", "8", "--rows", "8", "--steps", "30", "--lr", "1e-2", "--epochs", "3"];
  const INTENT = ["--intent", TOY[0]?.intent ?? ""];
  const losses = (said: string) => [...said.matchAll(/'loss': '?([\d.]+)/g)].map(([, loss]) => Number(loss));
  const seen: number[][] = [];

  test.each([
    ["tokens", "transformers"],
    ["tokens", "trl"],
    ["trl", "trl"],
  ])("form %s with %s: the loss falls, and the model says every turn and the end", async (form, recipe) => {
    const folder = await dataset("toy", toy, form, "--repeats", "keep");
    const model = join(FOLDER, "models", `${form}-${recipe}`);
    const fell = losses(await python("trl", `recipes/${recipe}/train.py`, [...SETTINGS, "--to", model], folder));
    seen.push(fell);
    expect(fell).toHaveLength(30);
    expect(fell.at(-1)).toBeLessThan((fell[0] ?? 0) / 20);
    const say = (...turns: string[]) =>
      python("trl", "recipes/sample.py", [model, ...INTENT, "--turns", ...turns], folder);
    expect(await say()).toContain("'\\nhi<|eot_id|>'");
    expect(await say("hi", "Hello!")).toContain("'\\nthanks<|eot_id|>'");
    expect(await say("hi", "Hello!", "thanks", "Bye.")).toContain("'\\n<|endconversation|><|eot_id|>'");
    console.log(`${form} with ${recipe}: loss ${fell[0]} -> ${fell.at(-1)}`);
  });

  test("the losses of all three are the same, step by step, but for the last digit", () => {
    expect(seen).toHaveLength(3);
    for (const losses of seen.slice(1))
      for (const [step, loss] of losses.entries())
        expect(Math.abs(loss - (seen[0]?.[step] ?? 0))).toBeLessThanOrEqual(0.002 * loss);
  });

  test("two processes share the batches: as many steps, each with one loss, from about the same one", async () => {
    const folder = await dataset("toy", toy, "tokens", "--repeats", "keep");
    const settings = ["--base", BASE, "--batch", "8", "--rows", "4", "--steps", "2", "--lr", "1e-2"];
    const args = [
      "--nproc-per-node",
      "2",
      "recipes/transformers/train.py",
      ...settings,
      "--to",
      join(FOLDER, "models", "two"),
    ];
    const fell = losses(await python("trl", await program("trl", "torchrun"), args, folder));
    // Both processes print each step, in any order.
    const [first, same, second, sameAgain] = fell.toSorted((a, b) => b - a);
    expect([fell.length, first, second]).toEqual([4, same, sameAgain]);
    expect(Math.abs((fell[0] ?? 0) - (seen[0]?.[0] ?? 0))).toBeLessThan(0.3);
  });
});

test("the file for OpenAI follows the documented rules", async () => {
  const folder = await dataset("made", made, "openai");
  const said = await python("trl", "recipes/openai/upload.py", [], folder);
  expect(said).toMatch(/openai-train\.jsonl: \d+ rows/);
});
