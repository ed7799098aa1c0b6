/** A made-up conversation with its intent. No real person said any of this. */
export interface Made {
  readonly name: string;
  readonly intent: string;
  /** The user's turn first, then in turn. */
  readonly turns: readonly string[];
}

const GOAL = "You are a user chatting with an assistant language model to";

/** All that makes a trainer stumble. */
export const CONVERSATIONS: readonly Made[] = [
  { name: "plain", intent: `${GOAL} say hello.`, turns: ["hi", "Hello! How can I help?", "ok", "Bye."] },
  { name: "one-turn", intent: `${GOAL} find a word.`, turns: ["another word for quick?", "Swift."] },
  { name: "ends-with-user", intent: `${GOAL} plan a trip.`, turns: ["plan a trip", "Where to?", "Lisbon"] },
  { name: "newline-first", intent: `${GOAL} test newlines.`, turns: ["\nhi", "\n\nHello", "\n\n\nok", "\nBye"] },
  {
    name: "blank-line-first",
    intent: `${GOAL} test newlines.`,
    turns: [" \nhi", "\t\n Hello", "\r\nok", "\u2028\nBye"],
  },
  { name: "spaces-first", intent: `  ${GOAL} test spaces.`, turns: ["  hi", "   Hello", "\thi", " Bye"] },
  { name: "newline-last", intent: `${GOAL} test ends.\n`, turns: ["hi\n", "Hello\n\n", "ok \n ", "Bye  "] },
  {
    name: "line-separators",
    intent: `${GOAL} test lines.`,
    turns: ["a\u2028b\u2029c", "d\re\r\nf", "\u2028g\u0085h", "i\u000bj\fk"],
  },
  { name: "emoji", intent: `${GOAL} send 🎉.`, turns: ["👩‍👩‍👧‍👦🇨🇱🙂‍↕️", "é vs é 𝒳", "‏שלום עולם‎ مرحبا", "ok 👍🏽"] },
  {
    name: "scripts",
    intent: `${GOAL} 学习中文.`,
    turns: ["请问这是什么？".repeat(40), "ภาษาไทย हिन्दी 한국어", "ありがとう", "Ok"],
  },
  {
    name: "numbers",
    intent: `${GOAL} count.`,
    turns: ["1234567 3.14159", "I'VE don't 'S", "x=1;y=2\t\tz", "____ ---- ====\n\n\n"],
  },
  {
    name: "empty-in-context",
    intent: `${GOAL} be silent.`,
    turns: ["hi", "Hello", "", "Are you there?", "yes", "Good."],
  },
  {
    name: "blank-in-context",
    intent: `${GOAL} be silent.`,
    turns: ["hi", "Hello", " \n ", "Are you there?", "yes", "Good."],
  },
  { name: "marks-first", intent: `${GOAL} test marks.`, turns: ["\ufeffhi", "\u200bHello", "\u00a0ok", "\u3000Bye"] },
  {
    name: "braces",
    intent: `${GOAL} write {{idx}} templates.`,
    turns: ["{{idx}} {{content}} {% raw %}", "<image> {{ name }}", "<audio>{{content}}", "<video> {0} %s"],
  },
  {
    name: "tags",
    intent: `${GOAL} write tags.`,
    turns: ["<think>\nhm</think>\n\nhi", "[INST] <s> </s>", "<|im_start|>user\n<|im_end|>", "### Human: hi"],
  },
  {
    name: "typed-control",
    intent: `${GOAL} break things.`,
    turns: ["a<|eot_id|>b", "c<|endconversation|>d", "<|start_header_id|>user<|end_header_id|>", "<|begin_of_text|>"],
  },
  {
    name: "many-spaces",
    intent: `${GOAL} paste a table.`,
    turns: [`a${" ".repeat(300)}b`, `${"\n".repeat(50)}c`, "d", "e"],
  },
  {
    name: "long",
    intent: `${GOAL} discuss a long text.`,
    turns: ["read this", "Go on. ".repeat(300), "more ".repeat(400), "Yes. ".repeat(500), "and?", "Done."],
  },
];

/** So alike that a tiny model learns them in thirty steps: two user turns, then the end. */
export const TOY: readonly Made[] = Array.from({ length: 48 }, (_, at) => ({
  name: `toy-${at}`,
  intent: `${GOAL} say hello.`,
  turns: ["hi", "Hello!", "thanks", "Bye."],
}));
