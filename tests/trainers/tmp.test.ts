import { test } from "vitest";
import { writeText } from "../../pipeline/files.ts";
import { recipes } from "../../stages/write/recipes.ts";
import { factsOf } from "./facts.ts";

test("x", () => {
  for (const form of ["tokens", "trl", "axolotl", "llama-factory", "torchtune", "openai", "messages"])
    for (const { path, text } of recipes(factsOf(form))) writeText(`/tmp/tr/ds/${form}/dataset/${path}`, text);
});
