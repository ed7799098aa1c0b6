import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { chatFormat } from "../../../../../pipeline/text/chat-template/chat-template.ts";
import { frameOf } from "../../../../../pipeline/text/chat-template/frame.ts";
import { BOS } from "../../../../../pipeline/text/text-options.ts";
import { useFolder } from "../../../../helpers/folder.ts";

const at = useFolder();
const OPTIONS = {
  bos: "template",
  bosToken: BOS,
  eosToken: "</s>",
  templateDate: "2024-07-26",
  newlineInLoss: true,
  stopInLoss: true,
} as const;
const KNOWN = [BOS, "<|im_start|>", "<|im_end|>", "[INST]", "[/INST]", "</s>"];

describe("the frame of a chat format", () => {
  test.each([
    ["userlm", true, ["\n"], "<|eot_id|>"],
    ["llama3", true, ["\n\n"], "<|eot_id|>"],
    ["chatml", true, ["system\n", "user\n", "assistant\n"], "<|im_end|>"],
    ["chatml", false, ["user\n", "assistant\n"], "<|im_end|>"],
  ])("of %s, intents %j", (name, hasIntents, headers, stop) => {
    expect(frameOf(chatFormat(name, OPTIONS, KNOWN), hasIntents)).toEqual({ headers, stop });
  });

  test.each([
    [
      "whose targets end in a token that begins the answer",
      "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }}[/INST]{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}",
      [" "],
      "[/INST]",
    ],
    [
      "that writes nothing between header and text",
      "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}",
      [],
      "<|im_end|>",
    ],
    ["without control tokens", "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}", ["user: "], null],
    [
      "with control tokens around roles alone",
      "{% for m in messages %}<|im_start|>{{ m.role }}<|im_end|>\n{{ m.content }}\n{% endfor %}",
      ["\n"],
      null,
    ],
  ])("of a Jinja template %s", (_, template, headers, stop) => {
    writeFileSync(at("chat.jinja"), template);
    expect(frameOf(chatFormat(at("chat.jinja"), OPTIONS, KNOWN), false)).toEqual({ headers, stop });
  });
});
