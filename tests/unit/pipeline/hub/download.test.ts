import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RemoteError, UsageError } from "../../../../pipeline/errors.ts";
import { fetchHubFile, listHubFiles, resolveRevision } from "../../../../pipeline/hub/download.ts";
import { type HubSource, hubNet, type Net } from "../../../../pipeline/hub/http.ts";
import type { HubFile } from "../../../../pipeline/hub/listing.ts";
import { gitBlobId, type Hub, type HubSetup, type Misbehaviour, sha256, startHub } from "../../../servers/hub.ts";

const TOKEN = "hf_Very5ecretTokenOfSomeone";
const shard = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7919) % 251));
const card = "# Chats\nين\u2028🙂\n";
const files = {
  "README.md": { content: card },
  "data/train-00000.parquet": { content: shard, lfs: true },
  "data/train-00001.parquet": { content: "second", lfs: true },
  "data/old/train-00002.parquet": { content: "third", lfs: true },
};
const shardFile: HubFile = { path: "data/train-00000.parquet", bytes: 100_000, sha256: sha256(shard), gitOid: null };
const cardFile: HubFile = {
  path: "README.md",
  bytes: Buffer.byteLength(card),
  sha256: null,
  gitOid: gitBlobId(card),
};

let folder: string;
let hub: Hub;
let source: HubSource;
let sleeps: number[];

async function start(setup: Partial<HubSetup> = {}): Promise<void> {
  await hub?.close();
  hub = await startHub({ files, ...setup });
  source = { repo: hub.repo, revision: hub.commit };
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hub-"));
  sleeps = [];
  await start();
});

afterEach(async () => {
  await hub.close();
  await rm(folder, { recursive: true });
});

function net(overrides: Partial<Net> = {}): Net {
  const sleep = async (ms: number) => void sleeps.push(ms);
  return hubNet({}, { hubUrl: hub.url, timeoutMs: 2_000, sleep, ...overrides });
}

const destination = () => join(folder, "raw", "train.parquet");
const partial = () => `${destination()}.partial`;
const fetchShard = (overrides: Partial<Net> = {}) => fetchHubFile(source, shardFile, destination(), net(overrides));
const requestsTo = (route: string) => hub.requests.filter((request) => request.route === route);
const sentBytes = () => requestsTo("cdn").reduce((total, request) => total + request.sentBytes, 0);
const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => expect.fail("did not fail"),
    (e) => e,
  );

/** The shard is there, byte for byte, and nothing else is. */
async function expectShard(): Promise<void> {
  expect(await readdir(join(folder, "raw"))).toEqual(["train.parquet"]);
  expect((await readFile(destination())).equals(shard)).toBe(true);
}

async function leavePartial(content: Uint8Array): Promise<void> {
  await fetchHubFile(source, cardFile, join(folder, "raw", "README.md"), net());
  await rm(join(folder, "raw", "README.md"));
  await writeFile(partial(), content);
  hub.requests.length = 0;
}

describe("resolveRevision", () => {
  test("gives the full commit that a branch stands for, with any sign in its name", async () => {
    await start({ revisions: ["main", "refs/convert/parquet"] });
    expect(await resolveRevision({ ...source, revision: "main" }, net())).toBe(hub.commit);
    expect(await resolveRevision({ ...source, revision: "refs/convert/parquet" }, net())).toBe(hub.commit);
  });

  test("asks nobody about a full commit", async () => {
    expect(await resolveRevision(source, net())).toBe(hub.commit);
    expect(hub.requests).toEqual([]);
  });

  test("says which revision is unknown", async () => {
    const error = await failure(resolveRevision({ ...source, revision: "v9" }, net()));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(/"owner\/chats" has no revision "v9": check the branch, tag or commit \(status 404/);
  });

  test("says which dataset is unknown", async () => {
    const error = await failure(resolveRevision({ repo: "owner/chat", revision: "main" }, net()));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain('There is no dataset "owner/chat"');
  });

  test("refuses what is not the name of a dataset before any request", async () => {
    for (const repo of ["chats", "../../secret", "a/b/c", "", "owner/.."]) {
      expect(await failure(resolveRevision({ repo, revision: "main" }, net()))).toBeInstanceOf(UsageError);
    }
    expect(hub.requests).toEqual([]);
  });

  test("does not take a page of HTML for an answer", async () => {
    hub.always("revision", { kind: "not JSON" });
    const error = await failure(resolveRevision({ ...source, revision: "main" }, net({ tries: 2 })));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error.message).toContain('expected JSON, found "<html>sign in first</html>"');
  });

  test("does not take a short commit for a commit", async () => {
    await start({ commit: "c0ffee" });
    const error = await failure(resolveRevision({ ...source, revision: "main" }, net()));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error.message).toMatch(/expected the commit of .*, found "c0ffee"/);
  });
});

