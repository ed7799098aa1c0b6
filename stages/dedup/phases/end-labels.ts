import { readFileSync } from "node:fs";
import type { Task } from "../../../pipeline/task.ts";
import { Ending } from "../../../schemas/end-label.ts";
import { Closing } from "../../../schemas/end-signals.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import { judgeEnding, Timeline } from "../end-confidence.ts";
import type { DedupOptions } from "../stage.ts";
import { runsFile, shardsOf } from "./count.ts";

/** Looks over all conversations for users who go on, and for the last day: two bytes a conversation, by shard. */
export async function follow(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const timeline = new Timeline();
  const sizes: number[] = [];
  for (const shard of shardsOf(task)) {
    let size = 0;
    for await (const closing of task.read("prepare", "closings", Closing, shard)) {
      timeline.add(closing);
      size++;
    }
    sizes.push(size);
  }
  const [goingOn, onLastDay] = [timeline.goingOn(), timeline.onLastDay()];
  let first = 0;
  for (const [shard, size] of sizes.entries()) {
    const parts = [goingOn, onLastDay].map((all) => all.subarray(first, first + size));
    await task.writeBytes(task.path(runsFile("followed", shard)), parts);
    first += size;
  }
  return {};
}

/** Writes the endings of the conversations of the shard that stay, in order. */
export async function writeEndings(task: Task<DedupOptions>, dropped: ReadonlySet<string>): Promise<void> {
  const followed = readFileSync(task.path(runsFile("followed", task.index)));
  const size = followed.length / 2;
  let row = 0;
  async function* endings(): AsyncGenerator<Ending> {
    for await (const { conversation_id, signs } of task.read("prepare", "closings", Closing)) {
      const facts = { signs, goesOn: followed[row] === 1, onLastDay: followed[size + row] === 1 };
      row++;
      if (!dropped.has(conversation_id)) yield { conversation_id, ...judgeEnding(facts) };
    }
  }
  await task.write("endings", Ending, endings());
}
