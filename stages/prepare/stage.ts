/**
 * Raw rows of one source -> conversations in the common shape, each kept or rejected with one reason.
 *
 * Three phases. `scatter` reads a piece of a raw file, or some small files, judges every row and puts it into the shard that its id belongs to;
 * `verify` sees that each file is, and so was, the one that `download` vouched for; `gather` brings a shard together, lets
 * the first of equal ids stay, and writes it sorted by id. So the artefact is the same whatever files the rows came in and
 * in whatever order, and later stages work on shards of equal size.
 */
import { defineStage } from "../../pipeline/define-stage.ts";
import type { Manifest } from "../../schemas/manifest.ts";
import { downloaded, fetchLists } from "../download/artefacts.ts";
import { prepared } from "./artefacts.ts";
import { PrepareOptions } from "./options.ts";
import { gather } from "./phases/gather.ts";
import { scatter } from "./phases/scatter.ts";
import { verify } from "./phases/verify.ts";
import { piecesOf } from "./pieces.ts";

/** What people should know of conversations that stay. */
function notesOf({ counts, kept }: Manifest): string[] {
  const notes = {
    times_not_read:
      "have a time that cannot be read: expected ISO 8601 or a number since 1970; --time-format tells another, such as %d/%m/%Y %H:%M",
    conversations_in_order_of_files: "have rows without number or time, and stand in the order of the files",
    conversations_of_several_users: "have rows of several users, and count as the first one's",
  };
  return Object.entries(notes)
    .filter(([name]) => counts[name])
    .map(([name, note]) => `${counts[name]} of ${kept} conversations ${note}`);
}

/** The stage `prepare`, as the head of this file tells. */
export const prepare = defineStage({
  name: "prepare",
  module: import.meta.url,
  summary: "one source's rows -> conversations; language, toxicity, roles, repeats",
  takes: "download",
  reads: [downloaded.raw],
  writes: prepared,
  advice: {
    schema: "--columns names the columns, --source the source",
    too_large: "--set prepare.maxRowBytes allows larger rows, up to 64 MB",
    language: "--language takes another language, or any",
    toxic: "--set prepare.toxic=keep",
    redacted: "--set prepare.redacted=keep",
    unknown_role: "--role-map says who is meant, such as caller=user,desk=assistant",
    system_turn: "--set prepare.roles=repair leaves such turns out",
    tool_turn: "--set prepare.roles=repair leaves such turns out",
    broken_alternation: "--set prepare.roles=repair joins turns of one role",
    repeated_id: "--columns id=<name> names another id, --set prepare.repeats=keep keeps them all",
  },
  unit: "conversations",
  options: PrepareOptions,
  notes: notesOf,
  phases: [
    { name: "scatter", tasks: (plan) => piecesOf(plan).length, run: scatter },
    { name: "verify", tasks: (plan) => fetchLists(plan).length, run: verify, repeats: true },
    { name: "gather", tasks: (plan) => plan.shards, run: gather },
  ],
});
