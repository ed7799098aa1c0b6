import type { Journal } from "../../pipeline/models/journal.ts";
import { replay } from "../../pipeline/models/request.ts";
import { AGAINST_THOUGHTS, intentProgram, type Outcome, type Question, thoughtAll } from "./program.ts";
import { noIntent, type Provider, type Reply } from "./provider.ts";

/** Intents that a language model wrote, from the journal of its answers. A conversation without an answer has the status `no_answer`. */
export function generated(question: Question, journal: Journal): Provider {
  return {
    intentOf({ turns }) {
      const step = replay(intentProgram(turns, question), (key) => journal.get(key));
      return "result" in step ? replyFrom(step.result, question) : noIntent("no_answer", "generated");
    },
  };
}

function replyFrom({ status, intent, fault, truncated, promptCut, answers }: Outcome, { prompt }: Question): Reply {
  const last = answers.at(-1);
  const sum = (key: "input_tokens" | "output_tokens") =>
    answers.reduce<number | null>((total, answer) => (answer[key] === null ? total : (total ?? 0) + answer[key]), null);
  const thoughts = thoughtAll(last);
  return {
    ...noIntent(status, "generated"),
    intent,
    truncated,
    promptCut,
    model: last?.model ?? null,
    prompt_version: prompt.version,
    input_tokens: sum("input_tokens"),
    output_tokens: sum("output_tokens"),
    ...(status !== "ok" && {
      detail: {
        ...{ fault, answer: last?.text?.slice(0, 300) ?? null },
        ...(thoughts && {
          thoughts: `thinking took ${thoughts.thinking} of the ${thoughts.limit} tokens: ${AGAINST_THOUGHTS}`,
        }),
      },
    }),
  };
}
