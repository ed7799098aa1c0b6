import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keyed } from "../../../../pipeline/hash.ts";
import {
  type Privacy,
  privateColumns,
  publicRow,
  rareValues,
  SHARED_COLUMNS,
} from "../../../../stages/publish/privacy.ts";

const MAIL = { kind: "email", text: "a@b.io" } as const;
const none = { values: new Set<string>(), name: null };
const rare = { country: { values: new Set(["Malta"]), name: "other" }, language: none, model: none };
const privacy: Privacy = {
  ...{ key: "secret", ids: "keep", rare, found: new Map([["chat:1", [MAIL]]]), pii: "mask" },
};

const row = {
  ...{ id: "chat:1:2", conversation_id: "chat:1", source: "chat", country: "Malta", user_id: "u1", turn: 2 },
  ...{ intent: "write to a@b.io", context: [{ role: "user", content: "I am a@b.io" }], target: "a@b.io!" },
};

/** So many users of each country, no one in two. */
const users = (counts: Record<string, number>) =>
  new Map(
    Object.entries(counts).map(([country, count]) => [
      country,
      new Set(Array.from({ length: count }, (_, at) => `${country} ${at}`)),
    ]),
  );

describe("a row that is published", () => {
  test("has another user id, the same one for the same user, that the secret alone decides", () => {
    const id = (key: string) => publicRow(row, { ...privacy, key })?.["user_id"];
    expect(id("secret")).toMatch(/^[0-9a-f]{32}$/);
    expect(id("secret")).toBe(publicRow({ ...row, id: "other" }, privacy)?.["user_id"]);
    expect(id("another")).not.toBe(id("secret"));
    expect(publicRow({ ...row, user_id: null }, privacy)?.["user_id"]).toBeNull();
  });

  test("hides an address that whoever knows the seed can try out in what a run without a key wrote", () => {
    const keyOfSeed = keyed("0", "user key");
    const addresses = Array.from({ length: 256 }, (_, at) => `89.160.20.${at}`);
    const tried = (user_id: unknown) => addresses.filter((each) => keyed(keyOfSeed, each).slice(0, 32) === user_id);
    const user_id = keyed(keyOfSeed, "89.160.20.112").slice(0, 32);
    expect(tried(user_id)).toEqual(["89.160.20.112"]);
    expect(tried(publicRow({ ...row, user_id }, privacy)?.["user_id"])).toEqual([]);
  });

  test("is from `other` where its country has too few users, and nowhere where that is not known", () => {
    expect(rareValues(users({ Malta: 9, Fiji: 1, India: 10 }), 10).values).toEqual(new Set(["Malta", "Fiji"]));
    expect(rareValues(users({ India: 10, Brazil: 12 }), 10).values).toEqual(new Set());
    expect(publicRow(row, privacy)?.["country"]).toBe("other");
    expect(publicRow({ ...row, country: "India" }, privacy)?.["country"]).toBe("India");
    expect(publicRow({ ...row, country: null }, privacy)?.["country"]).toBeNull();
  });

  test("is from `other` too where the countries with too few users are still too few together", () => {
    expect(rareValues(users({ Malta: 1, India: 10, Brazil: 12 }), 10).values).toEqual(new Set(["Malta", "India"]));
    const both = new Map([...users({ Brazil: 12 }), ["Malta", new Set(["x"])], ["Fiji", new Set(["x"])]] as const);
    expect(rareValues(both, 2)).toEqual({ values: new Set(["Malta", "Fiji", "Brazil"]), name: "other" });
  });

  test("names nothing at all where all users together are too few", () => {
    const few = rareValues(users({ Malta: 1, India: 3 }), 10);
    expect(few).toEqual({ values: new Set(["Malta", "India"]), name: null });
    expect(publicRow(row, { ...privacy, rare: { ...rare, country: few } })?.["country"]).toBeNull();
  });

  test("names no country, language or model that fewer users have than is wanted, `other` included, whoever has what", () => {
    const value = fc.option(fc.constantFrom("a", "b", "c", "d", "other"), { nil: null });
    const rowOf = fc.record({ user_id: fc.nat(30).map(String), country: value, language: value, model: value });
    fc.assert(
      fc.property(fc.array(rowOf, { maxLength: 120 }), fc.integer({ min: 1, max: 12 }), (rows, least) => {
        const usersOf = (of: readonly Record<string, unknown>[], column: string) => {
          const found = new Map<string, Set<string>>();
          for (const each of of)
            if (typeof each[column] === "string")
              found.set(each[column], (found.get(each[column]) ?? new Set()).add(String(each["user_id"])));
          return found;
        };
        const rareOf = (column: string) => rareValues(usersOf(rows, column), least);
        const all = { country: rareOf("country"), language: rareOf("language"), model: rareOf("model") };
        const open = rows.map((each) => publicRow(each, { ...privacy, rare: all }) ?? {});
        for (const column of SHARED_COLUMNS)
          for (const own of usersOf(open, column).values()) expect(own.size).toBeGreaterThanOrEqual(least);
      }),
    );
  });

  test("has ids of conversations that only the secret could tell, if that is asked for", () => {
    const packed = { ids: ["chat:jane:2023-01-01:2", "chat:1:1-4"] };
    const open = (each: object, key = "secret") => publicRow({ ...each }, { ...privacy, ids: "key", key });
    expect(open(row)?.["conversation_id"]).toMatch(/^chat:[0-9a-f]{32}$/);
    expect(open(row)?.["id"]).toBe(`${open(row)?.["conversation_id"]}:2`);
    expect(open(row, "another")?.["id"]).not.toBe(open(row)?.["id"]);
    expect(open(packed)?.["ids"]).toEqual([
      expect.stringMatching(/^chat:[0-9a-f]{32}:2$/),
      `${open(row)?.["conversation_id"]}:1-4`,
    ]);
    expect(open(row)?.["target"]).toBe("[email]!");
  });

  test("has what was found masked in every text, and ids as they were", () => {
    expect(publicRow(row, privacy)).toMatchObject({
      ...{ id: "chat:1:2", intent: "write to [email]", target: "[email]!", turn: 2 },
      context: [{ role: "user", content: "I am [email]" }],
    });
  });

  test("is left out, or left as it is, if that is asked for", () => {
    expect(publicRow(row, { ...privacy, pii: "block" })).toBeNull();
    expect(publicRow({ ...row, conversation_id: "chat:2" }, { ...privacy, pii: "block" })).not.toBeNull();
    expect(publicRow(row, { ...privacy, pii: "allow" })?.["target"]).toBe("a@b.io!");
  });

  test("holds nothing of what was found, whichever finds lie inside which", () => {
    const found = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c", "@", "."), minLength: 3, maxLength: 8 }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(found, (texts) => {
        const own = new Map([["chat:1", texts.map((text) => ({ kind: "card" as const, text }))]]);
        const shown = String(publicRow({ ...row, target: texts.join(" ") }, { ...privacy, found: own })?.["target"]);
        for (const text of texts) if (!"[card]".includes(text)) expect(shown).not.toContain(text);
      }),
    );
  });
});

test("columns with addresses, headers, places or times are never published", () => {
  expect(privateColumns(["id", "hashed_ip", "header", "state", "timestamp", "started_at", "country", "turns"])).toEqual(
    [...["hashed_ip", "header", "state", "timestamp", "started_at"]],
  );
});
