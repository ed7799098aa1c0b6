import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hubNet, type Net } from "../../../../pipeline/hub/http.ts";
import {
  account,
  commitFiles,
  isThere,
  makeRepo,
  remoteFiles,
  requireOwn,
  tagCommit,
  type Upload,
} from "../../../../pipeline/hub/upload.ts";
import { startWriteHub, type WriteHub, type WriteHubSetup } from "../../../servers/hub-write.ts";

const TOKEN = "hf_secretsecret";
const REPO = "me/chats";

let hub: WriteHub;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "flipturn-hub-"));
});
afterEach(async () => {
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the Hub; waits between tries take no time, and are noted. */
async function start(
  setup: Partial<WriteHubSetup> = {},
  token: string | null = TOKEN,
): Promise<Net & { waits: number[] }> {
  hub = await startWriteHub({ token: TOKEN, ...setup });
  const waits: number[] = [];
  const sleep = async (ms: number) => void waits.push(ms);
  return Object.assign(hubNet({}, { hubUrl: hub.url, token, sleep, tries: 3, timeoutMs: 5000 }), { waits });
}

function upload(path: string, content: string | Buffer): Upload {
  const from = join(folder, path.replaceAll("/", "_"));
  writeFileSync(from, content);
  const bytes = Buffer.from(content);
  return { path, from, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

const large = (letter: string) => Buffer.alloc(10_007, letter);

describe("a token", () => {
  test("says whose it is and whose repositories it may write to", async () => {
    const found = await account(await start({ orgs: ["lab"] }));
    expect(found).toEqual({ name: "me", owners: ["me", "lab"] });
    expect(() => requireOwn("lab/chats", found)).not.toThrow();
    expect(() => requireOwn("you/chats", found)).toThrow(
      "you/chats is not yours: HF_TOKEN belongs to me, who may write to me, lab",
    );
    expect(() => requireOwn("chats", found)).toThrow("expected owner/name");
  });

  test.each([
    ["is missing", null, "HF_TOKEN is not set"],
    ["is something else", "sk-123", "those begin with hf_"],
    ["is not known", "hf_wrong", "the Hub does not know the token"],
  ])("that %s is refused in words that do not repeat it", async (_, token, words) => {
    const error = await account(await start({}, token)).catch((each: Error) => each);
    expect(String(error)).toContain(words);
    expect(String(error)).not.toContain("sk-123");
    expect(hub.requests.filter(({ method }) => method !== "GET")).toEqual([]);
  });

  test("that may only read is refused before anything is sent", async () => {
    await expect(account(await start({ role: "read" }))).rejects.toThrow("belongs to me and may only read");
  });
});

describe("a commit", () => {
  test.each([undefined, 4000])("puts large and small files there, in parts of %s bytes", async (partBytes) => {
    const net = await start(partBytes === undefined ? {} : { partBytes });
    const all = [
      upload("README.md", "# card"),
      upload("data/train-0.parquet", large("a")),
      upload("data/test-0.parquet", large("b")),
    ];
    await makeRepo(REPO, true, net);
    const commit = await commitFiles(REPO, { title: "Publish", add: all, remove: [], parent: null }, net);
    const remote = (await remoteFiles(REPO, net)) ?? [];
    for (const each of all) expect(await isThere(each, remote)).toBe(true);
    expect(hub.repos.get(REPO)?.private).toBe(true);
    expect(hub.repos.get(REPO)?.commits.at(-1)).toBe(commit);
    expect(hub.count("storage")).toBe(partBytes === undefined ? 2 : 6);
  });

  test("that was cut in the middle sends again only what had not arrived", async () => {
    const net = { ...(await start()), tries: 1 };
    const all = ["a", "b", "c"].map((letter) => upload(`data/${letter}.parquet`, large(letter)));
    await makeRepo(REPO, false, net);
    hub.script("storage", null, null, { kind: "cut", afterBytes: 10 });
    await expect(commitFiles(REPO, { title: "Publish", add: all, remove: [], parent: null }, net)).rejects.toThrow(
      /gave up after 1 tries/,
    );
    expect(hub.repos.get(REPO)?.files.size).toBe(1);
    const before = hub.count("storage");
    await commitFiles(REPO, { title: "Publish", add: all, remove: [], parent: null }, net);
    expect(hub.count("storage") - before).toBe(1);
    expect(hub.repos.get(REPO)?.files.size).toBe(4);
  });

  test("goes on through a Hub that is busy, rude or slow, and waits as long as it asks", async () => {
    const net = await start();
    await makeRepo(REPO, false, net);
    hub.script("preupload", { kind: "status", status: 503 }, { kind: "not JSON" });
    hub.script("batch", { kind: "status", status: 429, headers: { "retry-after": "7" } });
    hub.script("storage", { kind: "cut", afterBytes: 100 }, { kind: "slow", pauseMs: 20 });
    hub.script("commit", { kind: "status", status: 500 });
    await commitFiles(
      REPO,
      { title: "Publish", add: [upload("data/a.parquet", large("a"))], remove: [], parent: null },
      net,
    );
    expect(hub.repos.get(REPO)?.files.has("data/a.parquet")).toBe(true);
    expect(net.waits.some((ms) => ms >= 7000)).toBe(true);
  });

  test("whose answer was lost is made again, to the same files", async () => {
    const net = await start();
    await makeRepo(REPO, false, net);
    hub.script("commit", { kind: "loses the answer" });
    const all = [upload("data/a.parquet", large("a"))];
    await commitFiles(REPO, { title: "Publish", add: all, remove: [], parent: null }, net);
    expect([...(hub.repos.get(REPO)?.files.keys() ?? [])]).toEqual([".gitattributes", "data/a.parquet"]);
  });

  test("to a Hub that is down gives up after so many tries, and repeats neither token nor signature", async () => {
    const net = await start();
    await makeRepo(REPO, false, net);
    hub.always("storage", { kind: "status", status: 503 });
    const all = [upload("data/a.parquet", large("a"))];
    const error = await commitFiles(REPO, { title: "Publish", add: all, remove: [], parent: null }, net).catch(
      (each: Error) => each,
    );
    expect(String(error)).toContain("gave up after 3 tries: status 503");
    expect(String(error)).not.toMatch(/s3cret|secretsecret/);
    expect(hub.count("commit")).toBe(0);
  });

  test("sends the token to the Hub alone, never to its storage", async () => {
    const net = await start();
    await makeRepo(REPO, false, net);
    await commitFiles(
      REPO,
      { title: "Publish", add: [upload("data/a.parquet", large("a"))], remove: [], parent: null },
      net,
    );
    for (const { route, authorization } of hub.requests)
      expect(authorization).toBe(route === "storage" ? null : `Bearer ${TOKEN}`);
  });

  test("removes what it is told to", async () => {
    const net = await start();
    await makeRepo(REPO, false, net);
    await commitFiles(
      REPO,
      { title: "Publish", add: [upload("data/a.parquet", large("a"))], remove: [], parent: null },
      net,
    );
    await commitFiles(REPO, { title: "Publish", add: [], remove: ["data/a.parquet"], parent: null }, net);
    expect([...(hub.repos.get(REPO)?.files.keys() ?? [])]).toEqual([".gitattributes"]);
  });
});

test("a file counts as there by size and hash, not by name", async () => {
  const net = await start();
  await makeRepo(REPO, false, net);
  const [small, big] = [upload("README.md", "# card"), upload("data/a.parquet", large("a"))];
  await commitFiles(REPO, { title: "Publish", add: [small, big], remove: [], parent: null }, net);
  const remote = (await remoteFiles(REPO, net)) ?? [];
  expect(await isThere(upload("README.md", "# cord"), remote)).toBe(false);
  expect(await isThere(upload("data/a.parquet", large("b")), remote)).toBe(false);
  expect(await isThere({ ...big, path: "data/b.parquet" }, remote)).toBe(false);
});

test("a repository that is not there has no files, and one that is there is not made again", async () => {
  const net = await start();
  expect(await remoteFiles(REPO, net)).toBeNull();
  await makeRepo(REPO, false, net);
  await makeRepo(REPO, true, net);
  expect(hub.repos.get(REPO)?.private).toBe(false);
});

test("a tag names a commit once", async () => {
  const net = await start();
  await makeRepo(REPO, false, net);
  await tagCommit(REPO, "v1", "c0ffee", net);
  expect(hub.repos.get(REPO)?.tags.get("v1")).toBe("c0ffee");
  await expect(tagCommit(REPO, "v1", "c0ffee", net)).rejects.toThrow('has a tag "v1" already');
});
