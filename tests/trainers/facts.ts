import type { Facts } from "../../stages/write/recipes/facts.ts";

/** What the datasets of these tests are. */
export function factsOf(form: string, more: Partial<Facts> = {}): Facts {
  return {
    form,
    format: "parquet",
    chatFormat: "userlm",
    layout: "samples",
    splits: ["train"],
    maxTokens: 2048,
    added: [{ token: "<|endconversation|>", id: 128_256 }],
    binPack: false,
    ...more,
  };
}
