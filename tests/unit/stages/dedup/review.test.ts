import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { UsageError } from "../../../../pipeline/errors.ts";
import {
  parseReview,
  type ReviewEntry,
  readReview,
  requireFresh,
  reviewText,
} from "../../../../stages/dedup/review.ts";
import { templateId } from "../../../../stages/dedup/templates.ts";
import { useFolder } from "../../../helpers/folder.ts";

const folder = useFolder();
const ABOUT = { source: "test", minCount: 100, coverage: 0.5 };

const entry = (text: string, given: Partial<ReviewEntry> = {}): ReviewEntry => ({
  id: templateId(text),
  text,
  conversations: 12,
  matched: 9,
  users: 3,
  countries: ["Chile"],
  first_at: "2023-05-01T00:00:00.000Z",
  last_at: null,
  examples: ['He said: "- no #comment"\nand: {left}', "漢字 🙂"],
  verdict: "drop",
  decided_by: "threshold",
  note: "",
  ...given,
});

/** A review file with these entries, and each of the edits made in its text. */
function write(entries: readonly ReviewEntry[], ...edits: readonly (readonly [string, string])[]): string {
  const path = folder("templates.yaml");
  const text = edits.reduce(
    (all, [from, to]) => {
      expect(all).toContain(from);
      return all.replace(from, to);
    },
    reviewText(entries, ABOUT),
  );
  writeFileSync(path, text);
  return path;
}

/** What is wrong with a review file. */
function fault(path: string): string {
  try {
    readReview(path);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message.replace(folder(), "").replace(/^\//, "");
  }
  return "nothing";
}

describe("a review file", () => {
  test("holds its entries as they were, most matches first", () => {
    const [few, many] = [entry("a b c d e f g", { matched: 1 }), entry("t u v … x y z", { matched: 5 })];
    const found = parseReview(reviewText([few, many], ABOUT), "x").map(({ line: _, ...each }) => each);
    expect(found).toEqual([many, few]);
  });

  test("edited by hand round-trips: verdict, name and note come back, and are written again the same", () => {
    const path = write(
      [entry("a b c d e f g"), entry("h i j k l m n")],
      [
        'verdict: drop\n    decided_by: threshold\n    note: ""',
        'verdict: keep # ordinary\n    decided_by: ada\n    note: "an: opening"',
      ],
    );
    const { entries, decisions } = readReview(path);
    expect(decisions.get(templateId("a b c d e f g"))).toEqual({
      verdict: "keep",
      decided_by: "review",
      reviewer: "ada",
      note: "an: opening",
    });
    expect(decisions.get(templateId("h i j k l m n"))).toMatchObject({ decided_by: "threshold", reviewer: null });
    const again = reviewText(
      entries.map(({ line: _, ...each }) => each),
      ABOUT,
    );
    expect(parse(again)).toEqual(
      parse(
        reviewText(
          parseReview(again, "x").map(({ line: _, ...each }) => each),
          ABOUT,
        ),
      ),
    );
    expect(parse(again).templates[0]).toMatchObject({ verdict: "keep", decided_by: "ada", note: "an: opening" });
  });

  test("that is not YAML is refused with its line", () => {
    expect(fault(write([entry("a b c d e f g")], ["    text: a", "    text: [a"]))).toMatch(/^templates\.yaml:\d+: /);
  });

  test.each([
    ["another verdict", ["verdict: drop", "verdict: maybe"], /:20: `verdict`: found "maybe"; /],
    ["an unknown field", ["note:", "notes:"], /: `note`: found nothing; |`notes`/],
    ["another text", ["text: a b", "text: a x"], /is not the template of this text; only `verdict`/],
    ["no id", [/id: t-.*/.source, ""], /nothing/],
    ["nobody who keeps it", ["verdict: drop", "verdict: keep"], /puts a name into `decided_by`/],
  ] as const)("is refused for %s", (name, [from, to], expected) => {
    if (name === "no id")
      return expect(fault(write([entry("a b c d e f g")], ["  - id", "  - ids"]))).toMatch(/`ids?`/);
    return expect(fault(write([entry("a b c d e f g")], [from, to]))).toMatch(expected);
  });

  test("is refused if a template is there twice, with both lines", () => {
    const path = folder("twice.yaml");
    writeFileSync(path, reviewText([entry("a b c d e f g"), entry("a b c d e f g")], ABOUT));
    expect(fault(path)).toMatch(/^twice\.yaml:\d+: t-\w+ is there twice, first on line 6$/);
  });

  test("is refused without a list of templates, or without the file", () => {
    const path = folder("empty.yaml");
    writeFileSync(path, "other: 1\n");
    expect(fault(path)).toContain("expected a list `templates`");
    expect(fault(folder("none.yaml"))).toContain("cannot be read");
  });

  test("that speaks of no template of the run is refused in words", () => {
    const path = write([entry("a b c d e f g"), entry("h i j k l m n")]);
    const review = readReview(path);
    expect(() => requireFresh(review, [{ id: templateId("a b c d e f g") }])).toThrow(
      /templates\.yaml:\d+: t-\w+ is stale: none of the 1 templates of this run has the text "h i j k l m n".*--drop-stale/,
    );
    expect(() => requireFresh(review, review.entries)).not.toThrow();
  });
});
