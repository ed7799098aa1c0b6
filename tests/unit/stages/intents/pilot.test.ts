import { expect, test } from "vitest";
import type { Answer } from "../../../../pipeline/models/journal.ts";
import { Used } from "../../../../stages/intents/pilot.ts";
import type { Outcome } from "../../../../stages/intents/program.ts";

/** A conversation that took requests with these tokens in, of them cached, and out. */
function outcome(...requests: [number | null, number, number][]): Outcome {
  const answers = requests.map(([input_tokens, cached_tokens, output_tokens]): Answer => {
    const about = { key: "k", status: "answered", text: "", model: "m", mode: "sync", usd: null } as const;
    return { ...about, requested_model: "m", input_tokens, cached_tokens, output_tokens };
  });
  return { status: "ok", intent: "", fault: null, truncated: false, promptCut: false, answers };
}

test("a pilot adds up all requests of a conversation, and says how the server counts tokens beside our own count", () => {
  const used = new Used();
  used.add(outcome([110, 0, 20]), () => 100);
  used.add(outcome([220, 128, 40], [260, 128, 20]), () => 200);
  expect(used.pilot).toEqual({
    conversations: 2,
    requests: 1.5,
    input_tokens: 295,
    cached_tokens: 128,
    output_tokens: 40,
    thinking_tokens: 0,
    output_error: Math.sqrt(400 / 2),
    ratio: 590 / 300,
  });
});

test("a server that tells no usage gives no pilot", () => {
  const used = new Used();
  used.add(outcome([null, 0, 0]), () => expect.fail("counted for nothing"));
  expect(used.pilot).toBeNull();
});

test("two thousand conversations are enough", () => {
  const used = new Used();
  let counted = 0;
  for (let each = 0; each < 2500; each++) used.add(outcome([10, 0, 1]), () => ++counted);
  expect([used.pilot?.conversations, counted]).toEqual([2000, 2000]);
});
