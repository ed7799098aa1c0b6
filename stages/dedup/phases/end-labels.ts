import { readFileSync } from "node:fs";
import type { Task } from "../../../pipeline/task.ts";
import type { EndLabel } from "../../../schemas/end-label.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import { prepared } from "../../prepare/artefacts.ts";
import { deduplicated } from "../artefacts.ts";
import { endConfidence, Timeline } from "../end-confidence.ts";
import type { DedupOptions } from "../options.ts";

/** Looks over all conversations for users who go on, and for the last day: two bytes a conversation, by shard. */
export async function follow(task: Task<DedupOptions>): Promise<Partial<Tally>> {
  const timeline = new Timeline();
  const sizes: number[] = [];
  for (const shard of task.shards) {
    let size = 0;
    for await (const signals of task.read(prepared.end_signals, undefined, shard)) {
      timeline.add(signals);
      size++;
    }
    sizes.push(size);
  }
  const [goingOn, onLastDay] = [timeline.goingOn(), timeline.onLastDay()];
  let first = 0;
  for (const [shard, size] of sizes.entries()) {
    const parts = [goingOn, onLastDay].map((all) => all.subarray(first, first + size));
    await task.writeBytes(deduplicated.followed, parts, { index: shard });
    first += size;
  }
  return {};
}

/** Writes the end labels of the conversations of the shard that stay, in order. */
export async function writeEndLabels(task: Task<DedupOptions>, dropped: ReadonlySet<string>): Promise<void> {
  const followed = readFileSync(await task.file(deduplicated.followed));
  const size = followed.length / 2;
  let row = 0;
  async function* labels(): AsyncGenerator<EndLabel> {
    for await (const { conversation_id, signs } of task.read(prepared.end_signals, ["conversation_id", "signs"])) {
      const facts = { signs, goesOn: followed[row] === 1, onLastDay: followed[size + row] === 1 };
      row++;
      if (!dropped.has(conversation_id)) yield { conversation_id, ...endConfidence(facts) };
    }
  }
  await task.write(deduplicated.end_labels, labels());
}
