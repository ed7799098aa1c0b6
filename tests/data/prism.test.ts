import { beforeAll, expect, test } from "vitest";
import { Conversation } from "../../schemas/conversation.ts";
import { Rejection } from "../../schemas/rejection.ts";
import { User } from "../../schemas/user.ts";
import { DatasetRow } from "../helpers/dataset-row.ts";
import {
  artefact,
  describeReal,
  digests,
  expectAccounted,
  expectFlipped,
  type Finished,
  found,
  jsonl,
  realFile,
  runInto,
  shuffled,
  writeJsonl,
} from "./real.ts";

type Entry = {
  turn: number;
  role: "user" | "model";
  content: string;
  model_name?: string | null;
  if_chosen?: boolean;
  within_turn_id?: number;
};
type Row = { conversation_id: string; user_id: string; conversation_turns: number; conversation_history: Entry[] };

const reconstructed = realFile("prism", "prism_reconstructed.jsonl");
const quirks = realFile("prism", "prism_quirks.SYNTHETIC.jsonl");
const conversations = (finished: Finished) => artefact(finished, "02-prepare/conversations-*.parquet", Conversation);
const samples = (finished: Finished) => artefact(finished, "dataset/samples/data/*.parquet", DatasetRow);

const chosenIn = (row: Row, turn: number) =>
  row.conversation_history.filter((each) => each.turn === turn && each.role === "model" && each.if_chosen === true);

/** The dialogue as it went: each round's question and the first of its chosen answers; null if a round has none. */
function wayOf(row: Row): { role: string; content: string }[] | null {
  const said = (content: string) => (content === "EMPTY STRING" ? "" : content);
  const turns: { role: string; content: string }[] = [];
  for (let turn = 0; turn < row.conversation_turns; turn++) {
    const asked = found(row.conversation_history.find((each) => each.turn === turn && each.role === "user"));
    const [answer] = chosenIn(row, turn);
    if (!answer) return null;
    turns.push({ role: "user", content: said(asked.content) }, { role: "assistant", content: said(answer.content) });
  }
  return turns;
}

function roundsWithSeveralChosen(rows: readonly Row[]): number {
  const rounds = rows.flatMap((row) =>
    Array.from({ length: row.conversation_turns }, (_, turn) => chosenIn(row, turn)),
  );
  return rounds.filter((chosen) => chosen.length > 1).length;
}

describeReal("37 PRISM conversations", () => {
  let finished: Finished;
  let kept: Conversation[];
  let rows: Row[];

  beforeAll(async () => {
    finished = await runInto("prism", { source: "prism", input: [reconstructed] });
    kept = await conversations(finished);
    rows = jsonl<Row>(reconstructed);
  });

  test("are all kept, nothing taken for a duplicate, every row accounted for", async () => {
    expect(finished.manifest("prepare")).toMatchObject({ in: 37, kept: 37, rejected: {} });
    expect(finished.manifest("dedup")).toMatchObject({ in: 37, kept: 37, rejected: {} });
    await expectAccounted(finished);
  });

  test("follow the chosen answers", () => {
    const ways = new Map(rows.map((row) => [row.conversation_id, wayOf(row)]));
    for (const { source_id, turns } of kept) expect(turns, source_id).toEqual(ways.get(source_id));
    const { counts } = finished.manifest("prepare");
    expect(counts["rounds_with_several_chosen"] ?? 0).toBe(roundsWithSeveralChosen(rows));
  });

  test("are all in split test, by 18 people", async () => {
    const users = await artefact(finished, "04-split/users-*.parquet", User);
    expect(users).toHaveLength(18);
    expect(new Set(rows.map((row) => row.user_id)).size).toBe(18);
    expect(new Set(users.map((user) => user.split))).toEqual(new Set(["test"]));
    const written = await samples(finished);
    expect(new Set(written.map((sample) => sample.split))).toEqual(new Set(["test"]));
    expect(Object.keys(digests(finished)).filter((path) => /dataset.*(train|validation)/.test(path))).toEqual([]);
  });

  test("become 86 samples of what people said and 37 of their leaving", async () => {
    const written = await samples(finished);
    expectFlipped(kept, written);
    expect(written.filter((sample) => sample.kind === "end")).toHaveLength(37);
    expect(written).toHaveLength(86 + 37);
  });

  test("give the same bytes in another order, and with the answers of a round turned round", async () => {
    const turned = rows.map((row) => {
      const [asked, answers] = [row.conversation_history, row.conversation_history.toReversed()].map((entries, at) =>
        entries.filter((each) => each.role === (at === 0 ? "user" : "model")),
      );
      return { ...row, conversation_history: [...found(asked), ...found(answers)] };
    });
    const input = [writeJsonl("prism.jsonl", shuffled(turned))];
    expect(digests(await runInto("prism-mixed", { source: "prism", input }))).toEqual(digests(finished));
  });
});

