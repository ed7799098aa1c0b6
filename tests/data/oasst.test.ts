import { expect, test } from "vitest";
import { Conversation } from "../../schemas/conversation.ts";
import { User } from "../../schemas/user.ts";
import { DatasetRow } from "../helpers/dataset-row.ts";
import { artefact, describeReal, expectAccounted, expectFlipped, found, jsonl, realFile, runInto } from "./real.ts";

type Node = { message_id: string; text: string; role: string; rank?: number | null; replies?: Node[] };

describeReal("88 English message trees of OpenAssistant", () => {
  const path = realFile("oasst", "oasst_en_trees.jsonl");
  const leaves = (node: Node): number => (node.replies ?? []).reduce((sum, each) => sum + leaves(each), 0) || 1;

  test("are 88 conversations by their best-ranked paths, flipped as any other", async () => {
    const finished = await runInto("oasst-best", { source: "oasst2", input: [path] });
    expect(finished.manifest("prepare")).toMatchObject({ in: 88, kept: 88 });
    const conversations = await artefact(finished, "02-prepare/conversations-*.parquet", Conversation);
    const trees = new Map(
      jsonl<{ message_tree_id: string; prompt: Node }>(path).map((each) => [each.message_tree_id, each.prompt]),
    );
    for (const { source_id, turns } of conversations) {
      let node: Node | undefined = found(trees.get(source_id));
      for (const turn of turns) {
        expect(turn.content).toBe(found(node).text);
        const best = (each: Node) => [each.rank ?? 1e9, each.message_id] as const;
        const replies: { each: Node; best: readonly [number, string] }[] = (node?.replies ?? []).map((each) => ({
          each,
          best: best(each),
        }));
        replies.sort((a, b) => a.best[0] - b.best[0] || (a.best[1] < b.best[1] ? -1 : 1));
        node = replies[0]?.each;
      }
      expect(node).toBeUndefined();
    }
    await expectAccounted(finished);
  });

  test("are one conversation for each leaf, all those of a tree in one split", async () => {
    const expected = jsonl<{ prompt: Node }>(path).reduce((sum, each) => sum + leaves(each.prompt), 0);
    const settings = { source: "oasst2", input: [path], prepare: { paths: "leaves" } };
    const finished = await runInto("oasst-leaves", settings);
    expect(finished.manifest("prepare").kept).toBe(expected);
    const users = await artefact(finished, "04-split/users-*.parquet", User);
    expect(users).toHaveLength(88);
    const conversations = await artefact(finished, "02-prepare/conversations-*.parquet", Conversation);
    expectFlipped(conversations, await artefact(finished, "dataset/samples/data/*.parquet", DatasetRow));
    expect(finished.manifest("split").counts["leaks_by_opening"]).toBe(0);
  });
});
