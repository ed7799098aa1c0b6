import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KeyTable, keyOf, Union } from "../../../../pipeline/collections.ts";
import { Groups } from "../../../../stages/split/groups.ts";

type Bond = readonly [user: string, bond: string];

/** Users by component, found by walking from user to user over shared bonds. */
function components(bonds: readonly Bond[]): Set<string>[] {
  const left = new Set(bonds.map(([user]) => user));
  const found: Set<string>[] = [];
  for (const start of left) {
    const group = new Set([start]);
    for (const user of group) {
      left.delete(user);
      const own = bonds.flatMap(([who, bond]) => (who === user ? [bond] : []));
      for (const [who, bond] of bonds) if (own.includes(bond)) group.add(who);
    }
    found.push(group);
  }
  return found;
}

function groupsOf(bonds: readonly Bond[]): Groups {
  const groups = new Groups();
  for (const [user, bond] of bonds) groups.add(keyOf(user), keyOf(bond));
  return groups;
}

const letter = fc.constantFrom(..."abcdefghijkl");
const bonds = fc.array(fc.tuple(letter, fc.constantFrom("hi", "hello", "hey", "yo", "hm")), { maxLength: 30 });

describe("groups", () => {
  test("hold who shares an opening with one who shares another with a third", () => {
    const groups = groupsOf([
      ["a", "hi"],
      ["b", "hi"],
      ["b", "yo"],
      ["c", "yo"],
      ["d", "hm"],
    ]);
    const [a, b, c, d] = ["a", "b", "c", "d"].map((user) => groups.of(keyOf(user)));
    expect([b, c]).toEqual([a, a]);
    expect(d).not.toBe(a);
    expect(groups.of(keyOf("nobody"))).toBe(-1);
  });

  test("are the connected components, as found by walking", () => {
    fc.assert(
      fc.property(bonds, (list) => {
        const groups = groupsOf(list);
        const numbers = new Map(list.map(([user]) => [user, groups.of(keyOf(user))]));
        const own = [...new Set(numbers.values())].map(
          (number) => new Set([...numbers].flatMap(([user, each]) => (each === number ? [user] : []))),
        );
        const sorted = (sets: readonly Set<string>[]) => sets.map((set) => [...set].sort().join("")).sort();
        expect(sorted(own)).toEqual(sorted(components(list)));
      }),
    );
  });

  test("grow beyond what the tables begin with", () => {
    const groups = new Groups();
    const union = new Union();
    for (let at = 0; at < 5000; at++) groups.add(keyOf(`user ${at}`), keyOf(`bond ${Math.floor(at / 2)}`));
    for (let at = 0; at < 5000; at += 2)
      expect(groups.of(keyOf(`user ${at}`))).toBe(groups.of(keyOf(`user ${at + 1}`)));
    expect(new Set(Array.from({ length: 5000 }, (_, at) => groups.of(keyOf(`user ${at}`)))).size).toBe(2500);
    for (let at = 1; at < 5000; at++) union.join(at - 1, at);
    expect(union.root(4999)).toBe(0);
  });
});

test("a table numbers keys in the order in which they come, and finds none that were not there", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 3000 }), (keys) => {
      const table = new KeyTable();
      const expected = new Map<string, number>();
      for (const [low, high] of keys) {
        const key = `${low} ${high}`;
        if (!expected.has(key)) expected.set(key, expected.size);
        expect(table.number(low, high)).toBe(expected.get(key));
      }
      expect(table.size).toBe(expected.size);
      expect(table.find(9, 9)).toBe(-1);
    }),
  );
});
