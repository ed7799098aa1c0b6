import { readFile } from "node:fs/promises";
import { z } from "zod";
import { UsageError } from "../../errors.ts";

const AddedToken = z.looseObject({ id: z.int().nonnegative(), content: z.string().min(1) });

const Component = z.looseObject({ type: z.string() }).nullable().default(null);

/** The ids of tokens, or (Unigram) tokens with their scores in the order of their ids. */
const Vocabulary = z.custom<Record<string, number> | readonly (readonly [string, number])[]>(
  isVocabulary,
  "expected tokens and their ids",
);

/** What every `tokenizer.json` of Hugging Face `tokenizers` holds. */
const TokenizerFile = z.looseObject({
  model: z.looseObject({ type: z.enum(["BPE", "Unigram", "WordPiece"]).optional(), vocab: Vocabulary }),
  added_tokens: z.array(AddedToken).default([]),
  normalizer: Component,
  pre_tokenizer: Component,
  decoder: Component,
});
export type TokenizerFile = z.infer<typeof TokenizerFile>;

/** Reads a `tokenizer.json`. Throws UsageError if there is no such file or if it is not one. */
export async function readTokenizerFile(path: string): Promise<TokenizerFile> {
  const parsed = TokenizerFile.safeParse(await readJson(path));
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues[0];
  throw new UsageError(
    `${path}: not a tokenizer.json: ${problem?.path.join(".") || "the file"}: ${problem?.message}; expected the file that Hugging Face tokenizers writes`,
  );
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    if (cause instanceof SyntaxError)
      throw new UsageError(`${path}: not a tokenizer.json: ${cause.message}`, { cause });
    const why = READ_PROBLEMS.get((cause as NodeJS.ErrnoException).code ?? "");
    if (why) throw new UsageError(`${path}: ${why}; expected the path of a tokenizer.json`, { cause });
    throw cause;
  }
}

const READ_PROBLEMS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "no such file"],
  ["ENOTDIR", "no such file"],
  ["EISDIR", "is a folder"],
  ["EACCES", "no permission to read it"],
  ["EPERM", "no permission to read it"],
]);

// By hand: a zod record leaves out a token that is spelled `__proto__`, and takes longer than reading the file.
function isVocabulary(value: unknown): boolean {
  if (Array.isArray(value))
    return value.every((entry) => Array.isArray(entry) && typeof entry[0] === "string" && typeof entry[1] === "number");
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).every((id) => Number.isInteger(id) && id >= 0);
}

/** All tokens of the file with their ids, the added ones last. */
export function* tokensOf({ model, added_tokens }: TokenizerFile): Generator<[spelling: string, id: number]> {
  if (Array.isArray(model.vocab)) for (const [id, [spelling]] of model.vocab.entries()) yield [spelling, id];
  else yield* Object.entries(model.vocab);
  for (const { content, id } of added_tokens) yield [content, id];
}

/**
 * The control tokens: all that were added to the vocabulary, special or not, since a tokenizer that is given text takes
 * the spelling of any of them for the token. Runs of white space that were added (GPT-NeoX, Gemma) are text; HTML tags
 * that were (Gemma) are control tokens all the same, since nothing tells them apart.
 */
export function controlsOf({ added_tokens }: TokenizerFile): Map<string, number> {
  const controls = added_tokens.filter(({ content }) => !isBlank(content));
  return new Map(controls.map(({ content, id }) => [content, id]));
}

/** True of an added token that is white space alone, or what SentencePiece writes for a space. */
export function isBlank(content: string): boolean {
  return /^[\s▁]+$/.test(content);
}