describeReal("seven PRISM conversations with one quirk each", () => {
  let finished: Finished;
  let kept: Conversation[];
  let rows: Row[];

  beforeAll(async () => {
    finished = await runInto("quirks", { source: "prism", input: [quirks] });
    kept = await conversations(finished);
    rows = jsonl<Row>(quirks);
  });

  test("follow the chosen answers where every round has one, and are accounted for", async () => {
    const ways = new Map(rows.map((row) => [row.conversation_id, wayOf(row)]));
    expect(kept.map((each) => each.source_id)).toEqual([...ways].filter(([, way]) => way !== null).map(([id]) => id));
    for (const { source_id, turns } of kept) expect(turns, source_id).toEqual(ways.get(source_id));
    await expectAccounted(finished);
  });

  test("leave when a round has no chosen answer, with the round", async () => {
    const rejections = await artefact(finished, "02-prepare/rejections-*.parquet", Rejection);
    expect(rejections.map(({ id, reason, detail }) => ({ id, reason, detail: JSON.parse(detail) }))).toEqual([
      { id: "prism:synth6", reason: "no_chosen_answer", detail: { turn: 1, candidates: 2 } },
    ]);
  });

  test("hold the literal EMPTY STRING nowhere: nothing was said there, and nothing is learnt from it", async () => {
    const written = await samples(finished);
    expect(JSON.stringify([kept, written])).not.toContain("EMPTY STRING");
    const silent = found(kept.find((each) => each.opening === ""));
    expect(silent.source_id).toBe("synth5");
    expect(written.filter((each) => each.conversation_id === silent.id).map((each) => each.kind)).toEqual([
      "next",
      "end",
    ]);
    expect(finished.manifest("flip").rejected).toEqual({ empty_target: 1 });
    const unanswered = found(kept.find((each) => each.turns.slice(1).some((turn) => turn.content === "")));
    expect(unanswered.turns.map((turn) => turn.content === "")).toEqual([false, false, false, true, false, false]);
  });

  test("count the rounds with several chosen answers", () => {
    expect(roundsWithSeveralChosen(rows)).toBe(1);
    expect(finished.manifest("prepare").counts["rounds_with_several_chosen"]).toBe(1);
  });

  test("are by as many people as are named in the rows that stay", async () => {
    const users = await artefact(finished, "04-split/users-*.parquet", User);
    const named = rows.filter((row) => row.conversation_id !== "synth6").map((row) => row.user_id);
    expect(users).toHaveLength(new Set(named).size);
  });

  test("name the model that answered last and the time", () => {
    const last = (row: Row) => chosenIn(row, row.conversation_turns - 1)[0]?.model_name;
    const models = new Map(rows.map((row) => [row.conversation_id, last(row)]));
    for (const { source_id, model, started_at } of kept) {
      expect(model).toBe(models.get(source_id));
      expect(started_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
    }
  });
});
