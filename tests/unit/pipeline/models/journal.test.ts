import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { InputError } from "../../../../pipeline/errors.ts";
import { type Answer, Journal, type JournalEntry, type Passing } from "../../../../pipeline/models/journal.ts";
import { ledger } from "../../../../pipeline/models/ledger.ts";
import { requestKey } from "../../../../pipeline/models/request.ts";
import { useFolder } from "../../../helpers/folder.ts";
import { withRoomFor } from "../../../helpers/full-disk.ts";

const at = useFolder();

/** The key that a request called `name` has. */
const keyOf = (name: string) => createHash("sha256").update(name).digest("hex");

const entry = (name: string, text: string | null = `answer to ${name}`): Answer => ({
  key: keyOf(name),
  status: text === null ? "refused" : "answered",
  text,
  requested_model: "gpt-4o",
  model: "gpt-4o",
  mode: "sync",
  input_tokens: 10,
  cached_tokens: null,
  output_tokens: 2,
  usd: 0.25,
});
const passing = (name: string, status: Passing["status"]): Passing => {
  return { key: keyOf(name), status, requested_model: "gpt-4o", mode: "sync", usd: 1 };
};

/** Adds entries to the journal. */
async function add(...entries: JournalEntry[]): Promise<void> {
  const journal = await Journal.open(at("journal"));
  for (const each of entries) journal.add(each);
  journal.close();
}

/** The texts that a newly opened journal has for these requests. */
async function found(...names: string[]): Promise<(string | null | undefined)[]> {
  const journal = await Journal.open(at("journal"));
  const texts = names.map((name) => journal.get(keyOf(name))?.text);
  journal.close();
  return texts;
}

async function spent(): Promise<number> {
  const journal = await Journal.open(at("journal"));
  journal.close();
  return journal.spent;
}

async function spentByLedger(): Promise<number> {
  const journal = await Journal.open(at("journal"));
  const rows = ledger(journal);
  journal.close();
  return rows.reduce((sum, { usd }) => sum + (usd ?? 0), 0);
}

const path = () => at("journal", "answers.jsonl");

describe("a journal", () => {
  test("is empty when it is new", async () => {
    expect(await found("a")).toEqual([undefined]);
  });

  test("has what was added, at once and after it was opened again", async () => {
    const journal = await Journal.open(at("journal"));
    journal.add(entry("a"));
    expect(journal.get(keyOf("a"))).toEqual(entry("a"));
    journal.close();
    expect(await found("a", "b")).toEqual(["answer to a", undefined]);
  });

  test("keeps any text and an answer that never came", async () => {
    await add(entry("a", "\u2028\r\n\0🙂"), entry("b", null));
    expect(await found("a", "b")).toEqual(["\u2028\r\n\0🙂", null]);
  });

  test("passes over files that are not its own", async () => {
    mkdirSync(at("journal"));
    writeFileSync(at("journal", "notes.txt"), "not a journal");
    expect(await found("a")).toEqual([undefined]);
  });

  test("takes the later of two entries of one key", async () => {
    await add(entry("a", "old"), entry("a", "new"));
    expect(await found("a")).toEqual(["new"]);
  });
});

describe("a journal that was killed in the middle of a line", () => {
  const line = `${JSON.stringify(entry("b", "ünfinished 🙂"))}\n`;

  test("loses that line alone, and is appended to cleanly, wherever it was torn, in the middle of a character too", async () => {
    const bytes = Buffer.from(line);
    for (let cut = 1; cut < bytes.length - 1; cut += 3) {
      await add(entry(`a${cut}`));
      appendFileSync(path(), bytes.subarray(0, cut));
      await add(entry(`c${cut}`));
      expect(await found(`a${cut}`, "b", `c${cut}`), `torn at ${cut}`).toEqual([
        `answer to a${cut}`,
        undefined,
        `answer to c${cut}`,
      ]);
    }
  });

  test("keeps a line that lacks only its newline", async () => {
    await add(entry("a"));
    appendFileSync(path(), line.trimEnd());
    await add(entry("c"));
    expect(await found("a", "b", "c")).toEqual(["answer to a", "ünfinished 🙂", "answer to c"]);
  });
});

