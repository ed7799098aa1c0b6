import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { exitCode } from "../../pipeline/errors.ts";
import { run } from "../../stages/index.ts";
import { type Hub, type HubSetup, startHub } from "../servers/hub.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const DEMO = join(ROOT, "scripts", "demo");
const TOKEN = "hf_Very5ecretTokenOfSomeone";
/** The commit of allenai/WildChat-1M that is read where nothing is said. */
const PINNED = "7d6490e462285cf85d91eabea0f9a954fbddcd1f";
const OTHER = "0123456789abcdef0123456789abcdef01234567";
const NAMES = [0, 1, 2].map((number) => `train-0000${number}-of-00003.parquet`);

const demoFile = (number: number) => readFileSync(join(DEMO, `conversations-0000${number}.parquet`));
const contents = [0, 1, 2].map(demoFile);
const allBytes = contents.reduce((sum, content) => sum + content.length, 0);
const files: HubSetup["files"] = {
  "README.md": { content: "# WildChat\n" },
  ...Object.fromEntries(NAMES.map((name, at) => [`data/${name}`, { content: contents[at] as Buffer, lfs: true }])),
};

type Outcome = { code: number; out: string; err: string };

let hub: Hub;
let folder: string;
let reference: string;
let local: Record<string, string>;

async function start(setup: Partial<HubSetup> = {}): Promise<void> {
  await hub?.close();
  hub = await startHub({ files, repo: "allenai/WildChat-1M", commit: PINNED, revisions: [], ...setup });
}

const settings = (output: string) => ({
  source: "wildchat-1m",
  output,
  prepare: { maxBadRows: 0.05 },
  dedup: { minCount: 10 },
  intents: { provider: "none" },
});

beforeAll(async () => {
  reference = mkdtempSync(join(tmpdir(), "flipturn-hub-"));
  await run({ ...settings(reference), input: [join(DEMO, "conversations-*.parquet")] }, { threads: 1 });
  local = samplesIn(reference);
});
afterAll(() => rmSync(reference, { recursive: true }));

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "flipturn-hub-"));
  await start();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await hub.close();
  rmSync(folder, { recursive: true });
});

const output = () => join(folder, "out");

/** The files of the conversations, the samples and the dataset of a run: sha256 by path. */
function samplesIn(run: string): Record<string, string> {
  const paths = readdirSync(run, { recursive: true, encoding: "utf8" });
  const wanted = paths.filter((path) => /(conversations|users|samples|dataset.data.*)-.*\.parquet$/.test(path));
  expect(wanted.length).toBeGreaterThan(4);
  const hash = (path: string) =>
    createHash("sha256")
      .update(readFileSync(join(run, path)))
      .digest("hex");
  return Object.fromEntries(wanted.sort().map((path) => [path, hash(path)]));
}

/** `flipturn run --source wildchat-1m --intents none` as a person types it, with the loopback Hub for the real one. */
function flipturn(more: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const script = join(ROOT, "dist", "scripts", "flipturn.js");
  const what = ["run", "--source", "wildchat-1m", "--intents", "none", "--output", output()];
  const demo = ["--max-bad-rows", "0.05", "--min-count", "10"];
  const { HF_TOKEN: _, ...clean } = process.env;
  const child = spawn(process.execPath, [script, ...what, ...demo, ...more], {
    cwd: folder,
    env: { ...clean, HF_ENDPOINT: hub.url, ...env },
  });
  const texts = { out: "", err: "" };
  child.stdout.on("data", (text) => {
    texts.out += text;
  });
  child.stderr.on("data", (text) => {
    texts.err += text;
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code: code ?? -1, ...texts })));
}

/** The same in this process and without the waits between tries, whose length is a random share. */
function inProcess(env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  vi.spyOn(Math, "random").mockReturnValue(0);
  return run(settings(output()), { threads: 1, world: { env: { HF_ENDPOINT: hub.url, ...env } } });
}

const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => expect.fail("did not fail"),
    (error) => error,
  );

/** What lies in the folder of raw files. */
function raw(commit = PINNED): string[] {
  const path = join(output(), "01-download", "raw", commit, "data");
  return existsSync(path) ? readdirSync(path).sort() : [];
}

function expectRaw(commit = PINNED): void {
  expect(raw(commit)).toEqual(NAMES);
  for (const [at, name] of NAMES.entries()) {
    const path = join(output(), "01-download", "raw", commit, "data", name);
    expect(readFileSync(path).equals(contents[at] as Buffer), name).toBe(true);
  }
}