describe("listHubFiles", () => {
  const paths = async (...patterns: string[]) =>
    (await listHubFiles(source, patterns, net())).map((file: HubFile) => file.path);

  test("gives size and sha256 of large files, and the git blob id of small ones", async () => {
    expect(await listHubFiles(source, ["README.md", "data/train-00000.parquet"], net())).toEqual([cardFile, shardFile]);
  });

  test("lists a branch with a slash in its name", async () => {
    await start({ revisions: ["refs/convert/parquet"] });
    const branch = { ...source, revision: "refs/convert/parquet" };
    expect(await listHubFiles(branch, ["README.md"], net())).toEqual([cardFile]);
  });

  test("follows every page of the listing and sorts by path", async () => {
    await start({ pageSize: 1 });
    expect(await paths("*", "data/*", "data/old/*")).toEqual([
      "README.md",
      "data/old/train-00002.parquet",
      "data/train-00000.parquet",
      "data/train-00001.parquet",
    ]);
    expect(requestsTo("tree")).toHaveLength(6); // four files, two folders
  });

  test("takes * for any name inside one folder, and every other sign for itself", async () => {
    expect(await paths("data/*.parquet")).toEqual(["data/train-00000.parquet", "data/train-00001.parquet"]);
    expect(await paths("data/*-00001.*", "data/train-*1.parquet")).toEqual(["data/train-00001.parquet"]);
    await expect(paths("data/train.00000.parquet")).rejects.toThrow(UsageError);
    await expect(paths("*.parquet")).rejects.toThrow(UsageError);
  });

  test("says which pattern matches no file, and what there is", async () => {
    const error = await failure(paths("README.md", "data/*.jsonl"));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(
      'has no file "data/*.jsonl"; it has 4 files: README.md, data/old/train-00002.parquet',
    );
  });

  test("refuses a path that leads out of its folder", async () => {
    for (const path of ["../evil", "/etc/passwd", "a/../../b", "a\\..\\b"]) {
      await start({ files: { [path]: { content: "x" } } });
      const error = await failure(paths("*"));
      expect(error).toBeInstanceOf(RemoteError);
      expect(error.message).toContain("cannot be right");
    }
  });

  test("asks again for a page that was cut, stalled or refused for a while", async () => {
    hub.script(
      "tree",
      { kind: "cut", afterBytes: 10 },
      { kind: "stall", afterBytes: 5 },
      { kind: "status", status: 502 },
    );
    expect(await listHubFiles(source, ["README.md"], net({ timeoutMs: 300 }))).toEqual([cardFile]);
    expect(sleeps).toHaveLength(3);
  });

  test("sends the token to the Hub alone, also when the next page is elsewhere", async () => {
    await start({ token: TOKEN });
    const seen: [string, string | null][] = [];
    const elsewhere: typeof fetch = async (input, init) => {
      seen.push([new URL(String(input)).host, new Headers(init?.headers).get("authorization")]);
      const link = seen.length === 1 ? `<http://elsewhere.test/page2>; rel="next"` : "";
      return new Response("[]", { headers: link ? { link } : {} });
    };
    await failure(listHubFiles(source, ["*"], net({ token: TOKEN, fetch: elsewhere })));
    expect(seen).toEqual([
      [new URL(hub.url).host, `Bearer ${TOKEN}`],
      ["elsewhere.test", null],
    ]);
  });
});

