import { expect, test } from "vitest";
import { UsageError } from "../../../../pipeline/errors.ts";
import { sourceNamed, sources } from "../../../../stages/sources/index.ts";

test("a source is found by its name, and an unknown one refused with those that there are", () => {
  expect(sourceNamed("prism").name).toBe("prism");
  expect(() => sourceNamed("wildchats")).toThrow(UsageError);
  expect(() => sourceNamed("wildchats")).toThrow(
    'unknown source "wildchats"; known: wildchat-1m, wildchat-4.8m, wildchat, lmsys-chat-1m, oasst2, prism, chat',
  );
});

test("every Hub source is pinned to a commit, but the older WildChat, of which no commit is known in public", () => {
  for (const { hub, name } of sources)
    if (hub) expect(hub.revision, name).toMatch(name === "wildchat" ? /^main$/ : /^[0-9a-f]{40}$/);
});
