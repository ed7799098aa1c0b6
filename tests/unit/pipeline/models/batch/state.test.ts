import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { BatchState } from "../../../../../pipeline/models/batch/state.ts";
import { useFolder } from "../../../../helpers/folder.ts";
import { withRoomFor } from "../../../../helpers/full-disk.ts";

const at = useFolder();

test.each([0, 7])("a disk with room for %i bytes more leaves no half line in the state", (room) => {
  const state = new BatchState(at());
  const built = { event: "built", part: "0-a", shard: 0, sha256: "a", requests: 1, tokens: 1 } as const;
  state.add(built);
  expect(() => withRoomFor(room, () => state.add({ event: "uploading", part: "0-a" }))).toThrow("ENOSPC");
  expect(state.open.map((part) => part.at)).toEqual(["built"]);
  state.add({ event: "uploaded", part: "0-a", file: "f" });
  expect(new BatchState(at()).open).toMatchObject([{ part: "0-a", at: "uploaded", file: "f" }]);
  expect(readFileSync(at("state.jsonl"), "utf8").trimEnd().split("\n")).toHaveLength(2);
});
