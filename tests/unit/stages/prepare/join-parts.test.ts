import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { joinParts } from "../../../../stages/prepare/join-parts.ts";
import { rejectionOf } from "../../../../stages/prepare/scattered-row.ts";
import type { RawConversation } from "../../../../stages/sources/source.ts";
import { raw } from "../../../helpers/raw.ts";

/** A row of the conversation `abc`. */
const part = (line: string, more: Partial<RawConversation> = {}) => ({
  part: { ...raw(line), user: null, country: null, language: null, model: null, started_at: null, turn: null, ...more },
});

function join(...rows: ReturnType<typeof part>[]): RawConversation {
  const [found] = joinParts(rows, "chat");
  if (!found || !("conversation" in found)) throw new Error("no conversation");
  return found.conversation;
}

const saidIn = ({ turns }: RawConversation) => turns.map(({ content }) => content).join(" ");

describe("rows of a conversation", () => {
  test("come in the order of their numbers, whatever order they are in", () => {
    const rows = Array.from({ length: 12 }, (_, turn) => part(`user: ${turn}`, { turn }));
    const all = rows.map((_, at) => at);
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: 12 }), (order) => {
        const shuffled = order.map((at) => rows[at] as (typeof rows)[number]);
        expect(saidIn(join(...shuffled))).toBe(all.join(" "));
      }),
    );
  });

  test("come in the order of their times where not all have a number", () => {
    const later = part("assistant: b", { started_at: "2024-01-02T00:00:00.000Z", turn: 0 });
    const first = part("user: a", { started_at: "2024-01-01T00:00:00.000Z" });
    const found = join(later, first);
    expect(saidIn(found)).toBe("a b");
    expect([found.started_at, found.ended_at]).toEqual(["2024-01-01T00:00:00.000Z", "2024-01-02T00:00:00.000Z"]);
    expect(found.counts).toMatchObject({ conversations_in_order_of_files: 0 });
  });

  test("come as they are where neither is told of all, and are counted", () => {
    const found = join(part("user: a"), part("assistant: b", { started_at: "2024-01-01T00:00:00.000Z" }));
    expect(saidIn(found)).toBe("a b");
    expect(found.counts).toMatchObject({ conversations_in_order_of_files: 1 });
  });

  test("tell the user where the user speaks, and the model where it answers", () => {
    const bot = part("assistant: hello", { turn: 0, user: "bot", model: "m" });
    const person = part("user: hi", { turn: 1, user: "ann", model: "x", country: "Chile" });
    expect(join(bot, person)).toMatchObject({ user: "ann", model: "m", country: "Chile" });
    expect(join(bot, part("user: hi", { turn: 1 })).user).toBe("bot");
  });

  test("of two users are counted", () => {
    const rows = ["ann", "bob"].map((user, turn) => part("user: hi", { user, turn }));
    expect(join(...rows).counts).toMatchObject({ conversations_of_several_users: 1 });
  });
});

test("a conversation leaves with its first row that cannot be read, and rows of no conversation by themselves", () => {
  const bad = (id: string, conversation: string | null) => ({ rejection: rejectionOf(id, conversation, "schema", {}) });
  const rows = [
    part("user: hi"),
    bad("f:2", "chat:abc"),
    bad("f:3", "chat:abc"),
    bad("f:4", null),
    bad("f:5", "chat:x"),
  ];
  const ids = joinParts(rows, "chat").map((row) => ("rejection" in row ? row.rejection.id : "kept"));
  expect(ids).toEqual(["f:4", "f:2", "f:5"]);
});
