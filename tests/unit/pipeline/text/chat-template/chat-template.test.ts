import { writeFileSync } from "node:fs";
import { Template } from "@huggingface/jinja";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ChatOptions } from "../../../../../pipeline/text/chat-template/chat-format.ts";
import { chatFormat } from "../../../../../pipeline/text/chat-template/chat-template.ts";
import { END } from "../../../../../pipeline/text/control-tokens.ts";
import { joined, type Message } from "../../../../../pipeline/text/segment.ts";
import { conversation } from "../../../../helpers/conversation.ts";
import { useFolder } from "../../../../helpers/folder.ts";
import { texts } from "../../../../helpers/texts.ts";
import { written } from "../../../../helpers/written.ts";

const at = useFolder();
const INTENT = "You are a user chatting with an assistant language model to say hello.";
const TWO = conversation("user: hi", "assistant: hello\nthere", "user: ok", "assistant: bye");
const OPTIONS: ChatOptions = {
  bos: "template",
  bosToken: "<|begin_of_text|>",
  eosToken: "<|end_of_text|>",
  templateDate: "2024-07-26",
  newlineInLoss: true,
  stopInLoss: true,
};
const KNOWN = [
  "<|begin_of_text|>",
  "<|start_header_id|>",
  "<|end_header_id|>",
  "<|eot_id|>",
  END,
  "<|im_start|>",
  "<|im_end|>",
];

/** Prompt and completion of the samples of a conversation. */
async function pairs(
  options: Parameters<typeof written>[0],
  intent: string | null,
  one = TWO,
): Promise<[string, string][]> {
  const { rows } = await written({ form: "trl", controlTokens: "keep", ...options }, intent, one);
  return rows.map(({ prompt, completion }) => [prompt, completion]);
}

describe("the text of two turns and their end, byte for byte", () => {
  test("in the format of microsoft/UserLM-8b", async () => {
    const system = `<|start_header_id|>system<|end_header_id|>\n${INTENT}<|eot_id|>`;
    const open = "<|start_header_id|>user<|end_header_id|>";
    const first = `${open}\nhi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\nhello\nthere<|eot_id|>`;
    const second = `${open}\nok<|eot_id|><|start_header_id|>assistant<|end_header_id|>\nbye<|eot_id|>`;
    expect(await pairs({}, INTENT)).toEqual([
      [`${system}${open}`, "\nhi<|eot_id|>"],
      [`${system}${first}${open}`, "\nok<|eot_id|>"],
      [`${system}${first}${second}${open}`, "\n<|endconversation|><|eot_id|>"],
    ]);
    expect((await pairs({}, null))[0]).toEqual([open, "\nhi<|eot_id|>"]);
  });

  test("in the stock format of Llama 3", async () => {
    const system = `<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n${INTENT}<|eot_id|>`;
    const open = "<|start_header_id|>user<|end_header_id|>";
    const first = `${open}\n\nhi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nhello\nthere<|eot_id|>`;
    const second = `${open}\n\nok<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nbye<|eot_id|>`;
    expect(await pairs({ chatTemplate: "llama3" }, INTENT)).toEqual([
      [`${system}${open}`, "\n\nhi<|eot_id|>"],
      [`${system}${first}${open}`, "\n\nok<|eot_id|>"],
      [`${system}${first}${second}${open}`, "\n\n<|endconversation|><|eot_id|>"],
    ]);
  });

  test("in ChatML", async () => {
    const system = `<|im_start|>system\n${INTENT}<|im_end|>\n`;
    const first = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nhello\nthere<|im_end|>\n";
    const second = "<|im_start|>user\nok<|im_end|>\n<|im_start|>assistant\nbye<|im_end|>\n";
    expect(await pairs({ chatTemplate: "chatml" }, INTENT)).toEqual([
      [`${system}<|im_start|>user`, "\nhi<|im_end|>"],
      [`${system}${first}<|im_start|>user`, "\nok<|im_end|>"],
      [`${system}${first}${second}<|im_start|>user`, "\n<|endconversation|><|im_end|>"],
    ]);
  });
});

describe("the token ids of a first turn and an end", () => {
  const hi = conversation("user: hi", "assistant: hi");
  test.each([
    ["userlm", [128006, 882, 128007, 198, 6151, 128009], [198, 128256, 128009]],
    ["llama3", [128000, 128006, 882, 128007, 271, 6151, 128009], [271, 128256, 128009]],
    // Tokens that Llama 3 lacks get the ids after the end token.
    ["chatml", [128257, 882, 198, 6151, 128258], [198, 128256, 128258]],
  ])("in %s", async (chatTemplate, first, end) => {
    const { rows } = await written({ form: "tokens", chatTemplate }, null, hi);
    expect([...(rows[0]?.["input_ids"] ?? [])]).toEqual(first);
    expect([...(rows[1]?.["input_ids"] ?? [])].slice(-3)).toEqual(end);
  });

  test("of an intent and an answer stand under their headers", async () => {
    const { rows } = await written({ form: "tokens" }, "hi", hi);
    expect([...(rows[1]?.["input_ids"] ?? [])]).toEqual([
      ...[128006, 9125, 128007, 198, 6151, 128009],
      ...[128006, 882, 128007, 198, 6151, 128009],
      ...[128006, 78191, 128007, 198, 6151, 128009],
      ...[128006, 882, 128007, 198, 128256, 128009],
    ]);
  });
});

