import { expect, test } from "vitest";
import { Conversation } from "../../schemas/conversation.ts";
import { DatasetRow } from "../helpers/dataset-row.ts";
import {
  artefact,
  describeReal,
  digests,
  expectAccounted,
  expectFlipped,
  type Finished,
  jsonl,
  realFile,
  runInto,
  shuffled,
  writeJsonl,
} from "./real.ts";

const conversations = (finished: Finished) => artefact(finished, "02-prepare/conversations-*.parquet", Conversation);
const samples = (finished: Finished) => artefact(finished, "dataset/samples/data/*.parquet", DatasetRow);
const byId = (a: [string, unknown], b: [string, unknown]) => (a[0] < b[0] ? -1 : 1);

/** Every conversation as a pair of its own id and its turns. */
async function turnsById(finished: Finished): Promise<[string, unknown][]> {
  return (await conversations(finished))
    .map(({ source_id, turns }): [string, unknown] => [source_id, turns])
    .sort(byId);
}

describeReal("Chatbot Arena as people's own logs", () => {
  const path = realFile("chatbot_arena", "arena_conversation_a.jsonl");
  type Row = { id: string; conversation: { role: string; content: string }[] };
  const given = { source: "chat", input: [path], prepare: { columns: { id: "id", messages: "conversation" } } };

  test("comes out as it went in: 1,095 conversations, every turn, every sample", async () => {
    const finished = await runInto("arena", given);
    const expected = jsonl<Row>(path).map(({ id, conversation }): [string, unknown] => {
      return [id, conversation.map(({ role, content }) => ({ role, content }))];
    });
    expect(finished.manifest("prepare")).toMatchObject({ in: 1095, kept: 1095, rejected: {} });
    expect(await turnsById(finished)).toEqual(expected.sort(byId));
    await expectAccounted(finished);
    const dropped = finished.manifest("dedup").rejected["template"] ?? 0;
    expect(dropped).toBe(0);
    expectFlipped(await conversations(finished), await samples(finished));
  });

  test("gives the same bytes in another order", async () => {
    const finished = await runInto("arena", given);
    const mixed = writeJsonl("arena.jsonl", shuffled(jsonl<Row>(path)));
    expect(digests(await runInto("arena-mixed", { ...given, input: [mixed] }))).toEqual(digests(finished));
  });

  test("without its ids loses the conversations that say the same", async () => {
    const distinct = new Set(jsonl<Row>(path).map((row) => JSON.stringify(row.conversation)));
    const bare = (columns: object) => ({ ...given, prepare: { columns: { messages: "conversation", ...columns } } });
    const { manifest } = await runInto("arena-bare", bare({ id: "", user: "" }), "prepare");
    expect(manifest("prepare")).toMatchObject({ kept: distinct.size, rejected: { repeated_id: 1095 - distinct.size } });
    const found = await runInto("arena-found", bare({}), "prepare");
    expect(found.manifest("prepare")).toMatchObject({ kept: 1095, rejected: {} });
  });
});

describeReal("OpenAssistant threads as people's own logs", () => {
  const path = realFile("oasst", "oasst1_validation_threads.jsonl");
  type Row = { message_id: string; lang: string; thread: { role: string; text: string }[] };
  const columns = { id: "message_id", language: "lang", messages: "thread", content: "text" };
  const given = { source: "chat", input: [path] };
  const turnsOf = ({ message_id, thread }: Row): [string, unknown] => [
    message_id,
    thread.map(({ role, text }) => ({ role: role === "prompter" ? "user" : role, content: text })),
  ];

  test("come out in all their languages, prompters as users", async () => {
    const finished = await runInto("oasst", { ...given, prepare: { columns, language: "any" } });
    expect(finished.manifest("prepare")).toMatchObject({ in: 938, kept: 938, rejected: {} });
    expect(await turnsById(finished)).toEqual(jsonl<Row>(path).map(turnsOf).sort(byId));
    await expectAccounted(finished);
  });

  test("come out in one language when it is called as they call it", async () => {
    const english = jsonl<Row>(path).filter((row) => row.lang === "en");
    const finished = await runInto("oasst-en", { ...given, prepare: { columns, language: "en" } }, "prepare");
    expect(await turnsById(finished)).toEqual(english.map(turnsOf).sort(byId));
    expect(finished.manifest("prepare").rejected).toEqual({ language: 938 - english.length });
  });
});

describeReal("OpenAssistant trees, walked down their best replies, as people's own logs", () => {
  type Message = {
    message_id: string;
    role: string;
    text: string;
    lang: string;
    rank?: number | null;
    replies: Message[];
  };

  const path = realFile("oasst", "oasst_en_trees.jsonl");

  function bestWay(message: Message): Message[] {
    const [best] = message.replies.toSorted((a, b) => (a.rank ?? 99) - (b.rank ?? 99));
    return best ? [message, ...bestWay(best)] : [message];
  }

  test("come out with every message, no end sample where a prompter has the last word", async () => {
    const rows = jsonl<{ prompt: Message }>(path).map(({ prompt }) => ({
      id: prompt.message_id,
      way: bestWay(prompt),
    }));
    const columns = { id: "id", messages: "way", content: "text" };
    const finished = await runInto("trees", {
      source: "chat",
      input: [writeJsonl("trees.jsonl", rows)],
      prepare: { columns },
    });
    expect(finished.manifest("prepare").kept).toBe(88);
    await expectAccounted(finished);
    const unanswered = rows.filter(({ way }) => way.at(-1)?.role === "prompter").length;
    expect(finished.manifest("flip").rejected["ends_with_user"] ?? 0).toBe(unanswered);
    expectFlipped(await conversations(finished), await samples(finished));
  });
});

describeReal("writing sessions of paid workers as people's own logs", () => {
  const path = realFile("simulator_arena", "document_creation.jsonl");
  type Row = { workerId: string; user_queries: string[]; ai_responses: string[] };

  test("come out with each worker in one split", async () => {
    const rows = jsonl<Row>(path).map(({ workerId, user_queries, ai_responses }) => ({
      worker: workerId,
      messages: user_queries.flatMap((query, at) => [
        { from: "human", value: query },
        { from: "gpt", value: ai_responses[at] ?? "" },
      ]),
    }));
    const finished = await runInto("sessions", {
      source: "chat",
      input: [writeJsonl("sessions.jsonl", rows)],
      prepare: { columns: { user: "worker", role: "from", content: "value" } },
    });
    await expectAccounted(finished);
    const written = await samples(finished);
    expectFlipped(await conversations(finished), written);
    expect(finished.manifest("split").counts["users"]).toBe(new Set(rows.map((row) => row.worker)).size);
    const pairs = new Set(written.map((sample) => `${sample.user_id} ${sample.split}`));
    expect(pairs.size).toBe(new Set(written.map((sample) => sample.user_id)).size);
  });
});
