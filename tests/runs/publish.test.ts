import { cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { select } from "../helpers/engine.ts";
import { temporary } from "../helpers/folder.ts";
import { startWriteHub, type WriteHub } from "../servers/hub-write.ts";
import { allFiles, flipturn, stageFolder, start, succeed } from "./flipturn.ts";

const TOKEN = "hf_secretsecret";
const REPO = "me/chats";
const SECRET = "a secret for tests alone";
const PREFIX = "You are a user chatting with an assistant language model to";

const PLAIN = { language: "English", model: "gpt" };

/** Twelve people of a large country, one each of ten small ones, and one of another, who says who she is. */
const TALKS = [
  ...Array.from({ length: 24 }, (_, at) => ({
    id: `c${at}`,
    user: `u${at % 12}`,
    country: "India",
    ...PLAIN,
    said: [`question number ${at}`, "thanks"],
  })),
  ...Array.from({ length: 10 }, (_, at) => ({
    id: `i${at}`,
    user: `v${at}`,
    country: `Island ${at}`,
    ...PLAIN,
    said: ["hi"],
  })),
  {
    id: "mail",
    user: "jane",
    country: "Malta",
    language: "Maltese",
    model: "jane-own-model",
    said: ["I am jane.doe@wolkenbank.org", "call +44 20 7946 0958"],
  },
];

const folder = temporary();
let hub: WriteHub;
const run = (name: string) => join(folder, name);

async function make(name: string, ...settings: string[]): Promise<void> {
  const flags = [
    "--source",
    "chat",
    "--input",
    "log.jsonl",
    "--columns",
    "id=id,user=user,country=country,language=language,model=model",
  ];
  const intents = [
    "--intents",
    "recorded",
    "--recorded",
    "intents.jsonl",
    "--executor",
    "in-process",
    "--language",
    "any",
  ];
  await succeed(["run", ...flags, ...intents, "--output", run(name), ...settings], { cwd: folder });
}

function publish(name: string, flags: string[] = ["--yes"], { token = TOKEN, secret = SECRET } = {}) {
  const env = { HF_TOKEN: token, HF_ENDPOINT: hub.url, FLIPTURN_PUBLISH_KEY: secret };
  return flipturn(["publish", "--output", run(name), "--repo", REPO, ...flags], { cwd: folder, env });
}

const files = () => hub.repos.get(REPO)?.files ?? new Map<string, { content: Buffer; lfs: boolean }>();
const text = (path: string) => files().get(path)?.content.toString() ?? "";

beforeAll(async () => {
  const rows = TALKS.map(({ said, ...about }) => ({
    ...about,
    messages: said.flatMap((content) => [
      { role: "user", content },
      { role: "assistant", content: `You said: ${content}. ${content.toUpperCase().replaceAll(" ", "-")}` },
    ]),
  }));
  writeFileSync(join(folder, "log.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  const intents = TALKS.map(({ id }) => ({
    conversation_id: id,
    intent: `${PREFIX} ask about ${id === "mail" ? "jane.doe@wolkenbank.org" : "something"}.`,
  }));
  writeFileSync(join(folder, "intents.jsonl"), intents.map((row) => JSON.stringify(row)).join("\n"));
  await make("jsonl", "--file-format", "jsonl");
});
beforeEach(async () => {
  await hub?.close();
  hub = await startWriteHub({ token: TOKEN, orgs: ["lab"], lfsFrom: 1500 });
});
afterAll(() => hub.close());