describe("what was spent", () => {
  test("is the sum of the answers, and of what may have been billed at the most that it can have cost", async () => {
    await add(passing("a", "sent"), entry("a"), passing("b", "sent"), passing("b", "lost"));
    expect(await spent()).toBe(0.25 + 1);
  });

  test("has nothing of what the server itself said to have failed", async () => {
    await add(passing("a", "sent"), passing("a", "failed"), passing("a", "sent"), entry("a"));
    expect(await spent()).toBe(0.25);
  });

  test("counts what a kill left under way", async () => {
    await add(passing("a", "sent"), passing("b", "sent"), entry("b"));
    expect(await spent()).toBe(1 + 0.25);
  });

  const sent = (mode: "sync" | "batch"): Passing => ({ ...passing("a", "sent"), mode });
  const answered = (mode: "sync" | "batch"): Answer => ({ ...entry("a"), mode });

  test.each<[string, JournalEntry[], number]>([
    ["answered", [sent("sync"), sent("sync"), answered("sync")], 1 + 0.25],
    ["failed", [sent("sync"), sent("sync"), passing("a", "failed")], 1],
    ["lost", [sent("sync"), sent("sync"), passing("a", "lost")], 1 + 1],
    ["killed again", [sent("sync"), sent("sync")], 1 + 1],
    ["answered by a batch", [sent("sync"), sent("batch"), answered("batch")], 1 + 0.25],
    [
      "answered after a batch that nobody has heard of since",
      [sent("batch"), sent("sync"), answered("sync")],
      1 + 0.25,
    ],
  ])("counts the request of a kill beside the one that is sent in its place: %s", async (_, entries, usd) => {
    await add(...entries);
    expect(await spent()).toBe(usd);
    expect(await spentByLedger()).toBe(usd);
  });

  test("does not count a batch that was never made beside the one that was", async () => {
    await add(sent("batch"), sent("batch"), answered("batch"));
    expect(await spent()).toBe(0.25);
    expect(await spentByLedger()).toBe(0.25);
  });
});

describe("a second process", () => {
  test("is refused in words", async () => {
    const journal = await Journal.open(at("journal"));
    await expect(Journal.open(at("journal"))).rejects.toThrow(/is working on this run/);
    journal.close();
    await add(entry("a"));
  });

  test("may read, and finds what is there", async () => {
    expect(Journal.read(at("journal"))).toBeNull();
    const journal = await Journal.open(at("journal"));
    journal.add(entry("a"));
    const reader = Journal.read(at("journal"));
    expect(reader?.get(keyOf("a"))).toEqual(entry("a"));
    expect(reader?.isCurrent).toBe(true);
    journal.add(entry("b"));
    expect(reader?.isCurrent).toBe(false);
    reader?.close();
    journal.close();
  });
});

describe("a journal that the first version wrote", () => {
  /** What that version asked, under its key, which named no rollout. */
  const request = {
    model: "gpt-4o",
    messages: [{ role: "user" as const, content: "Say: <user>: hi" }],
    max_completion_tokens: 200,
    temperature: 0,
  };
  const key = "608fbcabdf3f04f4d86e77bb733777ec6896efbe753dc552b63ef1e311eaf237";
  const about = `"key":"${key}","asked":"gpt-4o","mode":"sync"`;
  const answer = `"text":"You are a user who wants tea.","model":"gpt-4o-2024-08-06","input_tokens":4,"cached_tokens":0,"output_tokens":8`;
  const text = [
    `{${about},"status":"sent","usd":0.0020775}`,
    `{${about},"status":"failed","usd":0.0020775}`,
    `{${about},"status":"sent","usd":0.0020775}`,
    `{${about},"status":"unheard","usd":0.0020775}`,
    `{${about},"status":"sent","usd":0.0020775}`,
    `{${about},"status":"answered",${answer},"usd":0.00009}`,
  ].join("\n");

  beforeEach(() => {
    mkdirSync(at("journal"));
    writeFileSync(path(), `${text}\n`);
  });

  test("has the answer to a request under the key that it has now", async () => {
    expect(requestKey(request, "v1")).toBe(key);
    const journal = await Journal.open(at("journal"));
    expect(journal.get(requestKey(request, "v1"))).toEqual({
      ...{ key, status: "answered", text: "You are a user who wants tea.", mode: "sync" },
      ...{ requested_model: "gpt-4o", model: "gpt-4o-2024-08-06" },
      ...{ input_tokens: 4, cached_tokens: 0, output_tokens: 8, usd: 0.00009 },
    });
    journal.close();
  });

  test("is read in the words of today, and appended to", async () => {
    await add(entry("a"));
    const journal = Journal.read(at("journal")) as Journal;
    const entries = [...journal.entries()];
    expect(entries.map(({ status }) => status)).toEqual([
      ...["sent", "failed", "sent", "lost", "sent", "answered"],
      "answered",
    ]);
    expect(entries.every((each) => each.requested_model === "gpt-4o" && !("asked" in each))).toBe(true);
    journal.close();
    expect(readFileSync(path(), "utf8")).toBe(`${text}\n${JSON.stringify(entry("a"))}\n`);
  });

  test("counts as what it cost, lost answers at the most that they can have cost", async () => {
    expect(await spent()).toBeCloseTo(0.0020775 + 0.00009, 12);
    const journal = Journal.read(at("journal")) as Journal;
    expect(ledger(journal)).toEqual([
      {
        ...{ model: "gpt-4o", mode: "sync", answered: 1, without_text: 0, failed: 1, lost: 1, lost_usd: 0.0020775 },
        ...{
          input_tokens: 4,
          cached_tokens: 0,
          output_tokens: 8,
          thinking_tokens: 0,
          usd: 0.0020775 + 0.00009,
          reused: 0,
          reused_usd: 0,
        },
      },
    ]);
    journal.close();
  });
});