describe("what the paper leaves open", () => {
  const completion = async (options: Parameters<typeof written>[0]) => (await pairs(options, null))[0];
  test.each([
    [{ newlineInLoss: false }, ["<|start_header_id|>user<|end_header_id|>\n", "hi<|eot_id|>"]],
    [{ stopInLoss: false }, ["<|start_header_id|>user<|end_header_id|>", "\nhi"]],
    [{ bos: "always" as const }, ["<|begin_of_text|><|start_header_id|>user<|end_header_id|>", "\nhi<|eot_id|>"]],
    [
      { bos: "never" as const, chatTemplate: "llama3" },
      ["<|start_header_id|>user<|end_header_id|>", "\n\nhi<|eot_id|>"],
    ],
  ])("%j", async (options, expected) => {
    expect(await completion(options)).toEqual(expected);
  });

  test("white space at the ends of turns stays, unless it is to go", async () => {
    const one = conversation("user:  hi\n", "assistant: x");
    expect((await pairs({}, null, one))[0]?.[1]).toBe("\n hi\n<|eot_id|>");
    expect((await pairs({ whitespace: "trim" }, null, one))[0]?.[1]).toBe("\nhi<|eot_id|>");
  });
});

/** Messages as they stand in a row, with the last as target. */
const messages = (...contents: string[]): Message[] =>
  contents.map((content, place) => ({
    role: place === 0 ? "system" : place % 2 === 1 ? "user" : "assistant",
    content,
    loss: place === contents.length - 1,
    end: false,
  }));

describe("a Jinja template", () => {
  const file = (name: string, source: string): string => {
    writeFileSync(at(name), source);
    return at(name);
  };

  test.each(["userlm", "llama3", "chatml"])("of %s gives the segments that the format itself gives", (name) => {
    const own = chatFormat(name, OPTIONS, KNOWN);
    const path = file(`${name}.jinja`, own.template);
    const conversations = fc.array(texts, { minLength: 2, maxLength: 6 }).filter((list) => list.length % 2 === 0);
    fc.assert(
      fc.property(conversations, (contents) => {
        // Both put neighbouring texts side by side; only where they are cut differs.
        const merge = (format: typeof own) =>
          format.render(messages(...contents)).reduce<string[]>((all, { text, control, loss }) => {
            const key = `${control ? "control" : "text"} ${loss}: `;
            if (!control && all.at(-1)?.startsWith(key)) all.push(`${all.pop()}${text}`);
            else all.push(`${key}${text}`);
            return all;
          }, []);
        expect(merge(chatFormat(path, OPTIONS, KNOWN))).toEqual(merge(own));
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ["what Python strips and JavaScript does not", "trim", "\u0085a\x1c", "a"],
    ["what JavaScript strips and Python does not", "trim", "\ufeffa\ufeff", "\ufeffa\ufeff"],
    ["at the start alone", "lstrip", "\x1f a ", "a "],
    ["at the end alone", "rstrip", " a \x1f", " a"],
  ])("strips %s as Python does", (_, filter, content, expected) => {
    const call = filter === "trim" ? "| trim" : `.${filter}()`;
    const path = file(
      `${filter}.jinja`,
      `{% for m in messages %}<|im_start|>{{ m['content'] ${call} }}<|im_end|>{% endfor %}`,
    );
    const segments = chatFormat(path, OPTIONS, KNOWN).render(messages("x", content));
    expect(segments.at(-2)).toEqual({ text: expected, control: false, loss: true });
  });

  test.each(["userlm", "llama3", "chatml"])("of %s is what a Jinja engine makes of it", (name) => {
    const own = chatFormat(name, OPTIONS, KNOWN);
    const said = messages(INTENT, "hi", "hello\nthere ", " ok");
    const rendered = new Template(own.template).render({ messages: said, bos_token: OPTIONS.bosToken });
    expect(rendered.startsWith(joined(own.render(said)))).toBe(true);
    expect(rendered.slice(joined(own.render(said)).length)).toMatch(
      /^(\n|<\|start_header_id\|>user<\|end_header_id\|>|)$/,
    );
  });

  test.each([
    ["that does not parse", "{% for %}", "not a Jinja chat template"],
    ["that refuses", "{{ raise_exception('no system role') }}", "no system role"],
    ["that leaves out messages", "{{ messages[0]['content'] }}", "leaves out messages"],
    [
      "that never comes to an end",
      "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}{% for m in messages %}{{ m['content'] }}{% endfor %}",
      "it takes so many steps",
    ],
    [
      "that asks for more numbers than there is room for",
      "{% for a in range(10 ** 12) %}{% endfor %}",
      "range of 1000000000000 numbers",
    ],
    ["that changes text", "{% for m in messages %}{{ m['content'] | upper }}{% endfor %}", "changes the text"],
  ])("%s is refused in words", (_, source, said) => {
    const path = file("bad.jinja", source);
    expect(() => chatFormat(path, OPTIONS, KNOWN).render(messages("a", "b"))).toThrow(said);
  });

  test("that asks for today's date is told the day that is set, in the words of Python", () => {
    const path = file(
      "date.jinja",
      "{{ strftime_now('%d %b %Y, %A %-d/%m/%y %H:%M') }}{% for m in messages %}<|im_start|>{{ m['content'] }}<|im_end|>{% endfor %}",
    );
    const first = (templateDate: string) =>
      chatFormat(path, { ...OPTIONS, templateDate }, KNOWN).render(messages("x", "y"))[0]?.text;
    expect(first("2024-07-26")).toBe("26 Jul 2024, Friday 26/07/24 00:00");
    expect(first("2025-01-02")).toBe("02 Jan 2025, Thursday 2/01/25 00:00");
  });

  test("that is not there is refused in words", () => {
    expect(() => chatFormat("nowhere.jinja", OPTIONS, KNOWN)).toThrow(
      "neither one of userlm, llama3, chatml nor a file",
    );
  });
});