describe("fetchHubFile", () => {
  test("brings a large file from the second origin, and reports the bytes on disk", async () => {
    const seen: number[] = [];
    await fetchHubFile(source, shardFile, destination(), net(), (done) => seen.push(done));
    await expectShard();
    expect(seen.at(-1)).toBe(100_000);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  test("brings a small file as it is stored, checked by its git blob id", async () => {
    await fetchHubFile(source, cardFile, destination(), net());
    expect(await readFile(destination(), "utf8")).toBe(card);
  });

  test("goes on with a small file by its own bytes, not by those of a compressed answer", async () => {
    await leavePartial(Buffer.from(card).subarray(0, 9));
    await fetchHubFile(source, cardFile, destination(), net());
    expect(await readFile(destination(), "utf8")).toBe(card);
    expect(requestsTo("resolve").map((request) => request.range)).toEqual(["bytes=9-"]);
  });

  test("brings an empty file", async () => {
    const empty: HubFile = { path: "empty", bytes: 0, sha256: null, gitOid: gitBlobId("") };
    await fetchHubFile(source, empty, destination(), net());
    expect(await readFile(destination(), "utf8")).toBe("");
  });

  test("asks for a path with signs that mean something in a URL", async () => {
    const path = "data/50% a?b#c é.jsonl";
    await start({ files: { [path]: { content: card } } });
    await fetchHubFile(source, { ...cardFile, path }, destination(), net());
    expect(await readFile(destination(), "utf8")).toBe(card);
  });

  test("keeps a file that is there and right, without a request", async () => {
    await fetchShard();
    hub.requests.length = 0;
    const seen: number[] = [];
    await fetchHubFile(source, shardFile, destination(), net(), (done) => seen.push(done));
    expect(hub.requests).toEqual([]);
    expect(seen).toEqual([100_000]);
  });

  test("replaces a file that is there and wrong", async () => {
    await leavePartial(shard.subarray(0, 10));
    await writeFile(destination(), Buffer.alloc(100_000));
    await fetchShard();
    await expectShard();
  });

  test("goes on where a killed run stopped", async () => {
    await leavePartial(shard.subarray(0, 60_000));
    await fetchShard();
    await expectShard();
    expect(requestsTo("cdn").map((request) => request.range)).toEqual(["bytes=60000-"]);
    expect(sentBytes()).toBe(40_000);
  });

  test("asks for nothing when a killed run had all the bytes", async () => {
    await leavePartial(shard);
    await fetchShard();
    await expectShard();
    expect(hub.requests).toEqual([]);
  });

  test("does not trust what a killed run left: wrong bytes are fetched again from the first", async () => {
    await leavePartial(Buffer.alloc(60_000));
    await fetchShard();
    await expectShard();
    expect(requestsTo("cdn").map((request) => request.range)).toEqual(["bytes=60000-", null]);
  });

  test("starts over when a killed run left more bytes than the file has", async () => {
    await leavePartial(Buffer.alloc(100_001));
    await fetchShard();
    await expectShard();
    expect(requestsTo("cdn").map((request) => request.range)).toEqual([null]);
  });

  test("waits for a server that is slow but alive, longer than the time-out in all", async () => {
    hub.always("cdn", { kind: "slow", bytes: 10_000, pauseMs: 60 });
    await fetchShard({ timeoutMs: 400, tries: 1 });
    await expectShard();
    expect(requestsTo("cdn")).toHaveLength(1);
  });

  test("goes on after cuts with the bytes it has, and never asks for a byte twice", async () => {
    hub.script("cdn", { kind: "cut", afterBytes: 30_000 }, { kind: "cut", afterBytes: 30_000 });
    await fetchShard();
    await expectShard();
    expect(requestsTo("cdn").map((request) => request.range)).toEqual([null, "bytes=30000-", "bytes=60000-"]);
    expect(sentBytes()).toBe(100_000);
  });

  test("does not count a cut as a try when it brought bytes", async () => {
    hub.script("cdn", ...Array.from({ length: 5 }, (): Misbehaviour => ({ kind: "cut", afterBytes: 15_000 })));
    await fetchShard({ tries: 1 });
    await expectShard();
  });

  test("gives up after as many cuts without a byte as there are tries", async () => {
    hub.always("cdn", { kind: "cut", afterBytes: 0 });
    const error = await failure(fetchShard({ tries: 3 }));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error.message).toContain("gave up after 3 tries: the connection failed");
    expect(error.cause).toBeInstanceOf(Error);
    expect(requestsTo("cdn")).toHaveLength(3);
  });

  test("gives up when nobody listens, and says so", async () => {
    await hub.close();
    const error = await failure(fetchShard({ tries: 2 }));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error.message).toMatch(/^http.*gave up after 2 tries: the connection failed: ECONNREFUSED$/);
  });

  test("ends a silence, in the middle of the body or before it, and goes on", async () => {
    hub.script("cdn", { kind: "stall", afterBytes: 50_000 }, { kind: "stall", afterBytes: 0 });
    await fetchShard({ timeoutMs: 300 });
    await expectShard();
    expect(requestsTo("cdn").map((request) => request.range)).toEqual([null, "bytes=50000-", "bytes=50000-"]);
  });

  test("gives up on a server that is silent for ever", async () => {
    hub.always("cdn", { kind: "stall", afterBytes: 0 });
    const error = await failure(fetchShard({ timeoutMs: 100, tries: 2 }));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error.message).toContain("gave up after 2 tries: not a byte for 100 ms");
  });

  test("starts over when the range is ignored", async () => {
    await leavePartial(shard.subarray(0, 60_000));
    hub.script("cdn", { kind: "range ignored" });
    await fetchShard();
    await expectShard();
    expect(requestsTo("cdn")).toHaveLength(1);
  });

  test("starts over when another range is sent than was asked for", async () => {
    await leavePartial(shard.subarray(0, 60_000));
    hub.script("cdn", { kind: "wrong range" });
    await fetchShard();
    await expectShard();
    expect(requestsTo("cdn").map((request) => request.range)).toEqual(["bytes=60000-", null]);
    expect(sleeps).toHaveLength(1); // seen in the answer's header, not only in the hash of the whole
  });

  test("starts over when the range cannot be satisfied", async () => {
    await leavePartial(shard.subarray(0, 60_000));
    hub.script("cdn", { kind: "wrong length", bytes: 50_000 });
    await fetchShard();
    await expectShard();
    expect(requestsTo("cdn").map((request) => request.range)).toEqual(["bytes=60000-", null]);
  });

  test.each([
    { bytes: 50_000, problem: /status 416|ended at byte 50000 of 100000/ },
    { bytes: 150_000, problem: /the body goes on after the 100000 bytes/ },
  ])("gives up on a file that always has $bytes bytes instead of 100000", async ({ bytes, problem }) => {
    hub.always("cdn", { kind: "wrong length", bytes });
    const error = await failure(fetchShard({ tries: 3 }));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error.message).toMatch(problem);
    expect(await readdir(join(folder, "raw"))).not.toContain("train.parquet");
  });

  test("fetches wrong bytes once more, from the first", async () => {
    hub.script("cdn", { kind: "wrong bytes" });
    await fetchShard();
    await expectShard();
    expect(requestsTo("cdn").map((request) => request.range)).toEqual([null, null]);
  });

  test("names both hashes when the bytes are wrong twice, and keeps nothing", async () => {
    hub.always("cdn", { kind: "wrong bytes" });
    const error = await failure(fetchShard());
    expect(error).toBeInstanceOf(RemoteError);
    const found = sha256(shard.map((byte) => byte ^ 1));
    expect(error.message).toContain(`expected sha256 ${shardFile.sha256}, found ${found}, twice`);
    expect(await readdir(join(folder, "raw"))).toEqual([]);
    expect(requestsTo("cdn")).toHaveLength(2);
  });

  test("checks a small file too", async () => {
    hub.always("resolve", { kind: "wrong bytes" });
    const error = await failure(fetchHubFile(source, cardFile, destination(), net()));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error.message).toContain(`expected git blob id ${cardFile.gitOid}`);
    expect(await readdir(join(folder, "raw"))).toEqual([]);
  });

  test("does not fetch what it could not check", async () => {
    const work = fetchHubFile(source, { ...shardFile, sha256: null }, destination(), net());
    await expect(work).rejects.toThrow(/neither sha256 nor git blob id/);
    expect(hub.requests).toEqual([]);
  });

  test("puts no file under the final name before it is whole and right", async () => {
    hub.script("cdn", { kind: "wrong bytes" }, { kind: "cut", afterBytes: 99_999 });
    const names = new Set<string>();
    const look = async (ms: number) => {
      sleeps.push(ms);
      for (const name of await readdir(join(folder, "raw"))) names.add(name);
    };
    await fetchShard({ sleep: look });
    expect([...names]).toEqual(["train.parquet.partial"]);
    await expectShard();
  });

  test("ends with the right file after any mix of passing trouble", async () => {
    const trouble = fc.oneof(
      fc.record({ kind: fc.constant("cut" as const), afterBytes: fc.nat(100_000) }),
      fc.record({ kind: fc.constant("status" as const), status: fc.constantFrom(403, 404, 408, 429, 500, 503) }),
      fc.constantFrom<Misbehaviour>({ kind: "range ignored" }, { kind: "wrong range" }),
    );
    const property = fc.asyncProperty(fc.array(trouble, { maxLength: 5 }), async (troubles) => {
      await rm(join(folder, "raw"), { recursive: true, force: true });
      hub.script("cdn", ...troubles);
      await fetchShard();
      await expectShard();
      await fetchHubFile(source, shardFile, join(folder, "raw", "again"), net()); // uses up what is left of the script
    });
    await fc.assert(property, { numRuns: 15 });
  });
});

