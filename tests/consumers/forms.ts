import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { globSync } from "tinyglobby";
import { fileLiteral, query } from "../../pipeline/duckdb.ts";
import { parseLine, readLines } from "../../pipeline/jsonl.ts";
import { Split } from "../../schemas/user.ts";
import { WriteOptions } from "../../stages/write.ts";
import { must } from "./venv.ts";

/** Writes the demo dataset in every form and format, and the rows of each split as we read them, for `forms.py`. */
export async function writeForms(folder: string): Promise<void> {
  const { form, format } = WriteOptions.shape;
  const cases: object[] = [];
  for (const eachForm of form.unwrap().options) {
    for (const eachFormat of format.unwrap().options) {
      const place = join(folder, `${eachForm}-${eachFormat}`);
      await writeDemo(place, eachForm, eachFormat);
      cases.push({ form: eachForm, format: eachFormat, dataset: join(place, "dataset"), rows: join(place, "rows") });
    }
  }
  await writeFile(join(folder, "cases.json"), JSON.stringify(cases));
}

async function writeDemo(output: string, form: string, format: string): Promise<void> {
  const flags = ["--output", output, "--form", form, "--format", format, "--json"];
  must([process.execPath, join("dist", "scripts", "flipturn.js"), "demo", ...flags], { stdio: "ignore" });
  await mkdir(join(output, "rows"));
  for (const split of Split.options) {
    const paths = globSync(join(output, "dataset", "data", `${split}-*`)).sort();
    const lines = async function* () {
      for (const path of paths) for await (const row of rowsOf(path)) yield `${JSON.stringify(row)}\n`;
    };
    if (paths.length > 0)
      await pipeline(Readable.from(lines()), createWriteStream(join(output, "rows", `${split}.jsonl`)));
  }
}

async function* rowsOf(path: string): AsyncGenerator<unknown> {
  if (path.endsWith(".jsonl")) for await (const line of readLines(path)) yield parseLine(line);
  else yield* query(`SELECT * FROM read_parquet(${fileLiteral(path)})`, path);
}
