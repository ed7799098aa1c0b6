import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { execute, select } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import {
  artefacts,
  DEMO,
  DEMO_SETTINGS,
  manifest,
  manifests,
  ROOT,
  type StageName,
  shardsOf,
  succeed,
  tree,
} from "./flipturn.ts";

const GOLDEN = join(ROOT, "tests", "golden", "demo.json");
const folder = temporary();
const demo = join(folder, "demo");
const three = join(folder, "three");

beforeAll(async () => {
  await succeed(["demo", "--output", demo], { cwd: folder });
});

/** What people read of a card or a page: no plots, no style, no tags, and nothing that changes with the code. */
function stableText(text: string): string {
  const words = text.startsWith("<!doctype")
    ? text.replaceAll(/<(svg|style|script)[\s\S]*?<\/\1>/g, "").replaceAll(/<[^>]*>/g, "\n")
    : text;
  const known = words
    .replaceAll(/\d+\.\d+\.\d+\+[0-9a-f]{12}/g, "VERSION")
    .replaceAll(/content [0-9a-f]{64}/g, "content HASH");
  return known.replaceAll(/\n\s*\n+/g, "\n");
}

describe("the demo", () => {
  const expected = JSON.parse(readFileSync(join(DEMO, "expected.json"), "utf8"));

  test.each(["prepare", "dedup", "split", "intents", "flip"] as const)("gives the expected counts of %s", (stage) => {
    const found = manifest(demo, stage);
    expect(found.in).toBe(expected[stage].in);
    expect(found.kept).toBe(expected[stage].kept);
    expect(found.rejected).toEqual(expected[stage].rejected ?? {});
    if (expected[stage].unit) expect(found.unit).toBe(expected[stage].unit);
  });

  test("writes every sample that flip kept", () => {
    const found = manifest(demo, "render");
    expect({ in: found.in, kept: found.kept, rejected: found.rejected }).toEqual({
      in: expected.flip.kept,
      kept: expected.flip.kept,
      rejected: {},
    });
  });

  test("finds the planted templates and people", async () => {
    expect(manifest(demo, "dedup").counts["templates_matched"]).toBe(expected.templates);
    const matched = await select<{ matched: number }>(
      `SELECT matched FROM ${shardsOf(demo, "dedup", "templates")} WHERE matched > 0 ORDER BY matched DESC`,
    );
    expect(matched.map((each) => each.matched)).toEqual(Object.values(expected.dedup.perTemplate));
    expect(manifest(demo, "split").counts["users"]).toBe(expected.users);
    expect(await select(`SELECT count(*)::INT AS n FROM ${shardsOf(demo, "split", "users")}`)).toEqual([
      { n: expected.users },
    ]);
  });

  test("has the rows that its manifests count", async () => {
    for (const { outputs } of manifests(demo)) {
      for (const { path, rows } of outputs.filter((output) => output.path.endsWith(".parquet")))
        expect([path, await select(`SELECT count(*)::INT AS n FROM read_parquet('${join(demo, path)}')`)]).toEqual([
          path,
          [{ n: rows }],
        ]);
    }
  });

  test.each([
    ["card", join("demo", "dataset", "samples", "README.md")],
    ["report", "report.html"],
  ])("has the same %s as ever, but for the version of the code and pictures", async (name, path) => {
    if (name === "report") await succeed(["report", "--output", demo, "--file", path], { cwd: folder });
    const golden = join(ROOT, "tests", "golden", `demo-${name}.txt`);
    const found = stableText(readFileSync(join(folder, path), "utf8"));
    if (process.env["UPDATE_GOLDEN"]) writeFileSync(golden, found);
    expect(found).toBe(existsSync(golden) ? readFileSync(golden, "utf8") : "");
  });

  test("has the same bytes as ever", () => {
    const found = artefacts(demo);
    if (process.env["UPDATE_GOLDEN"]) writeFileSync(GOLDEN, `${JSON.stringify(found, null, 2)}\n`);
    const golden = existsSync(GOLDEN) ? JSON.parse(readFileSync(GOLDEN, "utf8")) : {};
    const advice =
      "The demo's artefacts have other bytes than tests/golden/demo.json says. If that is meant, say so in CHANGELOG.md and " +
      "write the file anew: npm run build && UPDATE_GOLDEN=1 npx vitest run tests/runs/golden.test.ts";
    expect(found, advice).toEqual(golden);
  });
});

