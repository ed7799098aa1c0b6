import type { ChatRequest } from "./request.ts";

/** Counts the tokens of a text exactly; what people typed as a control token counts as the text that it is. */
export type CountTokens = (text: string) => number;

/** What every message of a chat costs beside its text, and what opens the answer: OpenAI's own numbers since gpt-3.5-turbo-0613. */
const A_MESSAGE = 4;
const AN_ANSWER = 3;

/** Letters in a row above which a text is cut: byte-pair merging is quadratic in them. No word comes near. */
const LONGEST_RUN = 400;

/**
 * The tokenizer of an OpenAI model: o200k, or cl100k for the models before gpt-4o. For models of other makers the count
 * is an estimate, and `isExact` is false. Loaded when it is first asked for: its vocabulary takes about 60 MB.
 */
export async function tokenizerFor(model: string): Promise<{ count: CountTokens; isExact: boolean }> {
  const isOld = /^gpt-(4(-|$)(?!o|1)|3\.5)/.test(model);
  const { countTokens } = isOld
    ? await import("gpt-tokenizer/encoding/cl100k_base")
    : await import("gpt-tokenizer/encoding/o200k_base");
  const asText = { disallowedSpecial: new Set<string>() };
  const isExact = /^(gpt-(3\.5|4|5)|chatgpt-|o[1-9])/.test(model);
  return { count: (text) => pieces(text).reduce((sum, each) => sum + countTokens(each, asText), 0), isExact };
}

/** The text in pieces such that no run of characters without a space, or of spaces, is longer than is good for a tokenizer. */
export function pieces(text: string): string[] {
  if (text.length <= LONGEST_RUN || !RUN.test(text)) return [text];
  const cut: string[] = [];
  let start = 0;
  for (const { index, 0: run } of text.matchAll(RUNS)) {
    for (let at = index + LONGEST_RUN; at < index + run.length; at += LONGEST_RUN) {
      // Never between the halves of a surrogate pair.
      const low = text.charCodeAt(at);
      const place = low >= 0xdc00 && low <= 0xdfff ? at + 1 : at;
      cut.push(text.slice(start, place));
      start = place;
    }
  }
  return [...cut, text.slice(start)].filter((each) => each !== "");
}

const RUN = new RegExp(`\\S{${LONGEST_RUN + 1}}|\\s{${LONGEST_RUN + 1}}`);
const RUNS = new RegExp(`\\S{${LONGEST_RUN + 1},}|\\s{${LONGEST_RUN + 1},}`, "g");

/** Input tokens of a whole request. */
export function requestTokens({ messages }: ChatRequest, count: CountTokens): number {
  return messages.reduce((sum, { content }) => sum + A_MESSAGE + count(String(content ?? "")), AN_ANSWER);
}
