import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { realEnvironment } from "../../../../pipeline/environment.ts";
import { type Io, LINE_ANEW, print, printJson, tell, withSafeOutput } from "../../../../scripts/cli/io.ts";
import { main } from "../../../../scripts/cli/main.ts";
import { paint } from "../../../../scripts/cli/terminal.ts";

/** A world that keeps what is written. */
function world({ isTTY = false, env = {} }: { isTTY?: boolean; env?: NodeJS.ProcessEnv } = {}) {
  const written = { stdout: "", stderr: "" };
  const output = (name: "stdout" | "stderr") => ({ isTTY, write: (text: string) => (written[name] += text) });
  const io = {
    stdin: process.stdin,
    stdout: output("stdout"),
    stderr: output("stderr"),
    environment: { ...realEnvironment(), env },
    signal: new AbortController().signal,
  } as unknown as Io;
  return { io, written };
}

/** Clears the screen, names the window, steers by one byte, overwrites a line, turns text around, is nothing. */
const HOSTILE = ["\x1b[2J", "\x1b]0;x\x07", "\x9b2J", "\rgone", "\u202etxt", "\0", "\x7f", "\x1b[8m", "\u2028"];
const ACTS = /(?![\t\n])[\p{Cc}\u202a-\u202e\u2028]/u;

describe("what people typed does nothing to the terminal", () => {
  test.each([false, true])("on stdout or stderr, painted or not (terminal: %s)", (isTTY) => {
    const { io, written } = world({ isTTY });
    const safe = withSafeOutput(io);
    for (const text of HOSTILE) {
      print(safe, text);
      tell(safe, text);
      print(safe, paint(safe, "bold", text));
      safe.stdout.write(text);
    }
    expect(written.stdout.replaceAll("\x1b[1m", "").replaceAll("\x1b[22m", "")).not.toMatch(ACTS);
    expect(written.stderr).not.toMatch(ACTS);
    expect(written.stdout).toContain("\\u009b2J");
  });

  test("in JSON, which stays the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...HOSTILE), (value, hostile) => {
        const { io, written } = world();
        printJson(withSafeOutput(io), { [hostile]: [value, `a${hostile}\u{e0041}b`] });
        expect(written.stdout).not.toMatch(ACTS);
        expect(JSON.parse(written.stdout)).toEqual(
          JSON.parse(JSON.stringify({ [hostile]: [value, `a${hostile}\u{e0041}b`] })),
        );
      }),
    );
  });

  test("in the words of an error", async () => {
    const { io, written } = world({ isTTY: true });
    expect(await main(["inspect", "no\x1b[2Jfile\x9b.jsonl"], io)).toBe(2);
    expect(written.stderr).toContain("no\\u001b[2Jfile\\u009b.jsonl");
    expect(written.stderr).not.toMatch(ACTS);
  });
});

describe("what flipturn means is written as it is", () => {
  test("colours on a terminal, unless they are not wanted", () => {
    for (const [env, expected] of [
      [{}, "\x1b[1mhi\x1b[22m\n"],
      [{ NO_COLOR: "1" }, "hi\n"],
    ] as const) {
      const { io, written } = world({ isTTY: true, env });
      const safe = withSafeOutput(io);
      print(safe, paint(safe, "bold", "hi"));
      expect(written.stdout).toBe(expected);
    }
  });

  test("tabs, lines, joined emoji, and a line that is drawn anew", () => {
    const { io, written } = world();
    tell(withSafeOutput(io), `${LINE_ANEW}a\tb\n👩‍👩‍👧 می‌خواهم`);
    expect(written.stderr).toBe(`${LINE_ANEW}a\tb\n👩‍👩‍👧 می‌خواهم\n`);
  });
});