describe("the same demo again has the same bytes,", () => {
  // One folder name under several roots: what a manifest or a card might say of the folder is the same.
  test.each([
    ["by default", []],
    ["with 4 threads", ["--threads", "4"]],
  ])("%s, manifests and card and all", async (_name, flags) => {
    const again = join(folder, `again${flags[1] ?? ""}`);
    await succeed(["demo", "--output", again, ...flags], { cwd: folder });
    expect(tree(again)).toEqual(tree(demo));
  });

  test("with 3 shards on 1 and 4 threads, manifests and card and all", async () => {
    const again = join(folder, "three-again");
    await succeed(["demo", "--output", three, "--shards", "3", "--threads", "1"], { cwd: folder });
    await succeed(["demo", "--output", again, "--shards", "3", "--threads", "4"], { cwd: folder });
    expect(tree(again)).toEqual(tree(three));
  });

  test("from another working folder, with the time zone and locale of another place", async () => {
    const elsewhere = join(folder, "elsewhere");
    mkdirSync(elsewhere);
    await succeed(["demo", "--output", "run"], {
      cwd: elsewhere,
      env: { TZ: "Pacific/Kiritimati", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" },
    });
    expect(tree(join(elsewhere, "run"))).toEqual(tree(demo));
  });
});

test("3 shards hold the same samples, users and templates as 1", async () => {
  await succeed(["demo", "--output", three, "--shards", "3", "--threads", "1"], { cwd: folder });
  const artefactsOf: [StageName, string, string][] = [
    ["prepare", "conversations", "id"],
    ["prepare", "rejections", "id"],
    ["dedup", "templates", "id"],
    ["dedup", "rejections", "id"],
    ["split", "users", "user_id"],
    ["intents", "intents", "conversation_id"],
    ["flip", "samples", "id"],
    ["flip", "rejections", "id"],
  ];
  for (const [stage, artefact, key] of artefactsOf) {
    const rows = (run: string) => select(`SELECT * FROM ${shardsOf(run, stage, artefact)} ORDER BY ${key}`);
    expect(await rows(three), `${stage} ${artefact}`).toEqual(await rows(demo));
  }
  const written = (run: string) =>
    select(`SELECT * FROM read_parquet('${join(run, "dataset/samples/data/*.parquet")}') ORDER BY id`);
  expect(await written(three)).toEqual(await written(demo));
});

describe("rows and files in another order give the same artefacts:", () => {
  /** The demo's rows in the order of a hash that depends on `seed`, dealt out to files of unequal length. */
  const part = (seed: string, file: number, of: number) => {
    const order = `md5(parse_filename(filename) || file_row_number || '${seed}')`;
    const rows = `SELECT *, row_number() OVER (ORDER BY ${order}) AS place FROM read_parquet('${DEMO}/*.parquet', filename = true, file_row_number = true)`;
    return `SELECT * EXCLUDE (filename, file_row_number, place) FROM (${rows}) WHERE floor(sqrt(place)) % ${of} = ${file} ORDER BY place`;
  };

  test.each([
    ["Parquet under other names", "parquet", 4],
    ["one Parquet file", "one.parquet", 1],
    ["JSONL: plain, gzip and zstd", "jsonl", 3],
  ])("%s", async (_name, ending, of) => {
    const input = join(folder, `input-${ending}`);
    mkdirSync(input);
    for (let file = 0; file < of; file++) {
      // Names in falling order of the alphabet, so that files too are read in another order.
      const isParquet = ending.endsWith("parquet");
      const [packed, compression] =
        [["", "none"] as const, [".gz", "gzip"] as const, [".zst", "zstd"] as const][file % 3] ?? [];
      const format = isParquet ? "(FORMAT parquet, COMPRESSION snappy)" : `(FORMAT json, COMPRESSION ${compression})`;
      const path = join(input, `${"zyxw"[file]}-rows.${isParquet ? "parquet" : `jsonl${packed}`}`);
      await execute(`COPY (${part(ending, file, of)}) TO '${path}' ${format}`);
    }
    const output = join(folder, `shuffled-${ending}`);
    await succeed(["run", ...DEMO_SETTINGS, "--input", `${input}/*`, "--output", output], { cwd: folder });

    const apart = ([path]: [string, string]) => !path.startsWith("02-prepare/rejections");
    const compared = (run: string) => Object.fromEntries(Object.entries(artefacts(run)).filter(apart));
    expect(compared(output)).toEqual(compared(demo));
    // A row without a readable id is known by its file and row: only there the rejections may differ.
    const rejections = (run: string) =>
      select(
        `SELECT conversation_id, reason, CASE WHEN reason = 'schema' THEN '' ELSE id || detail END AS about
         FROM ${shardsOf(run, "prepare", "rejections")} ORDER BY ALL`,
      );
    expect(await rejections(output)).toEqual(await rejections(demo));
  });
});
