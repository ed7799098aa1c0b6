import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readTextRows } from "../../pipeline/files/text-rows.ts";
import { run } from "../../stages/index.ts";
import { collect } from "../helpers/collect.ts";
import { execute } from "../helpers/engine.ts";
import { useFolder } from "../helpers/folder.ts";

const at = useFolder();

const given = (output: string, more: object) => {
  const settings = {
    source: "chat",
    input: [at("log.jsonl")],
    output,
    executor: "in-process",
    prepare: { columns: { id: "id" } },
  };
  return { ...settings, intents: { provider: "none" }, ...more };
};

describe("a chat template or tokenizer that cannot be followed", () => {
  const refuses = (role: string) =>
    `{% for m in messages %}{% if m['role'] == '${role}' %}{{ raise_exception('no ${role}s here') }}{% endif %}{{ m['content'] }}{% endfor %}`;
  const prepared = (file: string, text: string) => {
    mkdirSync(at(), { recursive: true });
    writeFileSync(at("log.jsonl"), '{"id":"a","messages":[{"role":"user","content":"hi"}]}\n');
    writeFileSync(at(file), text);
  };

  test.each([
    ["a template that does not parse", "chat.jinja", "{% for", {}, /chat\.jinja: not a Jinja chat template/],
    ["a template that refuses users", "chat.jinja", refuses("user"), {}, /chat\.jinja: .* refuses .*: no users here/],
    ["a template that refuses answers", "chat.jinja", refuses("assistant"), {}, /no assistants here/],
    [
      "a template with a token that the tokenizer lacks",
      "chat.jinja",
      "{{ bos_token }}{% for m in messages %}{{ m['content'] }}{% endfor %}",
      { bosToken: "<|begn|>" },
      /llama3: has no control token <\|begn\|>; it has <\|begin_of_text\|>/,
    ],
    ["a token to begin with that the tokenizer lacks", "none", "", { bos: "always", bosToken: "<s>" }, /token <s>/],
    ["a file that is no tokenizer", "tokenizer.json", "{}", {}, /tokenizer\.json: not a tokenizer\.json/],
  ])("stops the run before any stage: %s", async (_, file, text, options, message) => {
    prepared(file, text);
    const named = { "chat.jinja": { chatTemplate: at(file) }, "tokenizer.json": { tokenizer: at(file) } }[file];
    await expect(run(given(at("out"), { render: { ...named, ...options } }))).rejects.toThrow(message);
    expect(existsSync(at("out", "01-download"))).toBe(false);
  });

  test("stops it only if it will be asked to: a template without system messages does where there are no intents", async () => {
    prepared("chat.jinja", refuses("system"));
    const render = { chatTemplate: at("chat.jinja") };
    await run(given(at("out"), { render }));
    expect(existsSync(at("out", "dataset", "samples", "README.md"))).toBe(true);
    const recorded = { provider: "recorded", recorded: at("log.jsonl") };
    const again = run(given(at("with"), { render, intents: recorded }));
    await expect(again).rejects.toThrow("no systems here");
    expect(existsSync(at("with", "01-download"))).toBe(false);
  });
});

describe("a sample with nothing in the loss", () => {
  test.each(["trl", "tokens", "samples"])("is rejected with its reason, not written, as %s", async (form) => {
    mkdirSync(at(), { recursive: true });
    const messages = [
      { role: "user", content: "hi" },
      { role: "assistant", content: "Hello." },
      { role: "user", content: "" },
      { role: "assistant", content: "Yes?" },
    ];
    writeFileSync(at("log.jsonl"), `${JSON.stringify({ id: "a", messages })}\n`);
    const render = { form, chatTemplate: "llama3", newlineInLoss: false, stopInLoss: false };
    const [rendered] = (await run(given(at("out"), { flip: { emptyTargets: "keep" }, render }))).filter(({ stage }) =>
      stage.startsWith("render"),
    );
    expect(rendered).toMatchObject({ in: 3, kept: 2, rejected: { nothing_in_loss: 1 } });
  });
});

test("a Parquet file in parts gives the artefacts that the same rows give as lines, the file counted once", async () => {
  await execute(`COPY (SELECT i AS id, CASE WHEN i = 5000 THEN NULL ELSE [{'role': 'user', 'content': 'hi ' || i}] END AS messages
      FROM range(10000) t(i)) TO '${at("rows.parquet")}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`);
  await execute(`COPY (SELECT * FROM '${at("rows.parquet")}') TO '${at("rows.jsonl")}' (FORMAT json)`);
  const prepared = async (name: string) => {
    const settings = { source: "chat", input: [at(name)], output: at(`${name}-run`), shards: 8 };
    const given = { ...settings, prepare: { columns: { id: "id" } }, dedup: { templates: "keep" } };
    const manifest = (await run(given, { executor: { name: "in-process" }, to: "prepare" })).at(-1);
    const files = manifest?.outputs.filter(({ path }) => !path.includes("rejections"));
    return { in: manifest?.in, kept: manifest?.kept, files: files?.map(({ sha256 }) => sha256) };
  };
  const inParts = await prepared("rows.parquet");
  expect(inParts).toMatchObject({ in: 10_000, kept: 9_999 });
  expect(inParts).toEqual(await prepared("rows.jsonl"));
  const plan = JSON.parse(readFileSync(at("rows.parquet-run", "plan.json"), "utf8"));
  expect(plan.stages[1].phases[0]).toMatchObject({ name: "scatter", tasks: 4 });
});

test("a value of more than 64 MB in a list of JSON is an error in words: the parser would hold all of it", async () => {
  writeFileSync(at("rows.json"), `[{"a":1},{"a":"${"x".repeat(70 << 20)}"}]`);
  const reading = collect(readTextRows(at("rows.json"), { most: 20 }));
  await expect(reading).rejects.toThrow(/rows\.json: after row 1: a value of more than 64 MB; leave it out, or write/);
});
