import { z } from "zod";
import { FILE_FORMAT_NAMES } from "../../pipeline/files/row-files.ts";
import { TextOptions } from "../../pipeline/text/text-options.ts";
import { FORM_NAMES } from "../forms/index.ts";

const { chatTemplate, tokenizer, ...inText } = TextOptions.shape;

/** The options of `render`: the form, the files, and how a sample becomes text or tokens. */
export const RenderOptions = z.strictObject({
  form: z
    .preprocess((form) => (typeof form === "string" ? [form] : form), z.array(z.enum(FORM_NAMES)).min(1))
    .default(["samples"])
    .describe("columns of the rows: everything, token ids, or for a trainer; several forms lie side by side"),
  fileFormat: z.enum(FILE_FORMAT_NAMES).default("parquet").describe("kind of the dataset's files; arrow: for tokens"),
  layout: z
    .preprocess((layout) => (layout === "packed" ? "conversations" : layout), z.enum(["samples", "conversations"]))
    .default("samples")
    .describe("a row for each sample, or for each conversation with all its targets"),
  chatTemplate,
  tokenizer,
  maxTokens: z.int().min(1).nullable().default(2048).describe("most tokens of a row; null = any number"),
  overflow: z
    .enum(["shorten", "drop", "cut-right", "keep"])
    .default("shorten")
    .describe(
      "longer rows: leave out the oldest exchanges, the sample, the last tokens (targets are lost: what others did), or nothing",
    ),
  packing: z
    .boolean()
    .default(false)
    .describe("form tokens: put rows together up to maxTokens, positions beginning anew"),
  ...inText,
  whitespace: z.enum(["keep", "trim"]).default("keep").describe("white space at the ends of turns"),
  controlTokens: z
    .enum(["drop", "escape", "keep"])
    .default("drop")
    .describe(
      "control tokens spelled out by people, in the forms that a tokenizer reads as text: drop the sample, break them with a zero-width space, or keep",
    ),
});
export type RenderOptions = z.infer<typeof RenderOptions>;

/** The options that say how text is made. */
export function textOptions(options: RenderOptions): TextOptions {
  return z.object(TextOptions.shape).parse(options);
}

/** The form of a stage that is planned for one. */
export function formOf({ form }: Pick<RenderOptions, "form">): (typeof FORM_NAMES)[number] {
  const [name, ...others] = form;
  if (name === undefined || others.length > 0) throw new Error(`expected one form, found ${form.join(", ")}`);
  return name;
}
