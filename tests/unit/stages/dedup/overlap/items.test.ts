import { writeFileSync } from "node:fs";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, test } from "vitest";
import { InputError, UsageError } from "../../../../../pipeline/errors.ts";
import { readItems } from "../../../../../stages/dedup/overlap/items.ts";
import { collect } from "../../../../helpers/collect.ts";
import { useFolder } from "../../../../helpers/folder.ts";

const folder = useFolder();

/** A JSONL file of these rows. */
function jsonl(...rows: readonly unknown[]): string {
  const path = folder("set.jsonl");
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
}

const items = (path: string, ...columns: string[]) => collect(readItems(path, "set", columns));

describe("the items of", () => {
  test.each([
    ["GSM8K", { question: "How many?", answer: "#### 4" }, "How many?"],
    ["HumanEval", { task_id: "HumanEval/0", prompt: "def f():", canonical_solution: "return" }, "def f():"],
    ["CommonsenseQA", { id: "1", question: "Where?", question_concept: "place", choices: { text: ["a"] } }, "Where?"],
    ["CommonsenseQA as first published", { id: "1", question: { stem: "Where?", choices: [{ text: "a" }] } }, "Where?"],
    ["NaturalQuestions", { question: { text: "who was it", tokens: [] }, annotations: [] }, "who was it"],
    ["NaturalQuestions, simplified", { question_text: "who was it", document_text: "…" }, "who was it"],
    ["PRISM", { conversation_id: "c0", opening_prompt: "Is it right?" }, "Is it right?"],
  ])("%s are its questions, without saying where they are", async (_, row, text) => {
    expect(await items(jsonl(row))).toEqual([{ name: "set:1", text }]);
  });

  test("PRISM may be all that its users say: lists on the way are gone through", async () => {
    const history = [
      { role: "user", content: "one" },
      { role: "model", content: "two" },
    ];
    const path = jsonl({ conversation_history: history });
    expect((await items(path, "conversation_history.content")).map((item) => item.text)).toEqual(["one", "two"]);
  });

  test("a text file are its lines", async () => {
    const path = folder("set.txt");
    writeFileSync(path, "one\n\ntwo words\n");
    expect(await items(path)).toEqual([
      { name: "set:1", text: "one" },
      { name: "set:3", text: "two words" },
    ]);
  });

  test("a Parquet file are those of its column, nested or not", async () => {
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    const path = folder("set.parquet");
    await connection.run(`COPY (SELECT {'text': 'who was it'} AS question, 1 AS id) TO '${path}' (FORMAT parquet)`);
    expect(await items(path)).toEqual([{ name: "set:1", text: "who was it" }]);
    expect(await items(path, "question.text")).toEqual([{ name: "set:1", text: "who was it" }]);
    await expect(items(path, "answer")).rejects.toThrow(
      /no text in `answer`, which --column names; found question, id/,
    );
  });
});

describe("a file that cannot be compared is refused:", () => {
  test("a row without the column, by line and with the columns that are there", async () => {
    const fault = items(jsonl({ question: "a" }, { title: "b" }));
    await expect(fault).rejects.toThrow(UsageError);
    await expect(items(jsonl({ title: "b" }))).rejects.toThrow(
      /set\.jsonl:1: none of the columns .*--column; found title/,
    );
    await expect(items(jsonl({ title: "b" }), "titel")).rejects.toThrow(/set\.jsonl:1: no text in `titel`/);
  });

  test("a line that is no JSON, and a name that says nothing", async () => {
    const path = folder("bad.jsonl");
    writeFileSync(path, "{\n");
    await expect(items(path)).rejects.toThrow(InputError);
    await expect(items(folder("set.csv"))).rejects.toThrow(/expected a name that ends in/);
  });
});
