import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { inFolder, orderOf, runFlipturn } from "./contenders.ts";
import { makeCorpus } from "./corpus.ts";

const CONVERSATIONS = 2_000;
const SHARDS = 4;
/** Numbers of threads that must give the same bytes. */
const THREADS = [1, 2, 4] as const;
/** Most memory of a run, all threads together, in MB. */
const CEILING_MB = 1_200;

/** Throws if outputs differ over numbers of threads, if a run holds too much memory, or if a second run does anything. */
export async function quick(work: string): Promise<void> {
  await inFolder(work, async (folder) => {
    const corpus = join(folder, "corpus");
    await makeCorpus(corpus, { conversations: CONVERSATIONS, seed: "1" }, 2);
    const trees: string[] = [];
    for (const threads of THREADS) {
      const output = join(folder, `threads-${threads}`);
      const { given } = orderOf(corpus, output, threads);
      const order = { threads, given: { ...given, shards: SHARDS } };
      const run = await runFlipturn(order);
      const again = await runFlipturn(order);
      const busy = again.stages?.filter(({ ran }) => ran).map(({ stage }) => stage) ?? [];
      console.log(
        `${threads} threads: ${run.samples} samples, ${run.wall_s.toFixed(1)} s, ${run.cpu_s.toFixed(1)} s of cores, ${run.peak_mb.toFixed(0)} MB; again ${again.wall_s.toFixed(1)} s`,
      );
      must(run.peak_mb <= CEILING_MB, `${threads} threads held ${run.peak_mb.toFixed(0)} MB, over ${CEILING_MB}`);
      must(run.samples > CONVERSATIONS / 2, `only ${run.samples} samples of ${CONVERSATIONS} conversations`);
      must(busy.length === 0, `run again with nothing changed, these stages ran: ${busy.join(", ")}`);
      trees.push(treeOf(output));
    }
    must(new Set(trees).size === 1, `outputs differ over ${THREADS.join(", ")} threads:\n${trees.join("\n\n")}`);
    console.log(`the same bytes on ${THREADS.join(", ")} threads`);
  });
}

function must(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Error(otherwise);
}

/** The outputs of a run by name and sha256: all but what tells of time, and the plan and markers, which do not name them. */
function treeOf(output: string): string {
  const files = readdirSync(output, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name));
  const outputs = paths.filter((path) => !/(\/tasks\/[^/]+|timings\.json|plan\.json)$/.test(path)).sort();
  const hash = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
  return outputs.map((path) => `${relative(output, path)} ${hash(path)}`).join("\n");
}