const requestsTo = (...routes: string[]) => hub.requests.filter((request) => routes.includes(request.route));
const sentBytes = () => requestsTo("cdn").reduce((sum, request) => sum + request.sentBytes, 0);

describe("a run that reads WildChat from the Hub", () => {
  test("gives the samples that the same files give here, each byte fetched once, from the pinned commit", async () => {
    const { code, err } = await flipturn();
    expect(code, err).toBe(0);
    expectRaw();
    expect(samplesIn(output())).toEqual(local);
    expect(sentBytes()).toBe(allBytes);
    const asked = requestsTo("tree", "resolve", "revision").map((request) => request.path);
    expect(asked).toHaveLength(4);
    for (const path of asked)
      expect(path).toMatch(new RegExp(`/datasets/allenai/WildChat-1M/(tree|resolve)/${PINNED}`));
    const plan = JSON.parse(readFileSync(join(output(), "plan.json"), "utf8"));
    expect(plan.hub).toEqual({ repo: "allenai/WildChat-1M", revision: PINNED });
  });

  test("reads another --revision, pinned to the commit that it stands for", async () => {
    await start({ commit: OTHER, revisions: ["refs/pr/1"] });
    const { code, err } = await flipturn(["--revision", "refs/pr/1"]);
    expect(code, err).toBe(0);
    expectRaw(OTHER);
    for (const { path } of requestsTo("tree", "resolve")) expect(path).toContain(`/${OTHER}`);
    expect(readFileSync(join(output(), "dataset", "README.md"), "utf8")).toContain(OTHER);
    expect(samplesIn(output())).toEqual(local);
  });

  test("reads another --repo where its files are as wanted", async () => {
    await start({ repo: "someone/chats", commit: OTHER, revisions: ["main"] });
    const { code, err } = await flipturn(["--repo", "someone/chats", "--files", "data/*-of-00003.parquet"]);
    expect(code, err).toBe(0);
    expect(samplesIn(output())).toEqual(local);
  });

  test("downloads nothing the second time, nor with --force, nor with other options of later stages", async () => {
    expect((await flipturn()).code).toBe(0);
    hub.requests.length = 0;
    const again = await flipturn();
    expect(again.code).toBe(0);
    expect(again.err).toMatch(/download .*up to date/);
    expect(requestsTo("resolve", "cdn")).toEqual([]);
    const forced = await flipturn(["--force"]);
    expect(forced.code).toBe(0);
    expect(forced.err).not.toContain("up to date");
    expect(requestsTo("resolve", "cdn")).toEqual([]);
    expect(samplesIn(output())).toEqual(local);
    expect((await flipturn(["--shards", "2", "--seed", "5"])).code).toBe(0);
    expect(requestsTo("resolve", "cdn")).toEqual([]);
  });

  test("fetches again, and only, a file that is gone from the disk", async () => {
    expect((await flipturn()).code).toBe(0);
    rmSync(join(output(), "01-download", "raw", PINNED, "data", NAMES[1] ?? ""));
    hub.requests.length = 0;
    expect((await flipturn()).code).toBe(0);
    expectRaw();
    expect(sentBytes()).toBe(contents[1]?.length);
    expect(samplesIn(output())).toEqual(local);
  });
});

describe("the token", () => {
  test("goes to the Hub and not to the host that holds the files, and is in no file and no message", async () => {
    await start({ token: TOKEN });
    const { code, out, err } = await flipturn([], { HF_TOKEN: TOKEN, FLIPTURN_DEBUG: "1" });
    expect(code, err).toBe(0);
    for (const { authorization } of requestsTo("tree", "resolve")) expect(authorization).toBe(`Bearer ${TOKEN}`);
    for (const { authorization } of requestsTo("cdn")) expect(authorization).toBeNull();
    expect(out + err).not.toContain(TOKEN);
    const left = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(left.length).toBeGreaterThan(15);
    for (const { parentPath, name } of left)
      expect(readFileSync(join(parentPath, name)).includes(TOKEN), name).toBe(false);
  });

  test.for([401, 403])("is named when the Hub answers %d: exit 2, before anything is written", async (status) => {
    hub.always("tree", { kind: "status", status });
    for (const env of [{}, { HF_TOKEN: TOKEN, FLIPTURN_DEBUG: "1" }]) {
      const { code, out, err } = await flipturn([], env);
      expect(code).toBe(2);
      expect(err).toMatch(/^flipturn: The Hub refuses dataset "allenai\/WildChat-1M".*HF_TOKEN/);
      expect(out + err).not.toContain(TOKEN);
      expect(existsSync(output())).toBe(false);
    }
    expect(hub.requests).toHaveLength(2);
  });

  test("is named when it is good for the listing alone", async () => {
    hub.always("resolve", { kind: "status", status: 403 });
    const { code, err } = await flipturn();
    expect(code).toBe(2);
    expect(err).toContain("HF_TOKEN");
    expect(raw().filter((name) => !name.endsWith(".partial"))).toEqual([]);
  });
});