describe("flipturn publish", () => {
  test("shows what would go where, and sends nothing without a yes", async () => {
    const { code, stderr } = await publish("jsonl", []);
    expect([code, stderr]).toEqual([2, expect.stringContaining("nobody is there to ask")]);
    expect(stderr).toContain(`To ${REPO}, a new public dataset`);
    expect(stderr).toMatch(/send +data\/train-00000-of-00001\.jsonl/);
    expect(stderr).toMatch(/email +3 +1\n/);
    const dry = await publish("jsonl", ["--dry-run", "--private"]);
    expect([dry.code, dry.stderr]).toEqual([0, expect.stringContaining("a new private dataset")]);
    expect(hub.requests.filter(({ method }) => method !== "GET")).toEqual([]);
  });

  test("sends the dataset with a card, keys users anew, merges small countries, masks personal data, tags, and says where it is", async () => {
    const { code, stdout, stderr } = await publish("jsonl", ["--yes", "--private", "--tag", "v1"]);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    expect(stdout).toContain(`${hub.url}/datasets/${REPO}/tree/v1`);
    expect(hub.repos.get(REPO)).toMatchObject({ private: true });
    expect(hub.repos.get(REPO)?.tags.get("v1")).toBe(hub.repos.get(REPO)?.commits.at(-1));
    const data = [...files()].filter(([path]) => path.startsWith("data/")).map(([, { content }]) => content.toString());
    const rows = data.flatMap((each) =>
      each
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, string>),
    );
    const before = await select<{ user_id: string; target: string }>(
      `SELECT * FROM read_json_auto('${join(run("jsonl"), "dataset/samples/data/*.jsonl")}')`,
    );
    expect(rows).toHaveLength(before.length);
    const ids = new Set(before.map((row) => row.user_id));
    expect(rows.some((row) => ids.has(row["user_id"] ?? ""))).toBe(false);
    expect(new Set(rows.map((row) => row["user_id"])).size).toBe(ids.size);
    expect(new Set(rows.map((row) => row["country"]))).toEqual(new Set(["India", "other"]));
    // Whatever only few have is nowhere: not in rows, not on the card, not in the names of files.
    const all = [...files()].map(([path, { content }]) => `${path}\n${content}`).join("\n");
    expect(all).not.toMatch(/jane|7946.0958|Malt|Island|\bmt\b|chat:([ci]\d{1,2}|mail)\b/i);
    expect(all).toMatch(/"conversation_id":"chat:[0-9a-f]{32}"/);
    expect(data.join("")).toContain("You said: I am [email]");
    const card = text("README.md");
    expect(card).toContain("email 4, phone 3, card 0, iban 0, ssn 0, ip 0, key 0, in 1 conversations");
    const header = parse(card.split("---\n")[1] ?? "") as {
      configs: object[];
      dataset_info: { splits: { num_examples: number }[] };
    };
    expect(header.dataset_info.splits.reduce((sum, each) => sum + each.num_examples, 0)).toBe(rows.length);
    for (const [path, { content }] of files()) expect(`${path} ${content}`).not.toContain(folder);
  });

  test("sends nothing again that is there, and goes on where it was cut", async () => {
    hub.always("storage", { kind: "slow", pauseMs: 60_000 });
    const env = { HF_TOKEN: TOKEN, HF_ENDPOINT: hub.url, FLIPTURN_PUBLISH_KEY: SECRET };
    const cut = start(["publish", "--output", run("jsonl"), "--repo", REPO, "--yes"], { cwd: folder, env });
    await cut.line("sending large files");
    cut.child.kill("SIGKILL");
    await cut.done;
    expect([...files().keys()]).toEqual([".gitattributes"]);
    hub.always("storage", null);
    expect((await publish("jsonl")).code).toBe(0);
    const again = await publish("jsonl", ["--yes", "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ commit: null, sent: [], removed: [] });
    expect(hub.repos.get(REPO)?.commits).toHaveLength(2);
  });

  test("leaves out the conversations of personal data if asked, and counts on the card what is left", async () => {
    expect((await publish("jsonl", ["--yes", "--pii", "block", "--ids", "keep"])).code).toBe(0);
    const rows = [...files()]
      .filter(([path]) => path.startsWith("data/"))
      .map(([, { content }]) => content.toString())
      .join("");
    expect(rows).not.toContain("chat:mail");
    const card = text("README.md");
    expect(card).toContain("The conversations were left out, 3 rows.");
    const count = rows.trim().split("\n").length;
    expect(card).toContain(`| publish | rows | ${count + 3} | ${count} | personal_data 3 |`);
    const sums = rows
      .trim()
      .split("\n")
      .reduce(
        (sum, line) => {
          const { split, context_tokens, target_tokens } = JSON.parse(line) as Record<string, number>;
          if (split !== ("train" as unknown)) return sum;
          return [sum[0] + (context_tokens ?? 0) + (target_tokens ?? 0), sum[1] + (target_tokens ?? 0)] as const;
        },
        [0, 0] as readonly [number, number],
      );
    expect(card).toContain(`| train | ${sums[0]} | ${sums[1]} |`);
  });

  test("removes its own stale files, and leaves what is not its own", async () => {
    expect((await publish("jsonl")).code).toBe(0);
    files().set("data/train-00007-of-00008.jsonl", { content: Buffer.from("old"), lfs: false });
    files().set("notes.txt", { content: Buffer.from("mine"), lfs: false });
    expect((await publish("jsonl")).code).toBe(0);
    expect([...files().keys()]).toContain("notes.txt");
    expect([...files().keys()]).not.toContain("data/train-00007-of-00008.jsonl");
  });

  test("counts the users of a country by the rows that go out", async () => {
    const countries = async (pii: string) => {
      expect((await publish("jsonl", ["--yes", "--k-min", "11", "--pii", pii])).code).toBe(0);
      const lines = [...files()]
        .filter(([path]) => path.startsWith("data/"))
        .map(([, { content }]) => content.toString());
      return new Set(lines.join("").match(/(?<="country":")[^"]+/g));
    };
    expect(await countries("mask")).toEqual(new Set(["India", "other"]));
    // Without Jane the others are ten, which is one too few.
    expect(await countries("block")).toEqual(new Set(["other"]));
  });

  test("takes a tag for done that names what is there already", async () => {
    expect((await publish("jsonl", ["--yes", "--tag", "v1"])).code).toBe(0);
    const again = await publish("jsonl", ["--yes", "--tag", "v1"]);
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining("/tree/v1")]);
    expect(hub.repos.get(REPO)?.commits).toHaveLength(2);
  });

  test("says so if what arrived is not what was sent", async () => {
    hub.script("commit", { kind: "keeps other bytes" });
    const { code, stderr } = await publish("jsonl");
    expect([code, stderr]).toEqual([1, expect.stringContaining("is not there as it was sent")]);
  });
});

