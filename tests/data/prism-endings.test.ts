import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Observations } from "../../stages/metrics/metric.ts";
import { scoreOfEndingFrom } from "../../stages/metrics/termination.ts";
import { describeReal, realFile } from "./real.ts";

const file = realFile("prism", "conversation_user_utterances.csv");

/**
 * Rounds of a conversation by its rated responses: four in the first round (three if their number is odd), two in each
 * later one. The file does not have the rounds themselves, and some first rounds have fewer.
 */
const roundsOf = (responses: number) => 1 + (responses - (responses % 2 === 0 ? 4 : 3)) / 2;

function decisions(rounds: readonly number[]): Observations["decisions"][] {
  return Array.from({ length: Math.max(...rounds) }, (_, at) => at + 1).map((turn) => ({
    turn,
    next: rounds.filter((each) => each > turn).length,
    end: rounds.filter((each) => each === turn).length,
  }));
}

describeReal("the rated responses of all of PRISM", () => {
  const responses = () =>
    readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => Number(line.split(",")[2]));

  test("come within 0.06 of the published 58.97 for ending from the second answer on: 183 of 27,172 rounds cannot be told", () => {
    const rounds = responses().map(roundsOf);
    const all = rounds.reduce((sum, each) => sum + each, 0);
    expect([rounds.length, all, 27_172 - all]).toEqual([8011, 26_989, 183]);
    expect(rounds.filter((each) => each >= 2).length).toBe(7950);
    expect(scoreOfEndingFrom(2, decisions(rounds)).f1?.toFixed(2)).toBe("58.91");
  });

  test("give 59.23 if no conversation is taken to have a single round, so that 58.97 lies between", () => {
    const rounds = responses().map((each) => Math.max(2, roundsOf(each)));
    expect(rounds.reduce((sum, each) => sum + each, 0)).toBe(27_050);
    expect(scoreOfEndingFrom(2, decisions(rounds)).f1?.toFixed(2)).toBe("59.23");
  });
});