describe("what is not there", () => {
  test("is a wrong use, exit 2: the dataset", async () => {
    await start({ repo: "allenai/another" });
    const { code, err } = await flipturn();
    expect(code).toBe(2);
    expect(err).toContain('There is no dataset "allenai/WildChat-1M"');
    expect(existsSync(output())).toBe(false);
  });

  test("is a wrong use, exit 2: the revision", async () => {
    const { code, err } = await flipturn(["--revision", "v9"]);
    expect(code).toBe(2);
    expect(err).toContain('has no revision "v9"');
    expect(existsSync(output())).toBe(false);
  });

  test("is a wrong use, exit 2: files as the source has them", async () => {
    await start({ files: { "README.md": { content: "nothing here" } } });
    const { code, err } = await flipturn();
    expect(code).toBe(2);
    expect(err).toContain('has no file "data/train-*.parquet"');
    expect(existsSync(output())).toBe(false);
  });
});

describe("a bad connection", () => {
  test("that is cut half way through every file is taken up where it broke", async () => {
    hub.script("cdn", ...contents.map(({ length }) => ({ kind: "cut" as const, afterBytes: Math.floor(length / 2) })));
    const { code, err } = await flipturn(["--threads", "2"]);
    expect(code, err).toBe(0);
    expectRaw();
    expect(sentBytes()).toBe(allBytes);
    expect(requestsTo("cdn").filter((request) => request.range !== null)).toHaveLength(3);
    expect(samplesIn(output())).toEqual(local);
  });

  test("that ends one run leaves its bytes to the next", async () => {
    const cut = { kind: "cut", afterBytes: 10_000 } as const;
    hub.script("cdn", cut, cut, cut);
    hub.always("cdn", { kind: "status", status: 503 });
    expect(exitCode(await failure(inProcess()))).toBe(1);
    await hub.settled(); // a request that was left may still be on its way here
    hub.always("cdn", null);
    // The first file to give up stops the others, wherever they are.
    const onDisk = raw().map(
      (name) => statSync(join(output(), "01-download/raw", PINNED, "data", basename(name))).size,
    );
    const have = onDisk.reduce((sum, bytes) => sum + bytes, 0);
    expect(have).toBeGreaterThanOrEqual(10_000);
    const before = sentBytes();
    const { code, err } = await flipturn();
    expect(code, err).toBe(0);
    expectRaw();
    expect(sentBytes() - before).toBe(allBytes - have);
    expect(samplesIn(output())).toEqual(local);
  });

  test.for(["tree", "resolve", "cdn"] as const)(
    "that never gets better at the %s: exit 1 after some tries",
    async (route) => {
      hub.always(route, { kind: "status", status: 500 });
      const error = await failure(inProcess());
      expect(exitCode(error)).toBe(1);
      expect(error.message).toMatch(/gave up after 6 tries: status 500/);
      // Six for a file; where the listing works, the others are under way beside it.
      expect(requestsTo(route).length).toBeGreaterThanOrEqual(6);
      expect(requestsTo(route).length).toBeLessThanOrEqual(route === "tree" ? 6 : 18);
      expect(raw().filter((name) => !name.endsWith(".partial"))).toEqual([]);
    },
  );

  test("that passes: 429, 500 and 503 are asked again", async () => {
    const status = (code: number) => ({ kind: "status" as const, status: code });
    hub.script("tree", status(503), { kind: "status", status: 429, headers: { "retry-after": "0" } });
    hub.script("resolve", status(500));
    hub.script("cdn", status(503), { kind: "cut", afterBytes: 5 });
    await inProcess();
    expectRaw();
    expect(samplesIn(output())).toEqual(local);
  });

  test("that brings other bytes than the Hub lists leaves no file, exit 1", async () => {
    hub.always("cdn", { kind: "wrong bytes" });
    const { code, err } = await flipturn();
    expect(code).toBe(1);
    expect(err).toMatch(/expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}, twice; nothing was kept/);
    expect(raw().filter((name) => !name.endsWith(".partial"))).toEqual([]);
    expect(existsSync(join(output(), "01-download", "manifest.json"))).toBe(false);
    hub.always("cdn", null);
    const again = await flipturn();
    expect(again.code, again.err).toBe(0);
    expectRaw();
  });
});
