import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { temporary } from "../helpers/folder.ts";
import { type Hub, type HubSetup, startHub } from "../servers/hub.ts";
import { allFiles, artefacts, DEMO, flipturn, type Result, succeed } from "./flipturn.ts";

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

/** `flipturn run` with what `flipturn demo` sets, but without intents. */
const RUN = [
  ...["run", "--source", "wildchat-1m", "--intents", "none", "--executor", "in-process"],
  ...["--set", "prepare.maxBadRows=0.05", "--min-count", "10"],
];

const place = temporary();
let hub: Hub;
let folder: string;
/** What the same files give when they lie here. */
let local: Record<string, string>;

async function start(setup: Partial<HubSetup> = {}): Promise<void> {
  await hub?.close();
  hub = await startHub({ files, repo: "allenai/WildChat-1M", commit: PINNED, revisions: [], ...setup });
}

beforeAll(async () => {
  const input = ["--input", join(DEMO, "conversations-*.parquet")];
  await succeed([...RUN, ...input, "--output", "local"], { cwd: place });
  local = samplesIn(join(place, "local"));
});

beforeEach(async () => {
  folder = mkdtempSync(join(place, "hub-"));
  await start();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await hub.close();
});

const output = () => join(folder, "out");

/** The files of the conversations, the samples and the dataset of a run: sha256 by path. */
function samplesIn(run: string): Record<string, string> {
  const wanted = Object.entries(artefacts(run)).filter(([path]) =>
    /(conversations|users|samples|dataset.*)-/.test(path),
  );
  expect(wanted.length).toBeGreaterThan(4);
  return Object.fromEntries(wanted);
}

/** The same run with the loopback Hub for the real one. */
function fromHub(more: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Result> {
  const setting = { cwd: folder, env: { HF_ENDPOINT: hub.url, ...env } };
  return flipturn([...RUN, "--output", output(), ...more], setting);
}

/** From here on there are no waits between tries: their length is a random share. */
function dontWait(): void {
  vi.spyOn(Math, "random").mockReturnValue(0);
}

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
    const { code, stderr } = await fromHub();
    expect(code, stderr).toBe(0);
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

  test("reads another revision, pinned to the commit that it stands for", async () => {
    await start({ commit: OTHER, revisions: ["refs/pr/1"] });
    const { code, stderr } = await fromHub(["--set", "download.revision=refs/pr/1"]);
    expect(code, stderr).toBe(0);
    expectRaw(OTHER);
    for (const { path } of requestsTo("tree", "resolve")) expect(path).toContain(`/${OTHER}`);
    expect(readFileSync(join(output(), "dataset", "samples", "README.md"), "utf8")).toContain(OTHER);
    expect(samplesIn(output())).toEqual(local);
  });

  test("reads another repository where its files are as wanted", async () => {
    await start({ repo: "someone/chats", commit: OTHER, revisions: ["main"] });
    const { code, stderr } = await fromHub([
      "--repo",
      "someone/chats",
      "--set",
      "download.files=data/*-of-00003.parquet",
    ]);
    expect(code, stderr).toBe(0);
    expect(samplesIn(output())).toEqual(local);
  });

  test("downloads nothing the second time, nor with --force, nor with other options of later stages", async () => {
    expect((await fromHub()).code).toBe(0);
    hub.requests.length = 0;
    const again = await fromHub();
    expect(again.code).toBe(0);
    expect(again.stderr).toMatch(/download .*up to date/);
    expect(requestsTo("resolve", "cdn")).toEqual([]);
    const forced = await fromHub(["--force"]);
    expect(forced.code).toBe(0);
    expect(forced.stderr).not.toContain("up to date");
    expect(requestsTo("resolve", "cdn")).toEqual([]);
    expect(samplesIn(output())).toEqual(local);
    expect((await fromHub(["--shards", "2", "--seed", "5"])).code).toBe(0);
    expect(requestsTo("resolve", "cdn")).toEqual([]);
  });

  test("fetches again, and only, a file that is gone from the disk", async () => {
    expect((await fromHub()).code).toBe(0);
    rmSync(join(output(), "01-download", "raw", PINNED, "data", NAMES[1] ?? ""));
    hub.requests.length = 0;
    expect((await fromHub()).code).toBe(0);
    expectRaw();
    expect(sentBytes()).toBe(contents[1]?.length);
    expect(samplesIn(output())).toEqual(local);
  });
});

