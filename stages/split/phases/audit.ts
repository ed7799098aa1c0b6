import { readFileSync } from "node:fs";
import type { Task } from "../../../pipeline/task.ts";
import type { Tally } from "../../../schemas/manifest.ts";
import { assigned } from "../artefacts.ts";
import { Audit, leaksInWords } from "../audit.ts";
import { type LinkedKeys, readLinks } from "../links.ts";
import type { SplitOptions } from "../options.ts";

/** Looks for what conversations of different splits have in common. */
export async function audit(task: Task<SplitOptions>): Promise<Partial<Tally>> {
  const found = new Audit();
  for (const shard of task.shards) {
    const links = readLinks(readFileSync(await task.file(assigned.links, shard)));
    for await (const { split } of task.read(assigned.split_assignments, ["split"], shard))
      found.addKeys(split, links.next().value as LinkedKeys);
  }
  const leaks = await found.leaks(assignedIds(task));
  await task.write(assigned.leaks, leaks);
  const words = leaksInWords(leaks);
  if (task.options.leaks === "fail" && words !== "")
    throw new Error(
      `the splits share ${words}, and split.leaks is \`fail\`; \`--split-by groups\` keeps together what is alike, \`flipturn split audit\` shows examples once it is \`count\``,
    );
  return { counts: Object.fromEntries(leaks.map(({ link, values }) => [`leaks_by_${link}`, values])) };
}

async function* assignedIds(task: Task<SplitOptions>): AsyncGenerator<string> {
  for await (const { conversation_id } of task.readAll(assigned.split_assignments, ["conversation_id"]))
    yield conversation_id;
}
