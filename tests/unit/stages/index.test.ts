import { expect, test } from "vitest";
import { upstreamOf } from "../../../pipeline/chain.ts";
import { dataset } from "../../../stages/index.ts";

test("what each stage of the dataset depends on is what it reads and tells of", () => {
  const names = dataset.stages.map(({ name }) => name);
  const upstream = dataset.stages.map((stage) => [stage.name, upstreamOf(stage).sort()]);
  expect(Object.fromEntries(upstream)).toEqual({
    download: [],
    prepare: ["download"],
    dedup: ["prepare"],
    split: ["dedup", "prepare"],
    intents: ["dedup", "prepare"],
    flip: ["dedup", "intents", "prepare", "split"],
    render: ["flip", "intents", "prepare"],
    describe: names.slice(0, -1).sort(),
  });
});

test("only the card names the version of the code", () => {
  expect(dataset.stages.filter(({ namesCode }) => namesCode).map(({ name }) => name)).toEqual(["describe"]);
});

test("every stage says in a line what it is for", () => {
  for (const { name, summary } of dataset.stages) expect(summary, name).not.toBe("");
});
