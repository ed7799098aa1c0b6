import { describe, expect, test } from "vitest";
import { oasst2 } from "../../../../stages/sources/oasst.ts";
import type { Paths, RawConversation } from "../../../../stages/sources/source.ts";

type Node = { id: string; rank?: number | null; deleted?: boolean; synthetic?: boolean; replies?: Node[] };

/** A tree of messages whose text is their id; a prompter speaks first and then in turn with an assistant. */
function message({ id, replies = [], ...given }: Node, depth = 0): Record<string, unknown> {
  const role = depth % 2 === 0 ? "prompter" : "assistant";
  const children = replies.map((reply) => message(reply, depth + 1));
  return {
    message_id: id,
    text: id,
    role,
    lang: "en",
    created_date: `2023-02-0${depth + 1}`,
    replies: children,
    ...given,
  };
}

function found(tree: Node, paths: Paths): { ids: string[]; texts: string[] } {
  const row = oasst2.row().parse({ message_tree_id: "tree", prompt: message(tree) });
  const all = (oasst2.convertAll?.(row, paths) ?? []) as RawConversation[];
  return {
    ids: all.map((each) => each.source_id),
    texts: all.map((each) => each.turns.map((turn) => turn.content).join(" ")),
  };
}

const TREE: Node = {
  id: "q",
  replies: [
    { id: "b", rank: 1, replies: [{ id: "b1" }] },
    {
      id: "a",
      rank: 0,
      replies: [
        { id: "a2", rank: null },
        { id: "a1", rank: null },
      ],
    },
    { id: "x", rank: -1, deleted: true, replies: [{ id: "x1" }] },
  ],
};

describe("a tree of messages", () => {
  test("is its best-ranked path: the lowest rank, unranked replies by id, none that was deleted", () => {
    expect(found(TREE, "best")).toEqual({ ids: ["tree"], texts: ["q a a1"] });
  });

  test("takes the smaller id where ranks are equal, whatever the order in the file", () => {
    const replies = [
      { id: "c", rank: 1 },
      { id: "b", rank: 0 },
      { id: "a", rank: 0 },
    ];
    for (const given of [replies, replies.toReversed()])
      expect(found({ id: "q", replies: given }, "best").texts).toEqual(["q a"]);
  });

  test("is one path for each leaf, under the leaf's id", () => {
    expect(found(TREE, "leaves")).toEqual({ ids: ["a1", "a2", "b1"], texts: ["q a a1", "q a a2", "q b b1"] });
  });

  test("of one message is that", () => {
    expect(found({ id: "q" }, "leaves")).toEqual({ ids: ["q"], texts: ["q"] });
  });

  test("stands for the user, so that its paths stay in one split", () => {
    const row = oasst2.row().parse({ message_tree_id: "tree", prompt: message(TREE) });
    const users = oasst2.convertAll?.(row, "leaves").map((each) => ("user" in each ? each.user : null));
    expect(new Set(users)).toEqual(new Set(["tree"]));
  });

  test("says who spoke, when it began and ended, and its language as a code", () => {
    const row = oasst2.row().parse({ message_tree_id: "tree", prompt: message(TREE) });
    const raw = oasst2.convert(row) as RawConversation;
    expect(raw.turns.map((turn) => turn.role)).toEqual(["user", "assistant", "user"]);
    expect(raw).toMatchObject({
      language: "en",
      started_at: "2023-02-01T00:00:00.000Z",
      ended_at: "2023-02-03T00:00:00.000Z",
    });
  });

  test("with a prompt that a machine wrote is no person's conversation", () => {
    const row = oasst2.row().parse({ message_tree_id: "tree", prompt: message({ id: "q", synthetic: true }) });
    expect(oasst2.convert(row)).toMatchObject({ reason: "synthetic_user", detail: { message: 0 } });
  });

  test("with a role that OpenAssistant does not have fails its schema, however deep", () => {
    const bad = message({ id: "q", replies: [{ id: "a" }] });
    Object.assign((bad["replies"] as Record<string, unknown>[])[0] as object, { role: "human" });
    expect(oasst2.row().safeParse({ message_tree_id: "t", prompt: bad }).success).toBe(false);
  });
});
