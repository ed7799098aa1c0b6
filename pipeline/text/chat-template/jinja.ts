import { Template } from "@huggingface/jinja";
import { utcFormat } from "d3-time-format";
import { UsageError } from "../../errors.ts";
import { oneOf } from "../control-tokens.ts";
import type { Message, Segment } from "../segment.ts";
import { renderBounded } from "./bounded.ts";
import type { ChatFormat, ChatOptions } from "./chat-format.ts";
import { type Ends, JAVASCRIPT, PYTHON, stripped } from "./strip.ts";

/**
 * A Jinja chat template as a chat format. The template is rendered with marks in place of the messages, which shows what
 * it writes around them and whether it strips them, and with the messages, which shows that it does nothing else to
 * these. Marks are rendered once for each order of roles. A target's loss begins with the white space before its text and
 * ends with the first control token after it.
 * Throws UsageError for a template that does not parse, refuses the messages, or changes them.
 */
export function jinjaFormat(name: string, source: string, options: ChatOptions, known: readonly string[]): ChatFormat {
  const template = parse(name, source);
  const day = new Date(`${options.templateDate}T00:00:00Z`);
  const context = {
    bos_token: options.bosToken,
    eos_token: options.eosToken,
    strftime_now: (format: unknown) => utcFormat(String(format))(day),
  };
  const render = (messages: readonly { role: string; content: string }[]): string => {
    try {
      return renderBounded(template, messages, context);
    } catch (cause) {
      throw new UsageError(`${name}: the template refuses a dialogue: ${(cause as Error).message}`, { cause });
    }
  };
  const pattern = new RegExp(`(${oneOf(known)})`);
  const outlines = new Map<string, Outline>();
  const outlineOf = (messages: readonly Message[]): Outline => {
    const roles = messages.map(({ role }) => role);
    const key = roles.join();
    let outline = outlines.get(key);
    if (!outline) {
      outline = readOutline(
        name,
        (contents) => render(roles.map((role, at) => ({ role, content: contents[at] ?? "" }))),
        roles.length,
      );
      outlines.set(key, outline);
    }
    return outline;
  };
  return {
    name,
    template: source,
    isLocal: false,
    controls: known.filter(
      (token) => source.includes(token) || (options.bos === "always" && token === options.bosToken),
    ),
    render(messages) {
      const { around, strips } = outlineOf(messages);
      // The engine here strips as JavaScript does, the one that trains as Python does.
      const found = messages.map(({ content }, at) => stripped(content, JAVASCRIPT, strips[at] as Ends));
      if (weave(around, found) !== render(messages))
        throw new UsageError(
          `${name}: the template changes the text of messages beyond stripping white space, so that targets cannot be told from what stands around them`,
        );
      const contents = messages.map(({ content }, at) => stripped(content, PYTHON, strips[at] as Ends));
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

/** What a template writes around messages in an order of roles, and what it takes from each of them. */
interface Outline {
  /** What stands before, between and after the messages. */
  readonly around: readonly string[];
  /** For each message whether the white space at its start and at its end goes. */
  readonly strips: readonly Ends[];
}

/** Stand around the number of a message; private-use characters, which no template writes. */
const MARKS = ["\ue000", "\ue001"] as const;
/** White space that no template writes, and that both JavaScript and Python strip. */
const PAD = "\u2003";

/** The outline of that many messages. Throws UsageError if the template leaves out messages, repeats them or moves them. */
function readOutline(name: string, render: (contents: readonly string[]) => string, messages: number): Outline {
  const contents = Array.from({ length: messages }, (_, at) => `${PAD}${MARKS[0]}${at}${MARKS[1]}${PAD}`);
  const parts = render(contents).split(new RegExp(`(${PAD}?)${MARKS[0]}(\\d+)${MARKS[1]}(${PAD}?)`));
  const order = Array.from({ length: (parts.length - 1) / 4 }, (_, at) => Number(parts[4 * at + 2]));
  if (order.length !== messages || order.some((at, place) => at !== place))
    throw new UsageError(`${name}: the template leaves out messages, repeats them or changes their order`);
  return {
    around: parts.filter((_, at) => at % 4 === 0),
    strips: order.map((at) => [parts[4 * at + 1] === "", parts[4 * at + 3] === ""]),
  };
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
