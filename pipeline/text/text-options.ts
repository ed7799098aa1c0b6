import { z } from "zod";
import { namesFiles } from "../setting-marks.ts";

/** Begin-of-text of the format `llama3`, which is added to a tokenizer that lacks it; one of another name has to be there. */
export const BOS = "<|begin_of_text|>";

/** How dialogues become text and text becomes tokens: the same wherever a model is trained, scored or asked. */
export const TextOptions = z.strictObject({
  chatTemplate: namesFiles(
    z
      .string()
      .default("userlm")
      .describe("how a dialogue is written as text: userlm, llama3, chatml, or a file with a Jinja chat template"),
    "name/file",
  ),
  tokenizer: namesFiles(
    z.string().default("llama3").describe("llama3, a tokenizer.json, or none: nothing is counted and nothing too long"),
    "name/file",
  ),
  bos: z
    .enum(["template", "always", "never"])
    .default("template")
    .describe("the begin-of-text token in front; userlm has none"),
  bosToken: z.string().default(BOS).describe("what begin-of-text is called"),
  eosToken: z.string().default("<|end_of_text|>").describe("what a Jinja template is told to be end-of-text"),
  templateDate: z.iso
    .date()
    .default("2024-07-26")
    .describe("the day that a Jinja template which asks for today's date (`strftime_now`) is told, such as 2024-07-26"),
  newlineInLoss: z
    .boolean()
    .default(true)
    .describe("the white space between header and target is trained: inference leaves it to the model"),
  stopInLoss: z
    .boolean()
    .default(true)
    .describe("the token that ends a target is trained, also after the end: generation stops on it"),
});
export type TextOptions = z.infer<typeof TextOptions>;
