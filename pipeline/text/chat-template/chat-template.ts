/**
 * Chat formats: how a dialogue becomes the text that a model reads. A format yields segments, so that what people typed
 * is never mistaken for a control token, and so that the loss covers the targets to the byte.
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { UsageError } from "../../errors.ts";
import type { Message, Segment } from "../segment.ts";
import type { ChatFormat, ChatOptions } from "./chat-format.ts";
import { jinjaFormat } from "./jinja.ts";
import { PYTHON, stripped } from "./strip.ts";

/** A format whose messages are written one by one, whatever stands around them. */
interface Plain {
  readonly open: readonly [before: string, after: string | null];
  readonly gap: string;
  readonly stop: string;
  readonly between: string;
  readonly hasBos: boolean;
  readonly trims: boolean;
  readonly template: string;
}

const LLAMA = { open: ["<|start_header_id|>", "<|end_header_id|>"], stop: "<|eot_id|>", between: "" } as const;

/** The formats by name. Sources: model cards of microsoft/UserLM-8b and Meta Llama 3; ChatML as Qwen and others write it. */
const FORMATS: Record<string, Plain> = {
  userlm: {
    ...LLAMA,
    gap: "\n",
    hasBos: false,
    trims: false,
    template:
      "{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n' + message['content'] + '<|eot_id|>' }}{% endfor %}{{ '<|start_header_id|>user<|end_header_id|>' }}",
  },
  llama3: {
    ...LLAMA,
    gap: "\n\n",
    hasBos: true,
    trims: true,
    template:
      "{{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>user<|end_header_id|>\\n\\n' }}{% endif %}",
  },
  chatml: {
    open: ["<|im_start|>", null],
    gap: "\n",
    stop: "<|im_end|>",
    between: "\n",
    hasBos: false,
    trims: false,
    template:
      "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>user\\n' }}{% endif %}",
  },
};

/** True for the name of a format; anything else is the path of a Jinja template. */
export function isFormatName(name: string): boolean {
  return Object.hasOwn(FORMATS, name);
}

/**
 * The chat format of that name, or of the Jinja template in that file. `known` are the control tokens to look for in a
 * template's own text. Throws UsageError for a file that cannot be read or is not a template.
 */
export function chatFormat(name: string, options: ChatOptions, known: readonly string[]): ChatFormat {
  const plain = FORMATS[name];
  if (plain) return plainFormat(name, plain, options);
  let source: string;
  try {
    source = readFileSync(name, "utf8");
  } catch (cause) {
    const names = Object.keys(FORMATS).join(", ");
    throw new UsageError(`--chat-template ${name}: neither one of ${names} nor a file that can be read`, { cause });
  }
  return jinjaFormat(basename(name), source, options, known);
}

function plainFormat(name: string, format: Plain, options: ChatOptions): ChatFormat {
  const { open, gap, stop, between, template } = format;
  const hasBos = options.bos === "always" || (options.bos === "template" && format.hasBos);
  const fixed = (text: string, control: boolean, loss = false): Segment => ({ text, control, loss });
  const bos = hasBos ? [fixed(options.bosToken, true)] : [];
  const header = (role: string) => [
    fixed(open[0], true),
    fixed(role, false),
    ...(open[1] === null ? [] : [fixed(open[1], true)]),
  ];
  const headers = { system: header("system"), user: header("user"), assistant: header("assistant") };
  const trained = { gap: fixed(gap, false, options.newlineInLoss), stop: fixed(stop, true, options.stopInLoss) };
  const untrained = { gap: fixed(gap, false), stop: fixed(stop, true) };
  const after = between === "" ? [] : [fixed(between, false)];
  const message = ({ role, content, loss, end }: Message): Segment[] => {
    const text = format.trims ? stripped(content, PYTHON) : content;
    const around = loss ? trained : untrained;
    return [...headers[role], around.gap, ...(text === "" ? [] : [{ text, control: end, loss }]), around.stop];
  };
  return {
    name,
    template,
    controls: [...(hasBos ? [options.bosToken] : []), open[0], ...(open[1] === null ? [] : [open[1]]), stop],
    isLocal: true,
    render: (messages) => [
      ...bos,
      ...messages.flatMap((each, at) => (at === 0 ? message(each) : [...after, ...message(each)])),
    ],
  };
}
