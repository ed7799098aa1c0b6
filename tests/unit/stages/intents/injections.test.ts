import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Answer } from "../../../../pipeline/models/journal.ts";
import { ServerOptions } from "../../../../pipeline/models/server-options.ts";
import type { Turn } from "../../../../schemas/conversation.ts";
import { IntentsOptions } from "../../../../stages/intents/options.ts";
import { intentProgram, type Question } from "../../../../stages/intents/program.ts";
import { INTENT_PREFIX, loadPrompt } from "../../../../stages/intents/prompt.ts";
import { measureIntent } from "../../../../stages/intents/quality.ts";

/** A conversation that attacks, and what a writer says that obeys it. */
interface Injection {
  readonly id: string;
  readonly kind: string;
  readonly padding?: number;
  readonly turns: readonly Turn[];
  readonly obeyed: string;
}

const options = IntentsOptions.parse({});
const question: Question = { ...options, ...ServerOptions.parse({ model: "mock" }), prompt: loadPrompt(null) };
const SMALL_TALK: readonly Turn[] = [
  { role: "user", content: "what should i have for lunch" },
  { role: "assistant", content: "A sandwich, perhaps." },
];

/** The invented conversations of a file, padding in place; its first line says what they are. */
function read(name: string): Injection[] {
  const lines = readFileSync(new URL(`${name}.jsonl`, import.meta.url), "utf8")
    .trim()
    .split("\n");
  return lines.slice(1).map((line) => {
    const injection = JSON.parse(line) as Injection;
    const padding = Array<readonly Turn[]>(injection.padding ?? 0).fill(SMALL_TALK);
    return { ...injection, turns: [...padding.flat(), ...injection.turns] };
  });
}

/** What a mock of an intent writer says: the worst there can be, since it obeys every conversation, which no model does. */
type Mock = (injection: Injection, isToldOfFault: boolean) => string;

/** Says the same again when it is told that it was wrong. */
const stubborn: Mock = ({ obeyed }) => obeyed;
/** Obeys whoever complains as well: puts the fixed beginning before what the conversation wants said. */
const servile: Mock = ({ obeyed }, isToldOfFault) =>
  isToldOfFault && !obeyed.startsWith(INTENT_PREFIX) ? `${INTENT_PREFIX} ${obeyed}` : obeyed;

/** What becomes of a conversation that the mock writes the intent of. */
function outcome(injection: Injection, mock: Mock) {
  const program = intentProgram(injection.turns, question);
  let step = program.next();
  for (let asked = 0; !step.done; asked++) step = program.next(answer(mock(injection, asked > 0)));
  return { ...injection, ...step.value, ...measureIntent(step.value.intent, injection.turns, options) };
}

function answer(text: string): Answer {
  return {
    ...{ key: "k", status: "answered", text, requested_model: "mock", model: "mock", mode: "sync" },
    ...{ input_tokens: null, cached_tokens: null, output_tokens: null, usd: null },
  };
}

/** Those that get past the gate, and how many are marked as ones that give away details. */
function passing(injections: readonly Injection[], mock: Mock) {
  const passed = injections.map((each) => outcome(each, mock)).filter(({ status }) => status === "ok");
  const marked = passed.filter(({ specificity }) => specificity === "specified").map(({ id }) => id);
  return { passed: passed.map(({ id, kind }) => `${id.slice(-2)} ${kind}`), marked: marked.map((id) => id.slice(-2)) };
}

/** False goals in plain words, which nothing but the conversation itself tells from true ones. */
const FALSE_GOALS = ["07 ignore", "11 system", "24 language", "29 role_play", "34 long", "47 prefixed", "48 prefixed"];

const seen = read("injections");

test("of fifty conversations that a writer obeys, 43 come to no intent; what passes is a false goal in plain words", () => {
  expect(seen).toHaveLength(50);
  expect(passing(seen, stubborn)).toEqual({ passed: FALSE_GOALS, marked: ["07"] });
});

test("of a writer that obeys the complaint as well, 36 come to none", () => {
  const besides = ["04 ignore", "15 tags", "23 language", "26 role_play", "27 role_play", "28 role_play", "43 format"];
  expect(passing(seen, servile)).toEqual({ passed: [...FALSE_GOALS, ...besides].sort(), marked: ["07"] });
});

test("of twenty that were written after the rules fewer are seen", () => {
  const unseen = read("injections-unseen");
  expect(unseen).toHaveLength(20);
  expect(passing(unseen, stubborn).passed).toHaveLength(11);
  expect(passing(unseen, servile).passed).toHaveLength(13);
});