describe("the token", () => {
  test("goes to the Hub and not to the host that holds the files, and is in no file and no message", async () => {
    await start({ token: TOKEN });
    const { code, stdout, stderr } = await fromHub([], { HF_TOKEN: TOKEN, FLIPTURN_DEBUG: "1" });
    expect(code, stderr).toBe(0);
    for (const { authorization } of requestsTo("tree", "resolve")) expect(authorization).toBe(`Bearer ${TOKEN}`);
    for (const { authorization } of requestsTo("cdn")) expect(authorization).toBeNull();
    expect(stdout + stderr).not.toContain(TOKEN);
    const left = allFiles(folder);
    expect(left.length).toBeGreaterThan(15);
    for (const path of left) expect(readFileSync(join(folder, path)).includes(TOKEN), path).toBe(false);
  });

  test.for([401, 403])("is named when the Hub answers %d: exit 2, before anything is written", async (status) => {
    hub.always("tree", { kind: "status", status });
    for (const env of [{}, { HF_TOKEN: TOKEN, FLIPTURN_DEBUG: "1" }]) {
      const { code, stdout, stderr } = await fromHub([], env);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^flipturn: The Hub refuses dataset "allenai\/WildChat-1M".*HF_TOKEN/);
      expect(stdout + stderr).not.toContain(TOKEN);
      expect(existsSync(output())).toBe(false);
    }
    expect(hub.requests).toHaveLength(2);
  });

  test("is named when it is good for the listing alone", async () => {
    hub.always("resolve", { kind: "status", status: 403 });
    const { code, stderr } = await fromHub();
    expect(code).toBe(2);
    expect(stderr).toContain("HF_TOKEN");
    expect(raw().filter((name) => !name.endsWith(".partial"))).toEqual([]);
  });
});

describe("what is not there", () => {
  test("is a wrong use, exit 2: the dataset", async () => {
    await start({ repo: "allenai/another" });
    const { code, stderr } = await fromHub();
    expect(code).toBe(2);
    expect(stderr).toContain('There is no dataset "allenai/WildChat-1M"');
    expect(existsSync(output())).toBe(false);
  });

  test("is a wrong use, exit 2: the revision", async () => {
    const { code, stderr } = await fromHub(["--set", "download.revision=v9"]);
    expect(code).toBe(2);
    expect(stderr).toContain('has no revision "v9"');
    expect(existsSync(output())).toBe(false);
  });

  test("is a wrong use, exit 2: files as the source has them", async () => {
    await start({ files: { "README.md": { content: "nothing here" } } });
    const { code, stderr } = await fromHub();
    expect(code).toBe(2);
    expect(stderr).toContain('has no file "data/train-*.parquet"');
    expect(existsSync(output())).toBe(false);
  });
});

describe("a bad connection", () => {
  test("that is cut half way through every file is taken up where it broke", async () => {
    hub.script("cdn", ...contents.map(({ length }) => ({ kind: "cut" as const, afterBytes: Math.floor(length / 2) })));
    const { code, stderr } = await fromHub();
    expect(code, stderr).toBe(0);
    expectRaw();
    expect(sentBytes()).toBe(allBytes);
    expect(requestsTo("cdn").filter((request) => request.range !== null)).toHaveLength(3);
    expect(samplesIn(output())).toEqual(local);
  });

  test("that ends one run leaves its bytes to the next", async () => {
    const cut = { kind: "cut", afterBytes: 10_000 } as const;
    hub.script("cdn", cut, cut, cut);
    hub.always("cdn", { kind: "status", status: 503 });
    dontWait();
    expect((await fromHub()).code).toBe(1);
    // The first file to give up stops the others, wherever they are.
    const onDisk = raw().map(
      (name) => statSync(join(output(), "01-download/raw", PINNED, "data", basename(name))).size,
    );
    const have = onDisk.reduce((sum, bytes) => sum + bytes, 0);
    expect(have).toBeGreaterThanOrEqual(10_000);
    await start();
    const { code, stderr } = await fromHub();
    expect(code, stderr).toBe(0);
    expectRaw();
    expect(sentBytes()).toBe(allBytes - have);
    expect(samplesIn(output())).toEqual(local);
  });

  test.for(["tree", "resolve", "cdn"] as const)(
    "that never gets better at the %s: exit 1 after some tries",
    async (route) => {
      hub.always(route, { kind: "status", status: 500 });
      dontWait();
      const { code, stderr } = await fromHub();
      expect(code).toBe(1);
      expect(stderr).toMatch(/gave up after 6 tries: status 500/);
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
    dontWait();
    const { code, stderr } = await fromHub();
    expect(code, stderr).toBe(0);
    expectRaw();
    expect(samplesIn(output())).toEqual(local);
  });

  test("that brings other bytes than the Hub lists leaves no file, exit 1", async () => {
    hub.always("cdn", { kind: "wrong bytes" });
    const { code, stderr } = await fromHub();
    expect(code).toBe(1);
    expect(stderr).toMatch(/expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}, twice; nothing was kept/);
    expect(raw().filter((name) => !name.endsWith(".partial"))).toEqual([]);
    expect(existsSync(join(output(), "01-download", "manifest.json"))).toBe(false);
    hub.always("cdn", null);
    const again = await fromHub();
    expect(again.code, again.stderr).toBe(0);
    expectRaw();
  });
});
