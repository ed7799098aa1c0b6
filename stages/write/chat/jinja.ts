import { Template } from "@huggingface/jinja";
import { UsageError } from "../../../pipeline/errors.ts";
import { oneOf } from "../../../schemas/control.ts";
import type { ChatFormat, ChatOptions } from "../chat.ts";
import type { Message, Segment } from "../rendered.ts";
import { pythonStrip } from "./strip.ts";

/** What a template may do to the text of a message: nothing, or strip it, which JavaScript and Python do differently. */
const WAYS = [
  { js: (text: string) => text, meant: (text: string) => text },
  { js: (text: string) => text.trim(), meant: pythonStrip },
];

/**
 * A Jinja chat template as a chat format. The template is rendered twice: with marks in place of the messages, which
 * shows what it writes around them, and with the messages, which shows that it writes these whole. A target's loss
 * begins with the white space before its text and ends with the first control token after it.
 * Throws UsageError for a template that does not parse, refuses the messages, or changes them.
 */
export function jinjaFormat(name: string, source: string, options: ChatOptions, known: readonly string[]): ChatFormat {
  const template = parse(name, source);
  const tokens = { bos_token: options.bosToken, eos_token: options.eosToken };
  const render = (messages: readonly { role: string; content: string }[]): string => {
    try {
      return template.render({ messages, ...tokens, add_generation_prompt: false });
    } catch (cause) {
      throw new UsageError(`${name}: the template refuses a dialogue: ${(cause as Error).message}`, { cause });
    }
  };
  const pattern = new RegExp(`(${oneOf(known)})`);
  return {
    name,
    template: source,
    isLocal: false,
    controls: known.filter(
      (token) => source.includes(token) || (options.bos === "always" && token === options.bosToken),
    ),
    render(messages) {
      const marked = render(messages.map(({ role }, at) => ({ role, content: mark(at) })));
      const whole = render(messages);
      const around = literals(marked, messages.length, name);
      const contents = WAYS.map(({ js, meant }) => ({
        found: messages.map(({ content }) => js(content)),
        meant: messages.map(({ content }) => meant(content)),
      })).find(({ found }) => weave(around, found) === whole)?.meant;
      if (!contents)
        throw new UsageError(
          `${name}: the template changes the text of messages beyond stripping white space, so that targets cannot be told from what stands around them`,
        );
      const segments = assemble(messages, around, contents, { options, pattern });
      return withBos(segments, options);
    },
  };
}

function parse(name: string, source: string): Template {
  try {
    return new Template(source);
  } catch (cause) {
    throw new UsageError(`${name}: not a Jinja chat template: ${(cause as Error).message}`, { cause });
  }
}

/** Stands for message `at`; private-use characters, which no template writes. */
const mark = (at: number): string => `\ue000${at}\ue001`;

/** What the template writes before, between and after the messages. */
function literals(marked: string, messages: number, name: string): string[] {
  const parts = marked.split(/\ue000\d+\ue001/);
  const order = [...marked.matchAll(/\ue000(\d+)\ue001/g)].map((found) => Number(found[1]));
  if (parts.length !== messages + 1 || order.some((at, place) => at !== place))
    throw new UsageError(`${name}: the template leaves out messages, repeats them or changes their order`);
  return parts;
}

const weave = (around: readonly string[], contents: readonly string[]): string =>
  around.map((part, at) => part + (contents[at] ?? "")).join("");

function assemble(
  messages: readonly Message[],
  around: readonly string[],
  contents: readonly string[],
  { options, pattern }: { options: ChatOptions; pattern: RegExp },
): Segment[] {
  const cut = (text: string, loss: boolean): Segment[] =>
    text
      .split(pattern)
      .map((part, at) => ({ text: part, control: at % 2 === 1, loss }))
      .filter((segment) => segment.text !== "");
  const segments: Segment[] = [];
  let literal = around[0] ?? "";
  for (const [at, message] of messages.entries()) {
    const gap = /\s*$/.exec(literal)?.[0] ?? "";
    const header = literal.slice(0, literal.length - gap.length);
    segments.push(...cut(header, false), ...cut(gap, message.loss && options.newlineInLoss));
    const text = contents[at] ?? "";
    if (text !== "") segments.push({ text, control: message.end, loss: message.loss });
    literal = around[at + 1] ?? "";
    if (!message.loss && at < messages.length - 1) continue;
    const stop = stopOf(literal, pattern, at === messages.length - 1);
    segments.push(...cut(stop, message.loss && options.stopInLoss));
    literal = literal.slice(stop.length);
  }
  return segments;
}

/** What ends a message: all up to its first control token, or, where a template has none, all that follows the last. */
function stopOf(literal: string, pattern: RegExp, isLast: boolean): string {
  const found = pattern.exec(literal);
  if (found) return literal.slice(0, found.index + found[0].length);
  return isLast ? literal : "";
}

function withBos(segments: Segment[], { bos, bosToken }: ChatOptions): Segment[] {
  const has = segments[0]?.control === true && segments[0].text === bosToken;
  if (bos === "always" && !has) return [{ text: bosToken, control: true, loss: false }, ...segments];
  return bos === "never" && has ? segments.slice(1) : segments;
}
