/**
 * What a model said, without what it only thought: servers that do not part the two leave blocks of thoughts, marks of
 * channels and control tokens at the ends of the text.
 */

/** Thoughts in front of an answer, by the marks of DeepSeek-R1 and Qwen, Kimi, Magistral, Seed and others. */
const MARKS: readonly (readonly [open: string, close: string])[] = [
  ["<think>", "</think>"],
  ["<thinking>", "</thinking>"],
  ["<thought>", "</thought>"],
  ["<reasoning>", "</reasoning>"],
  ["<reflection>", "</reflection>"],
  ["<seed:think>", "</seed:think>"],
  ["<|begin_of_thought|>", "<|end_of_thought|>"],
  ["◁think▷", "◁/think▷"],
  ["[THINK]", "[/THINK]"],
];
/** The channel that holds the answer, in gpt-oss's harmony format. */
const FINAL = /<\|channel\|>\s*final[^<]*<\|message\|>/gi;
const CHANNEL = /^(?:<\|start\|>\s*assistant\s*)?<\|channel\|>/i;
/** The same where a server has taken the marks away. */
const BARE_CHANNELS = /^analysis[\s\S]*assistantfinal/;
/** Control tokens that may stand before an answer, and after it. */
const BEFORE = [
  "<|start_header_id|>assistant<|end_header_id|>",
  "<|im_start|>assistant",
  "<|begin_of_text|>",
  "<start_of_turn>model",
  "<s>",
];
const AFTER = [
  ...["<|return|>", "<|end|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>"],
  ...["<|end_of_turn|>", "<end_of_turn>", "</s>", "<eos>"],
];

/** The text that was meant for whoever asked; empty where a block of thoughts was never closed. */
export function spoken(text: string): string {
  let rest = text;
  if (CHANNEL.test(rest.trimStart())) {
    const last = [...rest.matchAll(FINAL)].at(-1);
    rest = last === undefined ? "" : rest.slice(last.index + last[0].length);
  } else if (BARE_CHANNELS.test(rest)) rest = rest.replace(BARE_CHANNELS, "");
  for (let before = ""; before !== rest; ) {
    before = rest;
    rest = withoutThoughts(withoutEdges(rest));
  }
  return rest;
}

function withoutEdges(text: string): string {
  let rest = text.trim();
  for (let before = ""; before !== rest; ) {
    before = rest;
    const start = BEFORE.find((mark) => rest.startsWith(mark));
    const end = AFTER.find((mark) => rest.endsWith(mark));
    rest = rest.slice(start?.length ?? 0, end === undefined ? undefined : -end.length).trim();
  }
  return rest;
}

function withoutThoughts(text: string): string {
  for (const [open, close] of MARKS) {
    const end = text.indexOf(close);
    const isOpen = text.startsWith(open);
    // A lone end: the template of the model had opened the block in the prompt.
    if (end >= 0 && (isOpen || !text.slice(0, end).includes(open))) return text.slice(end + close.length);
    if (isOpen) return "";
  }
  return text;
}
