import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { hubNet, type Net } from "../../../../pipeline/hub/http.ts";
import type { Folder } from "../../../../stages/publish/folder.ts";
import { changeOf, openRepository, publishChange } from "../../../../stages/publish/repository.ts";
import { useFolder } from "../../../helpers/folder.ts";
import { startWriteHub, type WriteHub } from "../../../servers/hub-write.ts";

const REPO = "me/chats";
const CARD = "---\nconfigs:\n- config_name: chat\n---\n";
const [A, B] = ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"];

const at = useFolder();
let hub: WriteHub;
afterEach(() => hub.close());

async function start(): Promise<Net> {
  hub = await startWriteHub({ token: "hf_secret", lfsFrom: 1000 });
  return hubNet({}, { hubUrl: hub.url, token: "hf_secret", sleep: async () => {}, tries: 3 });
}

function folderOf(contents: Readonly<Record<string, string>>): Folder {
  const files = Object.entries(contents).map(([path, content]) => {
    writeFileSync(join(at(), path.replaceAll("/", "_")), content);
    const sha256 = createHash("sha256").update(content).digest("hex");
    return { path, rows: null, bytes: Buffer.byteLength(content), sha256 };
  });
  return { path: at(), files, staged: {} } as unknown as Folder;
}

/** Publishes a folder as the command does: looks, and then changes what it saw. */
async function publish(contents: Readonly<Record<string, string>>, net: Net): Promise<string | null> {
  const repository = await openRepository(REPO, "chat", net);
  const { all, send, ...change } = await changeOf(folderOf(contents), repository);
  const placed = (each: (typeof all)[number]) => ({ ...each, from: join(at(), each.path.replaceAll("/", "_")) });
  const here = { ...change, all: all.map(placed), send: send.map(placed) };
  return publishChange(REPO, here, { isPrivate: true, title: "Publish", tag: null }, net, () => {});
}

const first = { "README.md": CARD, [A]: "a".repeat(1500) };
const second = { "README.md": CARD, [A]: "a".repeat(1500), [B]: "b".repeat(1500) };
const there = () => [...(hub.repos.get(REPO)?.files.keys() ?? [])].sort();

describe("publishing", () => {
  test("does not commit on top of what somebody else has put there since the look", async () => {
    const net = await start();
    await publish(first, net);
    hub.script("commit", { kind: "somebody else commits", path: "data/train-theirs.parquet", when: "before" });
    await expect(publish(second, net)).rejects.toThrow("somebody else has committed to it meanwhile");
    expect(there()).not.toContain(B);
  });

  test("sees a file that appears beside its own after the commit", async () => {
    const net = await start();
    hub.script("commit", { kind: "somebody else commits", path: "data/train-theirs.parquet", when: "after" });
    await expect(publish(first, net)).rejects.toThrow("data/train-theirs.parquet appeared there while this was sent");
  });

  test("takes off main what did not arrive as it was sent", async () => {
    const net = await start();
    await publish(first, net);
    hub.script("commit", { kind: "keeps other bytes" });
    await expect(publish({ ...second, [A]: "c".repeat(1500) }, net)).rejects.toThrow(
      /data\/train-00000.* and 1 more is not there as it was sent .*; what is wrong was taken off main again; run/,
    );
    expect(there()).toEqual([".gitattributes", "README.md"]);
  });

  test("says what to remove by hand where it cannot take it off", async () => {
    const net = await start();
    hub.script("commit", { kind: "keeps other bytes" }, { kind: "status", status: 403 });
    await expect(publish(first, net)).rejects.toThrow(/could not be taken off main again .*: remove data\/train-00000/);
  });

  test("takes a commit whose answer was lost for made, and makes no second", async () => {
    const net = await start();
    await publish(first, net);
    hub.script("commit", { kind: "loses the answer" });
    const commit = await publish(second, net);
    expect(hub.repos.get(REPO)?.commits.at(-1)).toBe(commit);
    expect(hub.repos.get(REPO)?.commits.length).toBe(3);
  });
});