describe("flipturn publish refuses", () => {
  test("a wrong token before anything is sent, without repeating it", async () => {
    const { code, stderr } = await publish("jsonl", ["--yes"], { token: "hf_wrongwrong" });
    expect([code, stderr]).toEqual([2, expect.stringContaining("the Hub does not know the token")]);
    expect(stderr).not.toContain("wrongwrong");
    expect(hub.requests.map(({ route }) => route)).toEqual(["whoami"]);
  });

  test("a secret that can be guessed, its own half-written one too", async () => {
    const { code, stderr } = await publish("jsonl", ["--yes"], { secret: "hunter2" });
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining("FLIPTURN_PUBLISH_KEY: found a secret of 7 characters"),
    ]);
    expect(stderr).not.toContain("hunter2");
    const same = await publish("jsonl", ["--yes"], { secret: "a".repeat(40) });
    expect(same.stderr).toContain("found a secret of 40 characters, 1 of them different");
    writeFileSync(join(run("jsonl"), "publish.key"), "ab\n");
    const own = await publish("jsonl", ["--yes"], { secret: "" });
    rmSync(join(run("jsonl"), "publish.key"));
    expect([own.code, own.stderr]).toEqual([2, expect.stringContaining("publish.key: found a secret of 2 characters")]);
    expect(files().size).toBe(0);
  });

  test("a repository that is not yours", async () => {
    const { code, stderr } = await publish("jsonl", ["--yes", "--repo", "you/chats"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("you/chats is not yours")]);
  });

  test("a repository that holds data of another source", async () => {
    expect((await publish("jsonl")).code).toBe(0);
    const card = text("README.md").replaceAll("config_name: chat", "config_name: prism");
    files().set("README.md", { content: Buffer.from(card), lfs: false });
    const { code, stderr } = await publish("jsonl");
    expect([code, stderr]).toEqual([2, expect.stringContaining("holds data from prism, this run is from chat")]);
  });

  test("a run that is not finished", async () => {
    await make("half", "--to", "flip");
    const { code, stderr } = await publish("half");
    expect([code, stderr]).toEqual([4, expect.stringContaining("stage render:samples is not done")]);
    expect(hub.requests).toEqual([]);
  });

  test("a run with a flipped bit in what it was made of", async () => {
    cpSync(run("jsonl"), run("flipped"), { recursive: true });
    const path = join(run("flipped"), stageFolder("prepare"), "conversations-00000-of-00001.parquet");
    const bytes = readFileSync(path);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const { code, stderr } = await publish("flipped");
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/conversations-00000-of-00001\.parquet: is damaged: .*run --verify/),
    ]);
    expect(hub.requests).toEqual([]);
  });

  test("a dataset that was edited by hand, and a manifest of another version", async () => {
    cpSync(run("jsonl"), run("edited"), { recursive: true });
    const data = join(run("edited"), "dataset", "samples", "data", "train-00000-of-00001.jsonl");
    const before = readFileSync(data);
    writeFileSync(data, before.toString().replace("question", "Question"));
    const edited = await publish("edited");
    expect([edited.code, edited.stderr]).toEqual([
      2,
      expect.stringMatching(/train-00000-of-00001\.jsonl: has the sha256 .* changed by hand/),
    ]);
    writeFileSync(data, `${before.toString()}\n`);
    const longer = await publish("edited");
    expect([longer.code, longer.stderr]).toEqual([2, expect.stringContaining("changed by hand")]);
    writeFileSync(data, before);
    const plan = join(run("edited"), "plan.json");
    writeFileSync(plan, readFileSync(plan, "utf8").replace(/"code": ".*?"/, '"code": "0.0.1+abcdefabcdef"'));
    const other = await publish("edited");
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining("made by flipturn 0.0.1+abcdefabcdef")]);
    expect(hub.requests).toEqual([]);
  });

  test("a repository with data that it did not put there, with a card or without", async () => {
    expect((await publish("jsonl")).code).toBe(0);
    files().set("data/train-0000.parquet", { content: Buffer.from("of somebody"), lfs: false });
    const beside = await publish("jsonl");
    expect([beside.code, beside.stderr]).toEqual([2, expect.stringContaining("holds data/train-0000.parquet")]);
    files().delete("data/train-0000.parquet");
    files().set("README.md", { content: Buffer.from("---\nconfigs: [\n---\n"), lfs: false });
    const { code, stderr } = await publish("jsonl");
    expect([code, stderr]).toEqual([2, expect.stringMatching(/holds data\/.*jsonl, which flipturn did not put there/)]);
  });

  test("a tag that names other files, before anything is sent", async () => {
    expect((await publish("jsonl", ["--yes", "--tag", "v1"])).code).toBe(0);
    const { code, stderr } = await publish("jsonl", ["--yes", "--tag", "v1", "--pii", "allow"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('has a tag "v1" already')]);
    expect(hub.repos.get(REPO)?.commits).toHaveLength(2);
  });

  test("to mask what stands in token ids", async () => {
    await make("tokens", "--form", "tokens");
    const { code, stderr } = await publish("tokens");
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining("cannot be masked in token ids: choose --pii block or --pii allow"),
    ]);
    expect((await publish("tokens", ["--yes", "--pii", "block"])).code).toBe(0);
    expect([...files().keys()]).toContain("data/train-00000-of-00001.parquet");
  });
});

test("the secret of a run that is given none is made once, and is for its owner alone", async () => {
  const key = join(run("jsonl"), "publish.key");
  rmSync(key, { force: true });
  const env = { HF_TOKEN: TOKEN, HF_ENDPOINT: hub.url };
  await succeed(["publish", "--output", run("jsonl"), "--repo", REPO, "--dry-run"], { cwd: folder, env });
  const secret = readFileSync(key, "utf8");
  expect(secret).toMatch(/^[0-9a-f]{64}\n$/);
  expect(statSync(key).mode & 0o077).toBe(0);
  await succeed(["publish", "--output", run("jsonl"), "--repo", REPO, "--dry-run"], { cwd: folder, env });
  expect(readFileSync(key, "utf8")).toBe(secret);
  const published = join(run("jsonl"), "publish", "samples", "dataset");
  expect(allFiles(published)).toContain("README.md");
  for (const path of allFiles(published))
    expect(readFileSync(join(published, path), "utf8")).not.toContain(secret.trim());
  expect(existsSync(join(published, "publish.key"))).toBe(false);
});
