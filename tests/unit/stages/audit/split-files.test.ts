import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { auditFiles } from "../../../../stages/audit/split-files.ts";

const NEAR = { bands: 32, rows: 4, jaccard: 0.8, shingle: 3 };

/** Files of a split, each with these openings. */
function files(splits: Readonly<Record<string, readonly string[]>>): string[] {
  const folder = mkdtempSync(join(tmpdir(), "flipturn-audit-"));
  return Object.entries(splits).map(([split, openings]) => {
    const path = join(folder, `${split}.jsonl`);
    writeFileSync(
      path,
      openings.map((opening, at) => `${JSON.stringify({ id: `${split}${at}`, opening })}\n`).join(""),
    );
    return path;
  });
}

test("openings are the same but for case and punctuation", async () => {
  const paths = files({ train: ["Hi there!", "Write a poem.", "\u0085"], test: ["hi, there", "write a song", " "] });
  const leaks = await auditFiles(paths, {}, { minCount: 100, coverage: 0.5, near: NEAR });
  expect(leaks.find(({ link }) => link === "opening")).toMatchObject({
    values: 1,
    train: 1,
    validation: 0,
    test: 1,
    examples: [[{ conversation_id: "train0" }, { conversation_id: "test0" }]],
  });
});
