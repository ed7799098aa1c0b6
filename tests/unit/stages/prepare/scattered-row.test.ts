import { expect, test } from "vitest";
import { rejectionOf, rowFrom, type ScatteredRow, textsOf } from "../../../../stages/prepare/scattered-row.ts";
import { conversation } from "../../../helpers/conversation.ts";

test("a row is the same after it was written as texts and read back", () => {
  const rows: ScatteredRow[] = [
    { conversation: conversation("user: a\nb", "assistant: ", "user: \ufeff🙂"), ended_at: "2024-01-01T00:00:00.000Z" },
    { conversation: conversation("user: only one"), ended_at: null },
    { rejection: rejectionOf("source:1", "source:1", "toxic", {}) },
  ];
  for (const row of rows) expect(rowFrom(textsOf(row))).toEqual(row);
});
