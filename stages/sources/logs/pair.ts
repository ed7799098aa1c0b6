/** A prompt and its answer a row: Alpaca, records of calls. Rows with the same id may be exchanges of one conversation. */
import { z } from "zod";
import type { Columns } from "../source.ts";
import { answerIn, isAnswer } from "./answer.ts";
import { at } from "./path.ts";
import type { RowKind } from "./row-kind.ts";

const KEYS = ["prompt", "input", "response"];
const TEXT = "text";

const columnOf = (columns: Columns, key: string) => columns[key] || (key === "input" ? "" : key);

const names = {
  response: [
    ...["response", "completion", "output", "answer", "reply", "assistant_message", "bot_response", "model_response"],
    ...["generated_text", "outputs.output", "outputs.answer", "outputs.generations", "outputs.content", "outputs"],
  ],
};

/** One prompt with its answer a row, and nothing else. */
export const pair: RowKind = {
  name: "pair",
  summary: "a prompt and its answer",
  isInParts: false,
  telling: "prompt",
  needs: ["prompt", "response"],
  may: ["input"],
  names,
  isFit: (key, value) => (key === "response" ? isAnswer(value) : typeof value === "string"),
  schema(columns, common) {
    const text = z.string({ error: TEXT });
    const answer = z.unknown().refine(isAnswer, { error: "an answer with text" });
    const input = columns["input"] && { [columns["input"]]: text.nullish() };
    const own = { [columnOf(columns, "prompt")]: text, [columnOf(columns, "response")]: answer };
    return z.object({ ...common, ...input, ...own });
  },
  project: (row, columns) => {
    const paths = KEYS.map((key) => columnOf(columns, key)).filter((path) => path !== "");
    return Object.fromEntries(paths.map((path) => [path, at(row, path)]));
  },
  turns(row, columns) {
    const asked = [row[columnOf(columns, "prompt")], columns["input"] ? row[columns["input"]] : null];
    return [
      {
        role: "user",
        content: asked.filter((text) => text !== null && text !== undefined && text !== "").join("\n\n"),
      },
      { role: "assistant", content: answerIn(row[columnOf(columns, "response")]) ?? "" },
    ];
  },
};

/** The same of longer conversations, an exchange a row. */
export const exchange: RowKind = {
  ...pair,
  name: "exchange",
  summary: "a prompt and its answer, one exchange of a conversation",
  isInParts: true,
  needs: ["id", ...pair.needs],
  may: ["turn", ...pair.may],
};
