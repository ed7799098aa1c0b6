import fc from "fast-check";
import { expect, test } from "vitest";
import { keyOf } from "../../../../pipeline/collections.ts";
import { Links, readLinks } from "../../../../stages/split/links.ts";

const value = fc.option(fc.constantFrom("a", "b", "c"), { nil: null });
const conversation = fc.record({ user: value, country: value, opening: value, template: value, cluster: value });

test("links read back are the keys of what was added, in order, and nothing where there was nothing", () => {
  fc.assert(
    fc.property(fc.array(conversation, { maxLength: 600 }), (all) => {
      const links = new Links();
      for (const [at, each] of all.entries()) links.add(each.user ?? `conversation ${at}`, each);
      const found = [...readLinks(links.bytes())];
      expect(found).toHaveLength(all.length);
      for (const [at, keyIn] of found.entries()) {
        const { user, ...rest } = all[at] as (typeof all)[number];
        expect(keyIn("owner")).toEqual(keyOf(user ?? `conversation ${at}`));
        expect(keyIn("user")).toEqual(user === null ? [0, 0] : keyOf(user));
        for (const [name, each] of Object.entries(rest))
          expect(keyIn(name as keyof typeof rest)).toEqual(each === null ? [0, 0] : keyOf(each));
      }
    }),
    { numRuns: 20 },
  );
});
