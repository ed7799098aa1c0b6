import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parquet } from "../../../../pipeline/files/duckdb.ts";
import { writeParquet } from "../../../../pipeline/files/parquet.ts";
import { Conversation } from "../../../../schemas/conversation.ts";
import { Intent } from "../../../../schemas/intent.ts";
import { Sample } from "../../../../schemas/sample.ts";
import { baselines } from "../../../../stages/describe/baselines.ts";
import { flip } from "../../../../stages/flip/flip.ts";
import { conversation } from "../../../helpers/conversation.ts";
import { temporary } from "../../../helpers/folder.ts";

const PREFIX = "You are a user chatting with an assistant language model to";

const intentOf = (conversation_id: string, intent: string | null): Intent => ({
  ...{ conversation_id, intent, status: "ok", origin: "recorded", model: null, prompt_version: null, truncated: false },
  ...{ input_tokens: null, output_tokens: null, words: null, from_user: null, copied: null, specificity: null },
});

/** Tables of conversations in so many shards; even ones are `train`, odd ones `test`. */
async function tables(folder: string, talks: readonly Conversation[], shards: number) {
  const paths = { conversations: [] as string[], intents: [] as string[], samples: [] as string[] };
  for (let shard = 0; shard < shards; shard++) {
    const own = talks.filter((_, at) => at % shards === shard);
    const place = (name: keyof typeof paths) => {
      const path = join(folder, `${name}-${shard}-of-${shards}.parquet`);
      paths[name].push(path);
      return path;
    };
    const samples = own.flatMap((each) => flip(each, { split: Number(each.source_id) % 2 === 0 ? "train" : "test" }));
    await writeParquet(place("conversations"), Conversation, own);
    await writeParquet(
      place("intents"),
      Intent,
      own.map((each) => intentOf(each.id, `${PREFIX} grow ${each.source_id} trees`)),
    );
    await writeParquet(
      place("samples"),
      Sample,
      samples.filter((row): row is Sample => "kind" in row),
    );
  }
  const found = {
    conversations: parquet(paths.conversations),
    intents: parquet(paths.intents),
    samples: parquet(paths.samples),
  };
  return { ...found, seed: "0", intentPrefix: PREFIX, tokens: null };
}

function talk(number: number): Conversation {
  const turns = Array.from({ length: 1 + (number % 3) }, (_, at) => [
    `user: grow thing ${number} ${at}`,
    "assistant: ok",
  ]);
  return { ...conversation(...turns.flat()), id: `test:${number}`, source_id: String(number) };
}

describe("the baselines of a run", () => {
  const folder = temporary();
  const talks = Array.from({ length: 30 }, (_, at) => talk(at));

  test("are those of each split, from its own conversations", async () => {
    const rows = await baselines(await tables(folder, talks, 1));
    const value = (split: string, variant: string, metric: string) =>
      rows.find(
        (each) => each.split === split && each.variant === variant && each.metric === metric && each.turn === null,
      );
    // 15 conversations a split with 1, 2 or 3 user turns, five of each: 30 decisions, 15 ends.
    expect(value("train", "always_end", "base_rate")).toMatchObject({ value: 50, count: 30 });
    expect(value("test", "end_from_2", "recall")).toMatchObject({ value: 66.666667, count: 30 });
    expect(value("train", "words", "diversity")?.count).toBe(15);
    // Of "grow thing <n> <turn>" the intent has "grow" and, but for what the turn's number adds, "<n>".
    expect(value("test", "per_intent_word/1-gram/no_prefix", "overlap")?.value).toBeGreaterThan(60);
    expect(rows.filter((each) => each.split === "validation")).toEqual([]);
  });

  test("are the same however many shards there are", async () => {
    expect(await baselines(await tables(folder, talks, 4))).toEqual(await baselines(await tables(folder, talks, 1)));
  });

  test("take 2,000 first turns of a split at most, the same whatever shards they are in", async () => {
    const many = Array.from({ length: 2_050 }, (_, at) => talk(2 * at));
    const diversity = async (shards: number) =>
      (await baselines(await tables(folder, many, shards))).filter(({ measure }) => measure === "first_turn_diversity");
    const one = await diversity(1);
    expect(new Set(one.map(({ count }) => count))).toEqual(new Set([2_000]));
    expect(await diversity(3)).toEqual(one);
  });

  test("compare the turns that follow an empty first one with the intent, and take no opening from it", async () => {
    const quiet = {
      ...conversation("user: ", "assistant: hm?", "user: grow 2 trees", "assistant: ok"),
      source_id: "2",
    };
    const rows = await baselines(await tables(folder, [{ ...quiet, id: "test:2" }], 1));
    expect(rows.find(({ variant }) => variant === "per_user_word/1-gram/no_prefix")).toMatchObject({
      value: 100,
      count: 1,
    });
    expect(rows.filter(({ measure }) => measure === "first_turn_diversity")).toEqual([]);
  });

  test("say nothing of overlap where there are no intents", async () => {
    const input = await tables(folder, talks, 1);
    const path = join(folder, "none.parquet");
    await writeParquet(
      path,
      Intent,
      talks.map((each) => intentOf(each.id, null)),
    );
    const rows = await baselines({ ...input, intents: parquet(path) });
    expect(new Set(rows.map((each) => each.measure))).toEqual(new Set(["first_turn_diversity", "termination"]));
  });
});
