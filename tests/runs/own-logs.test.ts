import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { execute } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import { flipturn, manifest, succeed } from "./flipturn.ts";

const place = temporary();

/** Writes rows as JSONL into a folder of their own; returns the folder. */
function logs(name: string, rows: readonly object[]): string {
  const folder = join(place, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "logs.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return folder;
}

const talk = (text: string) => [
  { role: "user", content: text },
  { role: "assistant", content: "Hello." },
];
const run = ["run", "--source", "chat", "--executor", "in-process", "--output", "out"];
const chat = [...run, "--intents", "none"];

describe("people's own logs", () => {
  test("keep their text when Parquet holds it as plain bytes", async () => {
    const folder = logs("bytes", []);
    const message = "{'role': 'user'::BLOB, 'content': encode('héllo — 你好')}";
    await execute(`COPY (SELECT 'a' AS id, [${message}] AS messages) TO '${folder}/bytes.parquet' (FORMAT parquet)`);
    const jsonl = ["--file-format", "jsonl"];
    await succeed([...chat, "--input", "bytes.parquet", "--columns", "id=id", ...jsonl], { cwd: folder });
    const written = "out/dataset/samples/data/train-00000-of-00001.jsonl";
    const { stdout } = await succeed(["inspect", written, "--json"], { cwd: folder });
    expect(JSON.parse(stdout).completion).toBe("\nhéllo — 你好<|eot_id|>");
  });

  test("are explained by the exact id, even where it ends like that of a sample", async () => {
    const rows = ["session", "session:1"].map((id) => ({ id, messages: talk(`I am ${id}`) }));
    const folder = logs("colon", rows);
    await succeed([...chat, "--input", "logs.jsonl", "--columns", "id=id"], { cwd: folder });
    for (const id of ["session:1", "chat:session:1"]) {
      const { stdout } = await succeed(["explain", id, "--output", "out"], { cwd: folder });
      expect(stdout).toContain("I am session:1");
    }
  });

  test("take recorded intents under their own ids", async () => {
    const folder = logs("recorded", [{ id: "a#1", messages: talk("hi") }]);
    const intent = "You are a user chatting with an assistant language model to say hello.";
    writeFileSync(join(folder, "intents.jsonl"), `${JSON.stringify({ conversation_id: "a#1", intent })}\n`);
    const recorded = ["--intents", "recorded", "--recorded", "intents.jsonl"];
    await succeed([...run, "--input", "logs.jsonl", "--columns", "id=id", ...recorded], { cwd: folder });
    expect(manifest(join(folder, "out"), "intents")).toMatchObject({ kept: 1 });
  });

  test("keep their users, languages and times where their columns are called what logs usually call them", async () => {
    const rows = Array.from({ length: 40 }, (_, at) => ({
      ...{ conversation_id: `k${at}`, user_id: `u${at % 8}`, language: at % 2 === 0 ? "French" : "en", country: "FI" },
      ...{ timestamp: at === 0 ? "one fine day" : 1_710_000_000.25 + at, n: at, messages: talk(`question ${at}`) },
    }));
    const folder = logs("obvious", rows);
    const { stdout } = await succeed([...chat, "--input", "logs.jsonl", "--language", "any"], { cwd: folder });
    expect(stdout).toContain(
      "Note: columns found by their names: id=conversation_id,user=user_id,country=country,language=language,time=timestamp; --columns says otherwise.",
    );
    expect(stdout).toContain("Note: columns that are not used: n.");
    expect(stdout).toContain("Note: 1 of 40 conversations have a time that cannot be read");
    expect(manifest(join(folder, "out"), "split").counts).toMatchObject({ users: 8 });
    const english = await succeed([...chat, "--input", "logs.jsonl", "--output", "english"], { cwd: folder });
    expect(english.stdout).toMatch(/^prepare +conversations +40 +20 +language 20$/m);
    const alone = [...chat, "--input", "logs.jsonl", "--language", "any", "--columns", "user=", "--output", "alone"];
    expect((await succeed(alone, { cwd: folder })).stdout).toContain("Note: no column tells who the user is");
    expect(manifest(join(folder, "alone"), "split").counts).toMatchObject({ users: 40 });
  });

  test("are refused if a column that is named has no value in any row", async () => {
    const folder = logs("misspelt", [{ id: "a", user: "u", messages: talk("hi") }]);
    const args = [...chat, "--input", "logs.jsonl", "--columns", "id=id,user=usr"];
    const { code, stderr } = await flipturn(args, { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toContain("no row has a value in `usr`, which --columns names as user");
  });

  test("without ids are two conversations where two people say the same", async () => {
    const folder = logs(
      "equal",
      ["u1", "u2", "u2"].map((who) => ({ who, messages: talk("hi") })),
    );
    await succeed([...chat, "--input", "logs.jsonl", "--columns", "user=who"], { cwd: folder });
    expect(manifest(join(folder, "out"), "prepare")).toMatchObject({ in: 3, kept: 2, rejected: { repeated_id: 1 } });
  });

  test("are read once under several spellings of one file", async () => {
    const folder = logs("spelt", [{ id: "a", messages: talk("hi") }]);
    symlinkSync(join(folder, "logs.jsonl"), join(folder, "link.jsonl"));
    const inputs = ["--input", "logs.jsonl", "./logs.jsonl", "link.jsonl", join(folder, "logs.jsonl")];
    await succeed([...chat, ...inputs, "--columns", "id=id"], { cwd: folder });
    expect(manifest(join(folder, "out"), "prepare").in).toBe(1);
  });

  test("may have their columns named in part by the file of settings and in part by flags", async () => {
    const folder = logs("columns", [{ id: "a", user: "u", country: "Chile", messages: talk("hi") }]);
    writeFileSync(join(folder, "f.yaml"), "prepare: { columns: { id: id, user: user } }\n");
    const args = [...chat, "--input", "logs.jsonl", "--config", "f.yaml", "--columns", "country=country"];
    await succeed(args, { cwd: folder });
    const { stdout } = await succeed(["explain", "chat:a", "--json", "--output", "out"], { cwd: folder });
    expect(stdout).toContain("Chile");
    expect(stdout).not.toContain('"user_id": null');
  });

  test("of which nothing is left are no success, and the setting that would change it is said", async () => {
    const folder = logs("empty", [{ id: "a", language: "French", messages: talk("salut") }]);
    for (const more of [[], ["--to", "prepare"], ["--json"]]) {
      const { code, stderr } = await flipturn([...chat, "--input", "logs.jsonl", ...more], { cwd: folder });
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/prepare rejected all 1 conversations: 1 language \(--lang/),
      ]);
    }
    await succeed([...chat, "--input", "logs.jsonl", "--language", "any"], { cwd: folder });
  });

  test("do not replace one another in the default folder unless they are told to", async () => {
    const folder = logs("two", [{ id: "a", messages: talk("hi") }]);
    writeFileSync(join(folder, "other.jsonl"), `${JSON.stringify({ id: "b", messages: talk("hello") })}\n`);
    const args = ["run", "--source", "chat", "--executor", "in-process", "--intents", "none", "--to", "prepare"];
    await succeed([...args, "--input", "logs.jsonl"], { cwd: folder });
    const other = [...args, "--input", "other.jsonl"];
    for (const refused of [
      other,
      ["plan", "--write", "--source", "chat", "--intents", "none", "--input", "other.jsonl"],
    ]) {
      const { code, stderr } = await flipturn(refused, { cwd: folder });
      expect([code, stderr]).toEqual([
        2,
        expect.stringContaining("output/chat: holds a run of other files, logs.jsonl"),
      ]);
    }
    await succeed([...other, "--output", "elsewhere"], { cwd: folder });
    // The same run goes on: with other options, with a file more, and with its file elsewhere.
    await succeed([...args, "--input", "logs.jsonl", "--seed", "1"], { cwd: folder });
    await succeed([...args, "--input", "logs.jsonl", "other.jsonl"], { cwd: folder });
    mkdirSync(join(folder, "moved"));
    renameSync(join(folder, "logs.jsonl"), join(folder, "moved", "logs.jsonl"));
    await succeed([...args, "--input", "moved/logs.jsonl"], { cwd: folder });
    await succeed([...other, "--replace"], { cwd: folder });
    expect(readFileSync(join(folder, "output", "chat", "plan.json"), "utf8")).toContain("other.jsonl");
  });

  test("without users are said to have none known, and are not strictly sound", async () => {
    const rows = Array.from({ length: 20 }, (_, at) => ({ id: `k${at}`, messages: talk(`question ${at}`) }));
    const folder = logs("userless", rows);
    await succeed([...chat, "--input", "logs.jsonl"], { cwd: folder });
    const audit = ["split", "audit", "--output", "out"];
    expect((await succeed(audit, { cwd: folder })).stdout).toMatch(/^user +no users known$/m);
    const strict = await flipturn([...audit, "--strict"], { cwd: folder });
    expect([strict.code, strict.stderr]).toEqual([1, expect.stringContaining("no users are known")]);
    expect(readFileSync(join(folder, "out/dataset/samples/README.md"), "utf8")).toContain("- No users are known:");
    await succeed([...chat, "--input", "logs.jsonl", "--split-by", "groups"], { cwd: folder });
    await succeed([...audit, "--strict"], { cwd: folder });
  });

  test("a refused run leaves the plan of the finished one", async () => {
    const folder = logs("refused", [{ id: "a", messages: talk("hi") }]);
    const args = [...chat, "--input", "logs.jsonl", "--columns", "id=id"];
    await succeed(args, { cwd: folder });
    const refused = await flipturn([...args, "--language", "any", "--from", "split"], { cwd: folder });
    expect(refused.code).toBe(4);
    const { stdout } = await succeed(["status", "--output", "out"], { cwd: folder });
    expect(stdout).not.toMatch(/to do|waiting/);
  });
});
