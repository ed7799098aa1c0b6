import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { PiiKind } from "../../../../../stages/publish/pii/find.ts";
import { findPii } from "../../../../../stages/publish/pii/find-pii.ts";

interface Planted {
  readonly country: string | null;
  readonly text: string;
  readonly finds: readonly (readonly [PiiKind, string])[];
}

/** Texts with and without something planted; the first line of the file says what they are. */
function planted(name: string): Planted[] {
  const lines = readFileSync(new URL(`planted/${name}.jsonl`, import.meta.url), "utf8").replaceAll("·", "");
  return lines
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => JSON.parse(line) as Planted);
}

/** What was missed and what was found wrongly, and the shares: a find counts that has all that was planted, and its kind. */
async function score(rows: readonly Planted[]) {
  const [missed, wrong]: [string[], string[]] = [[], []];
  let [all, right] = [0, 0];
  for (const { country, text, finds } of rows) {
    const found = await findPii(text, country);
    const isIn = (own: string, other: string) => own.includes(other);
    for (const [kind, value] of finds)
      if (!found.some((each) => each.kind === kind && isIn(each.text, value))) missed.push(`${kind} ${value}: ${text}`);
    for (const each of found) {
      all++;
      const isRight = finds.some(
        ([kind, value]) => each.kind === kind && (isIn(each.text, value) || isIn(value, each.text)),
      );
      if (isRight) right++;
      else wrong.push(`${each.kind} ${each.text}: ${text}`);
    }
  }
  const number = rows.reduce((sum, { finds }) => sum + finds.length, 0);
  return { missed, wrong, recall: 1 - missed.length / number, precision: right / all };
}

test.each([
  { name: "seen", least: { recall: 0.97, precision: 0.95 } },
  { name: "unseen", least: { recall: 0.97, precision: 0.93 } },
])("of what is planted in `$name`, and of the finds, so much is right: $least", async ({ name, least }) => {
  const rows = planted(name);
  expect(rows.filter(({ finds }) => finds.length > 0).length * 2).toBe(rows.length);
  const { missed, wrong, recall, precision } = await score(rows);
  expect(recall, missed.join("\n")).toBeGreaterThanOrEqual(least.recall);
  expect(precision, wrong.join("\n")).toBeGreaterThanOrEqual(least.precision);
});
