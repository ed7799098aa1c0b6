import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { temporary } from "../helpers/folder.ts";
import { allFiles, CLI, DEMO, manifest, type Result, ROOT, startProcess } from "./flipturn.ts";

const folder = temporary();
const place = join(folder, "elsewhere");
const installed = join(place, "node_modules", "flipturn");
/** Why the package could not be installed; null = it was. */
let missing: string | null = null;

function npm(args: string[], cwd: string): Promise<Result> {
  return startProcess("npm", args, { cwd, timeoutMs: 240_000 }).done;
}

beforeAll(async () => {
  // Without scripts: building would take dist/ away from under the tests that run beside this one.
  const packed = await npm(["pack", "--ignore-scripts", "--json", "--pack-destination", folder], ROOT);
  expect([packed.code, packed.stderr]).toEqual([0, expect.any(String)]);
  const tarball = allFiles(folder).find((path) => path.endsWith(".tgz")) ?? "";
  mkdirSync(place);
  writeFileSync(join(place, "package.json"), '{ "name": "elsewhere", "private": true }\n');
  const flags = ["--prefer-offline", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=60000"];
  const result = await npm(["install", ...flags, join(folder, tarball)], place);
  const unreachable =
    /E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|NETUNREACH)|ENOTCACHED|ERR_SOCKET_TIMEOUT/.exec(result.stderr);
  if (result.code !== 0 && !unreachable) throw new Error(`npm install: exit ${result.code}\n${result.stderr}`);
  if (result.code !== 0) missing = `the npm registry cannot be reached (${unreachable?.[0]})`;
}, 300_000);

describe("the packed tarball, installed into an empty folder,", () => {
  test("runs `npx flipturn demo` and gives the expected rows", { timeout: 300_000 }, async ({ skip }) => {
    if (missing !== null) skip(missing);
    const { code, stdout, stderr } = await startProcess("npx", ["--no-install", "flipturn", "demo"], { cwd: place })
      .done;
    expect([code, stderr]).toEqual([0, expect.stringContaining("render:samples")]);
    expect(stdout).toContain("<|start_header_id|>user<|end_header_id|>");
    const expected = JSON.parse(readFileSync(join(DEMO, "expected.json"), "utf8"));
    for (const stage of ["prepare", "dedup", "split", "intents", "flip"] as const) {
      const { in: rows, kept, rejected } = manifest(join(place, "output", "demo"), stage);
      expect([stage, rows, kept, rejected]).toEqual([
        stage,
        expected[stage].in,
        expected[stage].kept,
        expected[stage].rejected ?? {},
      ]);
    }
    expect(allFiles(join(place, "output", "demo", "dataset", "samples"))).toContain(
      "data/train-00000-of-00001.parquet",
    );
  });

  test("is a library with the words of the command line", { timeout: 300_000 }, async ({ skip }) => {
    if (missing !== null) skip(missing);
    cpSync(join(installed, "scripts", "demo"), join(place, "demo"), { recursive: true });
    writeFileSync(
      join(place, "use.mjs"),
      `import { dataset, run } from "flipturn";
       const events = [];
       const manifests = await run(
         {
           source: "wildchat-1m", input: ["demo/*.parquet"], output: "output/library",
           prepare: { maxBadRows: 0.05 }, dedup: { minCount: 10 }, intents: { provider: "none" },
         },
         {
           executor: { name: "threads", options: { count: 2 } },
           onEvent: (event) => events.push(event.type),
         },
       );
       console.log(JSON.stringify({
         stages: dataset.stages.map((stage) => stage.name),
         kept: manifests.map((manifest) => manifest.kept),
         events: [...new Set(events)].sort(),
       }));`,
    );
    const { code, stdout, stderr } = await startProcess(process.execPath, ["use.mjs"], { cwd: place }).done;
    expect([code, stderr]).toEqual([0, ""]);
    // Without intents no conversation is lost to them.
    const { stages, kept, events } = JSON.parse(stdout);
    expect(stages).toEqual(["download", "prepare", "dedup", "split", "intents", "flip", "render", "describe"]);
    expect(kept.slice(0, 5)).toEqual([3, 126, 86, 86, 86]);
    expect(kept[6]).toBe(kept[5]);
    expect(events).toEqual(expect.arrayContaining(["phase", "stage"]));
  });

  test("describes its types", ({ skip }) => {
    if (missing !== null) skip(missing);
    const { exports, bin } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    expect(readFileSync(join(installed, exports["."].types), "utf8")).toContain("export declare function run(");
    expect(readFileSync(join(installed, bin.flipturn), "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  test("holds what runs and nothing of how it is made", ({ skip }) => {
    if (missing !== null) skip(missing);
    const files = allFiles(installed).filter((path) => !path.startsWith("node_modules/"));
    const known =
      /^(dist\/(pipeline|schemas|stages|scripts)\/.*\.(js|d\.ts)|scripts\/demo\/.*\.(parquet|jsonl|json)|package\.json|LICENSE|README\.md|CHANGELOG\.md)$/;
    expect(files.filter((path) => !known.test(path))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining(["LICENSE", "README.md", "package.json", "scripts/demo/intents.jsonl"]),
    );
    // The conversations of the demo as they were written are in the Parquet files already.
    expect(files.filter((path) => /^dist\/scripts\/demo\//.test(path))).toEqual([]);
  });

  test("names no path of the machine it was packed on", ({ skip }) => {
    if (missing !== null) skip(missing);
    const texts = allFiles(installed).filter((path) => !path.endsWith(".parquet"));
    const telling = texts.filter((path) => {
      const text = readFileSync(join(installed, path), "utf8");
      return text.includes(ROOT) || /["'`(]\/(home|Users|root|work|tmp)\//.test(text);
    });
    expect(telling).toEqual([]);
  });
});

test("what `npm run build` has made may be run as it is", async () => {
  const { code, stdout } = await startProcess(CLI, ["--version"], { cwd: folder }).done;
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
});