describe("refusals", () => {
  test("401 without a token says that none was sent, where to accept the terms, and what to set", async () => {
    await start({ token: TOKEN });
    const error = await failure(fetchShard());
    expect(error).toBeInstanceOf(UsageError);
    for (const part of ['"owner/chats"', "no token was sent", `${hub.url}/datasets/owner/chats`, "set HF_TOKEN"]) {
      expect(error.message).toContain(part);
    }
    expect(error.message).toMatch(/status 401, request id request-1, URL http.*Access is restricted/);
    expect(hub.requests).toHaveLength(1);
  });

  test("403 with a token says that it was sent", async () => {
    hub.always("tree", { kind: "status", status: 403 });
    const error = await failure(listHubFiles(source, ["*"], net({ token: TOKEN })));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain("the token of HF_TOKEN was sent");
    expect(sleeps).toEqual([]);
  });

  test("404 says whether dataset, revision or path is unknown", async () => {
    const fetchFrom = (other: Partial<HubSource>, path: string) =>
      failure(fetchHubFile({ ...source, ...other }, { ...shardFile, path }, destination(), net()));
    expect((await fetchFrom({}, "data/x.parquet")).message).toContain('has no file "data/x.parquet": check the path');
    expect((await fetchFrom({ revision: "v9" }, "README.md")).message).toContain('has no revision "v9"');
    expect((await fetchFrom({ repo: "owner/chat" }, "README.md")).message).toContain('no dataset "owner/chat"');
    hub.always("resolve", { kind: "status", status: 404 });
    expect((await fetchFrom({}, "README.md")).message).toContain("check name, revision and path");
    expect(await fetchFrom({}, "README.md")).toBeInstanceOf(UsageError);
    expect(sleeps).toEqual([]);
  });

  test("a refusal by the second origin is passing: the next try gets a fresh address", async () => {
    hub.script("cdn", { kind: "status", status: 403 }, { kind: "status", status: 404 });
    await fetchShard();
    await expectShard();
    expect(requestsTo("resolve")).toHaveLength(3);
  });

  test("429 waits as long as the server asks, in seconds or by date, and at most 300 s", async () => {
    const soon = new Date(Date.now() + 100_000).toUTCString();
    const busy = (headers: Record<string, string>): Misbehaviour => ({ kind: "status", status: 429, headers });
    hub.script(
      "resolve",
      busy({ "retry-after": "90" }),
      busy({ "retry-after": soon }),
      busy({ "retry-after": "86400" }),
      busy({ ratelimit: '"resolvers";r=0;t=120' }),
    );
    await fetchShard();
    await expectShard();
    const [seconds = 0, date = 0, ...others] = sleeps;
    expect(seconds).toBe(90_000);
    expect(date).toBeGreaterThan(60_000);
    expect(date).toBeLessThanOrEqual(100_000);
    expect(others).toEqual([300_000, 120_000]);
  });

  test("500 for ever is given up with status, URL and request id, after waits that grow but stay short", async () => {
    hub.always("resolve", { kind: "status", status: 500 });
    const error = await failure(fetchShard());
    expect(error).toBeInstanceOf(RemoteError);
    expect(error.message).toBe(
      `${hub.url}/datasets/owner/chats/resolve/${hub.commit}/data/train-00000.parquet: gave up after 6 tries: status 500, request id request-6`,
    );
    expect(sleeps).toHaveLength(5);
    sleeps.forEach((ms, index) => {
      expect(ms).toBeLessThanOrEqual(2_000 * 2 ** index);
    });
  });

  test("503 once is asked again soon, whatever the rate limit's window says", async () => {
    hub.script("resolve", { kind: "status", status: 503, headers: { ratelimit: '"resolvers";r=99;t=120' } });
    await fetchShard();
    await expectShard();
    expect(sleeps).toHaveLength(1);
    expect(sleeps[0]).toBeLessThan(2_000);
  });

  test("410 is not asked for again", async () => {
    hub.always("resolve", { kind: "status", status: 410 });
    const error = await failure(fetchShard());
    expect(error).toBeInstanceOf(RemoteError);
    expect(error.message).toContain("status 410");
    expect(hub.requests).toHaveLength(1);
  });

  test("a fault of this machine's disk is not retried", async () => {
    await leavePartial(shard);
    await rm(partial());
    await writeFile(join(folder, "file"), "");
    const work = fetchHubFile(source, shardFile, join(folder, "file", "train.parquet"), net());
    expect(await failure(work)).toMatchObject({ code: "ENOTDIR" });
    expect(sleeps).toEqual([]);
  });
});

