import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Plan } from "../../schemas/plan.ts";
import { Split } from "../../schemas/user.ts";
import { run } from "../../stages/index.ts";
import { part, write } from "../../stages/write.ts";
import { useFolder } from "../helpers/folder.ts";

const at = useFolder();

/** What of a plan the number of files depends on. */
function planOf(shards: number, fixedSplit: Split | null = null): Plan {
  const split = { name: "split", options: { fixedSplit }, files: [], phases: [] };
  return {
    format: 1,
    code: "",
    source: "chat",
    seed: "0",
    user_key: "seed",
    hub: null,
    inputs: [],
    shards,
    stages: [split],
  };
}

function parts(plan: Plan): ReturnType<typeof part>[] {
  const count = write.phases[0]?.tasks(plan) ?? 0;
  return Array.from({ length: count }, (_, index) => part(plan, index));
}

describe("the files of a dataset", () => {
  test("cover every shard exactly once for each split, in order, for any number of shards", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.constantFrom(null, ...Split.options), (shards, fixed) => {
        const all = parts(planOf(shards, fixed));
        for (const split of Split.options) {
          const own = all.filter((each) => each.split === split);
          expect(own.flatMap((each) => each.shards)).toEqual(Array.from({ length: shards }, (_, shard) => shard));
          expect(own.map(({ file, of }) => `${file} of ${of}`)).toEqual(
            own.map((_, file) => `${file} of ${own.length}`),
          );
          expect(own.every((each) => each.shards.length > 0)).toBe(true);
        }
      }),
    );
  });

  test("are one a shard for train, and a sixteenth of that for the small splits", () => {
    const count = (plan: Plan) =>
      Split.options.map((split) => parts(plan).filter((each) => each.split === split).length);
    expect(count(planOf(1))).toEqual([1, 1, 1]);
    expect(count(planOf(16))).toEqual([16, 1, 1]);
    expect(count(planOf(53))).toEqual([53, 4, 4]);
    expect(count(planOf(53, "test"))).toEqual([53, 4, 53]);
  });

  test("end where they end", () => {
    expect(() => part(planOf(1), 3)).toThrow("no file 3");
  });
});

describe("the card of a run", () => {
  const log = ["a", "b", "c"].map((id) =>
    JSON.stringify({
      id,
      messages: [
        { role: "user", content: `hi from ${id}` },
        { role: "assistant", content: "hello" },
      ],
    }),
  );
  const made = async (output: string, dedup: Record<string, unknown>): Promise<string> => {
    mkdirSync(at(), { recursive: true });
    writeFileSync(at("log.jsonl"), `${log.join("\n")}\n`);
    const given = {
      source: "chat",
      input: [at("log.jsonl")],
      output,
      prepare: { columns: { id: "id" } },
      intents: { provider: "none" },
      dedup,
    };
    await run(given, { threads: 1 });
    return readFileSync(`${output}/dataset/README.md`, "utf8");
  };

  test("is the same whether options were so from the start or changed on the way", async () => {
    const fresh = await made(at("fresh"), { minCount: 50 });
    await made(at("changed"), { minCount: 60 });
    expect(await made(at("changed"), { minCount: 50 })).toBe(fresh);
  });
});
