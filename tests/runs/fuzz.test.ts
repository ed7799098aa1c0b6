import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { compress } from "../../pipeline/files/zstd.ts";
import { execute } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import { seeded } from "../helpers/random.ts";
import { flipturn, manifest } from "./flipturn.ts";

// Inputs that broke on their way, or were made to break us. FUZZ=1000 does as many of each kind as it says.

const folder = temporary();
const CASES = Number(process.env["FUZZ"] ?? 4);
const KINDS = ["jsonl", "json", "jsonl.gz", "jsonl.zst", "parquet"];
const good = new Map<string, Buffer>();

beforeAll(async () => {
  const rows = Array.from({ length: 200 }, (_, at) => {
    const talk = [`question ${at} about things`, `answer é 你好 ${at}`, "thanks", "bye"];
    return {
      id: `c${at}`,
      messages: talk.map((content, turn) => ({ role: ["user", "assistant"][turn % 2], content })),
    };
  });
  const lines = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  writeFileSync(join(folder, "rows.jsonl"), lines);
  const table = `SELECT * FROM read_json('${join(folder, "rows.jsonl")}')`;
  await execute(`COPY (${table}) TO '${join(folder, "rows.parquet")}' (FORMAT parquet, COMPRESSION zstd)`);
  good.set("jsonl", lines).set("json", lines).set("jsonl.gz", gzipSync(lines));
  good.set("jsonl.zst", Buffer.from(compress(lines))).set("parquet", readFileSync(join(folder, "rows.parquet")));
});

/** Ways in which a file breaks; `random` gives numbers from 0 to below 1. */
const DAMAGES: readonly ((bytes: Buffer, random: () => number) => Buffer)[] = [
  (bytes, random) => {
    const flipped = Buffer.from(bytes);
    for (let bit = 0; bit <= random() * 8; bit++) {
      const at = Math.floor(random() * bytes.length);
      flipped[at] = (flipped[at] as number) ^ (1 << Math.floor(random() * 8));
    }
    return flipped;
  },
  (bytes, random) => bytes.subarray(0, Math.max(1, Math.floor(random() * bytes.length))),
  (bytes, random) => {
    const at = Math.floor(random() * bytes.length);
    const garbage = Buffer.from(Array.from({ length: 1 + random() * 300 }, () => random() * 256));
    return Buffer.concat([bytes.subarray(0, at), garbage, bytes.subarray(random() < 0.5 ? at : at + garbage.length)]);
  },
  (bytes, random) => {
    const [from, to] = [random(), random()].map((share) => Math.floor(share * bytes.length)) as [number, number];
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
];

describe.each(KINDS)("a broken .%s", (kind) => {
  test.each(Array.from({ length: CASES }, (_, at) => at))("is an error in words, or loses no row: %i", async (at) => {
    const random = seeded(1000 * KINDS.indexOf(kind) + at);
    const damage = DAMAGES[at % DAMAGES.length] as (typeof DAMAGES)[number];
    const input = join(folder, `broken.${kind}`);
    writeFileSync(input, damage(good.get(kind) as Buffer, random));
    const output = `out-${kind}-${at}`;
    const args = ["run", "--source", "chat", "--input", input, "--intents", "none", "--executor", "in-process"];
    const { code, stderr } = await flipturn([...args, "--max-bad-rows", "0.3", "--to", "prepare", "--output", output], {
      cwd: folder,
    });
    expect(stderr).not.toMatch(/^\s+at |node:internal|undefined|\[object/m);
    if (code === 0) {
      const { in: rows, kept, rejected } = manifest(join(folder, output), "prepare");
      expect(rows).toBe(kept + Object.values(rejected).reduce((sum, each) => sum + each, 0));
    } else expect(stderr).toMatch(new RegExp(`^flipturn: .*(broken\\.${kind.replace(".", "\\.")}|rows)`, "m"));
  });
});
