import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { shardName } from "../../../../pipeline/artefact.ts";
import { InputError } from "../../../../pipeline/errors.ts";
import {
  AtomicFile,
  hashFile,
  readJson,
  sizeOf,
  writeJson,
  writeText,
} from "../../../../pipeline/files/atomic-file.ts";
import { useFolder } from "../../../helpers/folder.ts";

const at = useFolder();
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("a file that appears only when whole", () => {
  test("is not there under its name until it is committed", () => {
    const file = new AtomicFile(at("rows.txt"));
    file.write(Buffer.from("one"));
    expect(readdirSync(at())).not.toContain("rows.txt");
    file.commit();
    expect(readdirSync(at())).toEqual(["rows.txt"]);
  });

  test("replaces an older one in one step", () => {
    writeFileSync(at("rows.txt"), "old");
    const file = new AtomicFile(at("rows.txt"));
    file.write(Buffer.from("new"));
    expect(readFileSync(at("rows.txt"), "utf8")).toBe("old");
    file.commit();
    expect(readFileSync(at("rows.txt"), "utf8")).toBe("new");
  });

  test("is told with its size and hash, over all that was written", () => {
    const file = new AtomicFile(at("rows.txt"));
    for (const part of ["one ", "", "שתיים ", "🙂"]) file.write(Buffer.from(part));
    expect(file.commit()).toEqual({ bytes: 19, sha256: sha256("one שתיים 🙂") });
  });

  test("may be empty", () => {
    expect(new AtomicFile(at("rows.txt")).commit()).toEqual({ bytes: 0, sha256: sha256("") });
    expect(readFileSync(at("rows.txt"), "utf8")).toBe("");
  });

  test("leaves nothing when it is discarded", () => {
    const file = new AtomicFile(at("rows.txt"));
    file.write(Buffer.from("half"));
    file.discard();
    expect(readdirSync(at())).toEqual([]);
  });

  test("keeps the older one when it is discarded", () => {
    writeFileSync(at("rows.txt"), "old");
    new AtomicFile(at("rows.txt")).discard();
    expect(readFileSync(at("rows.txt"), "utf8")).toBe("old");
  });

  test("that has its name stays, whatever is discarded later, and so does a file opened since under the same number", () => {
    const first = new AtomicFile(at("first.txt"));
    first.commit();
    const second = new AtomicFile(at("second.txt"));
    first.discard();
    second.write(Buffer.from("whole"));
    second.commit();
    second.discard();
    expect(readdirSync(at())).toEqual(["first.txt", "second.txt"]);
    expect(readFileSync(at("second.txt"), "utf8")).toBe("whole");
  });

  test("makes the folders that it needs", () => {
    writeText(at("a", "b", "c.txt"), "deep");
    expect(readFileSync(at("a", "b", "c.txt"), "utf8")).toBe("deep");
  });

  test("can be written twice at a time: the last to commit wins, and nothing is mixed", () => {
    const [one, two] = [new AtomicFile(at("rows.txt")), new AtomicFile(at("rows.txt"))];
    one.write(Buffer.from("one one one"));
    two.write(Buffer.from("two"));
    one.commit();
    two.commit();
    expect(readdirSync(at())).toEqual(["rows.txt"]);
    expect(readFileSync(at("rows.txt"), "utf8")).toBe("two");
  });

  test("that cannot get its name says so, and leaves nothing", () => {
    mkdirSync(at("taken", "inside"), { recursive: true });
    expect(() => writeText(at("taken"), "text")).toThrow(/EISDIR|ENOTEMPTY|EEXIST|EPERM/);
    expect(readdirSync(at())).toEqual(["taken"]);
  });
});

describe("a JSON file", () => {
  const Point = z.strictObject({ x: z.int() });

  test("comes back as it was written, indented and with a last newline", async () => {
    writeJson(at("point.json"), { x: 1 });
    expect(readFileSync(at("point.json"), "utf8")).toBe('{\n  "x": 1\n}\n');
    expect(await readJson(at("point.json"), Point)).toEqual({ x: 1 });
  });

  test("that is missing is null", async () => {
    expect(await readJson(at("point.json"), Point)).toBeNull();
  });

  test.each(["", "{", '{"x":"1"}', '{"x":1,"y":2}'])("that holds %j is refused by name", async (text) => {
    writeFileSync(at("point.json"), text);
    await expect(readJson(at("point.json"), Point)).rejects.toThrow(InputError);
    await expect(readJson(at("point.json"), Point)).rejects.toThrow(at("point.json"));
  });
});

test("the hash and size of a file are those of its bytes", async () => {
  writeFileSync(at("bytes"), "x".repeat(3_000_000));
  expect(await hashFile(at("bytes"))).toEqual({ bytes: 3_000_000, sha256: sha256("x".repeat(3_000_000)) });
});

test("the size of a file that is not there is null", async () => {
  expect(await sizeOf(at("nothing"))).toBeNull();
});

test("shard names are padded, so that a listing is in order", () => {
  expect(shardName("samples", 3, 14)).toBe("samples-00003-of-00014.parquet");
  expect(shardName("train", 0, 1, "jsonl")).toBe("train-00000-of-00001.jsonl");
});
