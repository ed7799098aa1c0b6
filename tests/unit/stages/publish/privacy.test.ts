import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Privacy, privateColumns, publicRow, rareCountries } from "../../../../stages/publish/privacy.ts";

const MAIL = { kind: "email", text: "a@b.io" } as const;
const privacy: Privacy = {
  ...{ key: "secret", rare: new Set(["Malta"]), found: new Map([["chat:1", [MAIL]]]), pii: "mask" },
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

  test("is from `other` where its country has too few users, and nowhere where that is not known", () => {
    expect(rareCountries(users({ Malta: 9, Fiji: 1, India: 10 }), 10)).toEqual(new Set(["Malta", "Fiji"]));
    expect(rareCountries(users({ India: 10, Brazil: 12 }), 10)).toEqual(new Set());
    expect(publicRow(row, privacy)?.["country"]).toBe("other");
    expect(publicRow({ ...row, country: "India" }, privacy)?.["country"]).toBe("India");
    expect(publicRow({ ...row, country: null }, privacy)?.["country"]).toBeNull();
  });

  test("is from `other` too where the countries with too few users are still too few together", () => {
    expect(rareCountries(users({ Malta: 1, India: 10, Brazil: 12 }), 10)).toEqual(new Set(["Malta", "India"]));
    const both = new Map([...users({ Brazil: 12 }), ["Malta", new Set(["x"])], ["Fiji", new Set(["x"])]] as const);
    expect(rareCountries(both, 2)).toEqual(new Set(["Malta", "Fiji", "Brazil"]));
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