describe("the token", () => {
  test("reaches the Hub and not the second origin", async () => {
    await start({ token: TOKEN });
    await fetchShard({ token: TOKEN });
    await expectShard();
    expect(requestsTo("resolve").map((request) => request.authorization)).toEqual([`Bearer ${TOKEN}`]);
    expect(requestsTo("cdn").map((request) => request.authorization)).toEqual([null]);
  });

  test("is in no error, even when the server repeats it", async () => {
    const echo = { "x-error-message": `bad token ${TOKEN}`, "x-request-id": TOKEN };
    const errors: Error[] = [];
    for (const status of [401, 403, 404, 410, 429, 500]) {
      hub.always("resolve", { kind: "status", status, headers: echo });
      errors.push(await failure(fetchShard({ token: TOKEN, tries: 2 })));
    }
    hub.always("resolve", { kind: "cut", afterBytes: 0 });
    errors.push(await failure(fetchHubFile(source, cardFile, destination(), net({ token: TOKEN, tries: 2 }))));
    await hub.close();
    errors.push(await failure(fetchShard({ token: TOKEN, tries: 2 })));
    for (const error of errors) expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(TOKEN);
  });

  test("and the signature of a redirect are in no error", async () => {
    hub.always("cdn", { kind: "status", status: 403 });
    const error = await failure(fetchShard({ token: TOKEN, tries: 2 }));
    expect(inspect(error, { depth: 10 })).not.toContain("s3cret");
  });

  test("comes from HF_TOKEN, trimmed; one that no header can hold is refused without repeating it", () => {
    expect(hubNet({ HF_TOKEN: ` ${TOKEN}\n` }).token).toBe(TOKEN);
    expect(hubNet({ HF_TOKEN: "" }).token).toBeNull();
    expect(hubNet({}).token).toBeNull();
    expect(() => hubNet({ HF_TOKEN: "hf_two words" })).toThrow(UsageError);
    expect(() => hubNet({ HF_TOKEN: "hf_two words" })).not.toThrow(/words/);
  });

  test("has a Hub to go to: HF_ENDPOINT, or the public one; an address with a password is refused", () => {
    expect(hubNet({}).hubUrl).toBe("https://huggingface.co");
    expect(hubNet({ HF_ENDPOINT: "http://127.0.0.1:8080/" }).hubUrl).toBe("http://127.0.0.1:8080");
    for (const endpoint of ["huggingface.co", "ftp://hub", "https://me:s3cret@hub.test"]) {
      expect(() => hubNet({ HF_ENDPOINT: endpoint })).toThrow(UsageError);
      expect(() => hubNet({ HF_ENDPOINT: endpoint })).not.toThrow(/s3cret/);
    }
  });
});