test.each([0, 1, 20])(
  "a disk with room for %i bytes more costs the answer that did not fit, and no other",
  async (room) => {
    const journal = await Journal.open(at("journal"));
    journal.add(entry("a"));
    expect(() => withRoomFor(room, () => journal.add(entry("lost")))).toThrow("ENOSPC");
    journal.add(entry("b"));
    expect(["a", "lost", "b"].map((name) => journal.get(keyOf(name))?.text)).toEqual([
      "answer to a",
      undefined,
      "answer to b",
    ]);
    expect(journal.spent).toBe(0.5);
    journal.close();
    expect(await found("a", "lost", "b")).toEqual(["answer to a", undefined, "answer to b"]);
    expect(readFileSync(at("journal", "answers.jsonl"), "utf8").split("\n")).toHaveLength(3);
  },
);

describe("a journal that another process has taken over", () => {
  const takenOver = () => {
    const path = at("journal", "lock");
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), id: "other" }));
  };

  test("lets nothing more be sent, but keeps an answer that was paid for", async () => {
    const journal = await Journal.open(at("journal"));
    journal.add(passing("a", "sent"));
    takenOver();
    journal.add(entry("a"));
    expect(() => journal.add(passing("b", "sent"))).toThrow("another process has taken over");
    expect(() => journal.close()).toThrow("another process has taken over");
    const read = Journal.read(at("journal"));
    expect(read?.get(keyOf("a"))?.text).toBe("answer to a");
    expect([...(read?.entries() ?? [])].length).toBe(2);
    read?.close();
  });

  test("is left to the other, with its lock", async () => {
    const journal = await Journal.open(at("journal"));
    journal.add(passing("a", "sent"));
    takenOver();
    expect(() => journal.close()).toThrow("another process has taken over");
    expect(readFileSync(at("journal", "lock"), "utf8")).toContain('"other"');
  });
});

describe("journals of other runs", () => {
  const reusing = () => Journal.open(at("own"), undefined, undefined, [at("nowhere"), at("journal")]);

  test("are taken over once, cost nothing here, and are not touched", async () => {
    await add(entry("a"), entry("a", "the later"), entry("b", null), passing("c", "lost"));
    const before = readFileSync(path());
    const journal = await reusing();
    const reused = { from: at("journal"), usd: 0.25 };
    expect(journal.get(keyOf("a"))).toEqual({ ...entry("a", "the later"), usd: 0, reused });
    expect([journal.get(keyOf("a")), journal.get(keyOf("b"))?.status, journal.get(keyOf("c"))]).toEqual([
      ...[{ ...entry("a", "the later"), usd: 0, reused }, "refused", undefined],
    ]);
    journal.add(entry("c"));
    journal.close();
    expect([journal.spent, journal.reused, journal.size]).toEqual([0.25, 2, 3]);
    expect(readFileSync(path())).toEqual(before);
    const own = Journal.read(at("own"));
    expect([own?.get(keyOf("a"))?.text, own?.reused, own?.spent]).toEqual(["the later", 2, 0.25]);
    expect(ledger(own as Journal)).toMatchObject([
      { answered: 1, input_tokens: 10, output_tokens: 2, usd: 0.25, lost: 0, reused: 2, reused_usd: 0.5 },
    ]);
    own?.close();
  });

  test("say to a third run where an answer was really paid for", async () => {
    await add(entry("a"));
    const second = await reusing();
    second.get(keyOf("a"));
    second.close();
    const third = await Journal.open(at("third"), undefined, undefined, [at("own")]);
    expect(third.get(keyOf("a"))?.reused).toEqual({ from: at("journal"), usd: 0.25 });
    third.close();
  });

  test("take nothing off what a kill here may have cost", async () => {
    await add(entry("a"));
    const killed = await reusing();
    killed.add(passing("a", "sent"));
    killed.close();
    const journal = await reusing();
    expect([journal.get(keyOf("a"))?.usd, journal.spent]).toEqual([0, 1]);
    expect(ledger(journal)).toMatchObject([{ lost: 1, lost_usd: 1, usd: 1, reused: 1 }]);
    journal.close();
  });

  test("may be read while another process has one open", async () => {
    const busy = await Journal.open(at("journal"));
    busy.add(entry("a"));
    const journal = await reusing();
    expect(journal.get(keyOf("a"))?.text).toBe("answer to a");
    journal.close();
    busy.close();
  });
});

test("ten thousand answers are found again, long ones and short ones", async () => {
  const names = Array.from({ length: 10_000 }, (_, at) => String(at));
  const text = (name: string) => "x".repeat(Number(name) % 7 === 0 ? 5000 : 3) + name;
  await add(...names.map((name) => entry(name, text(name))));
  expect(await found(...names)).toEqual(names.map(text));
});

describe("a line that is no entry", () => {
  test.each([
    ["lacks a field", { key: "a" }],
    ["has a field too many", { ...entry("a"), price: 1 }],
    ["has an unknown status", { ...entry("a"), status: "maybe" }],
    ["is a list", []],
  ])("because it %s is an error that names file and line", async (_, value) => {
    await add(entry("a"));
    appendFileSync(path(), `${JSON.stringify(value)}\n`);
    await expect(found("a")).rejects.toThrow(InputError);
    await expect(found("a")).rejects.toThrow(`${path()}:2: not a journal entry`);
  });
});
