import { describe, expect, test } from "vitest";
import { z } from "zod";
import { artefactsOf, table } from "../../../pipeline/artefact.ts";
import { type Chain, countsRows, defineChain, upstreamOf } from "../../../pipeline/chain.ts";
import { planChain } from "../../../pipeline/plan.ts";
import { nameInPlan } from "../../../pipeline/run-folder.ts";
import { type Stage, stageIn, variantIn } from "../../../pipeline/stage.ts";

const Row = z.strictObject({ a: z.string() });
const first = artefactsOf("first", { rows: table(Row, "a row") });

function stage(name: string, more: Partial<Stage> = {}): Stage {
  const plain: Stage = {
    name,
    module: import.meta.url,
    summary: "",
    reads: [],
    writes: {},
    unit: "files",
    options: z.strictObject({}),
    phases: [],
  };
  return { ...plain, ...more };
}

const chainOf = (...stages: Stage[]): Chain =>
  defineChain({ name: "toy", summary: "", module: import.meta.url, stages });

const one = stage("first", { writes: first });

describe("a chain", () => {
  test.each([
    [
      "reads what no stage before it writes",
      [stage("second", { reads: [first.rows] })],
      "chain toy: second needs first, which does not come before it",
    ],
    [
      "reads what the stage before it does not write",
      [stage("first"), stage("second", { reads: [first.rows] })],
      "chain toy: first writes no rows",
    ],
    ["takes the rows of a later stage", [stage("a", { takes: "b" }), stage("b")], "chain toy: a needs b"],
    ["has two stages of one name", [one, one], "chain toy: two stages are called first"],
  ])("that %s is a fault of the code", (_, stages, message) => {
    expect(() => chainOf(...stages)).toThrow(message);
  });

  test("knows what each stage depends on: what it reads, takes and tells of", () => {
    const second = stage("second", { reads: [first.rows], takes: "other", tellsOf: ["third"] });
    expect(upstreamOf(second)).toEqual(["first", "other", "third"]);
  });

  test("counts rows in and out where they are taken, and in the first stage", () => {
    const chain = chainOf(one, stage("taking", { takes: "first" }), stage("beside", { reads: [first.rows] }));
    expect(["first", "taking", "beside"].map((name) => countsRows(chain, name))).toEqual([true, true, false]);
  });
});

describe("a stage with variants", () => {
  const Options = z.strictObject({ form: z.array(z.string()) });
  const varied = stage("varied", {
    options: Options,
    variants: (options) =>
      (options as z.infer<typeof Options>).form.map((name) => ({ name, options: { form: [name] } })),
    phases: [{ name: "do", tasks: () => 2, run: async () => ({}) }],
  });
  const chain = chainOf(one, varied, stage("about", { sharesVariantsOf: "varied" }));
  const head = {
    ...{ base: ".", source: "toy", seed: "0", user_key: "seed", hub: null, shards: 1 },
    inputs: [{ path: "a", bytes: 0, modified_ms: 0, sha256: null, git_oid: null }],
  };
  const options = new Map<string, Record<string, unknown>>([["varied", { form: ["trl", "tokens"] }]]);

  test("is planned once for each, with options of its own, and so is what shares them", async () => {
    const plan = await planChain(chain, head, { options, models: {} });
    expect(plan.stages.map(({ name }) => name)).toEqual([
      ...["first", "varied:trl", "varied:tokens", "about:trl", "about:tokens"],
    ]);
    expect(plan.stages[1]?.options).toEqual({ form: ["trl"] });
    expect([stageIn("varied:trl"), variantIn("varied:trl"), variantIn("first")]).toEqual(["varied", "trl", null]);
  });

  test("is found by who asks for the same variant, and must be named where there are several", async () => {
    const plan = await planChain(chain, head, { options, models: {} });
    expect(nameInPlan(plan, "varied", "tokens")).toBe("varied:tokens");
    expect(() => nameInPlan(plan, "varied")).toThrow("the run has varied for trl, tokens; say which with --form");
    expect(() => nameInPlan(plan, "nothing")).toThrow("no stage nothing in this plan");
  });
});