describe("an aborted signal", () => {
  test("stops before any request", async () => {
    const error = await failure(fetchShard({ signal: AbortSignal.abort() }));
    expect(error.name).toBe("AbortError");
    expect(hub.requests).toEqual([]);
  });

  test("stops a silent download at once, and the next run goes on from its bytes", async () => {
    hub.script("cdn", { kind: "stall", afterBytes: 40_000 });
    const stop = new AbortController();
    const onBytes = (done: number) => done === 40_000 && stop.abort();
    const work = fetchHubFile(source, shardFile, destination(), net({ signal: stop.signal, tries: 1 }), onBytes);
    expect((await failure(work)).name).toBe("AbortError");
    expect(await readdir(join(folder, "raw"))).toEqual(["train.parquet.partial"]);
    await fetchShard();
    await expectShard();
    expect(sentBytes()).toBe(100_000);
  });

  test("stops the wait between two tries", async () => {
    hub.always("resolve", { kind: "status", status: 429, headers: { "retry-after": "300" } });
    const stop = new AbortController();
    const real = hubNet({}).sleep;
    const sleep: Net["sleep"] = (ms, signal) => {
      setTimeout(() => stop.abort(), 10);
      return real(ms, signal);
    };
    expect((await failure(fetchShard({ signal: stop.signal, sleep }))).name).toBe("AbortError");
    expect(hub.requests).toHaveLength(1);
  });

  test("stops a listing", async () => {
    hub.always("tree", { kind: "stall", afterBytes: 3 });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const work = listHubFiles(source, ["*"], net({ signal: stop.signal, tries: 1 }));
    expect((await failure(work)).name).toBe("AbortError");
  });
});
