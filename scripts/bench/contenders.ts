import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { packageFolder } from "../../pipeline/code-identity.ts";
import { stageIn } from "../../pipeline/stage.ts";
import { virtualEnvironment } from "../venv.ts";
import { type ChildOptions, runChild } from "./child.ts";
import type { Cost, Measured, Order } from "./measure.ts";

const HERE = import.meta.dirname;
const PYTHON = join(packageFolder(), "scripts", "bench", "python");
const CACHE = join(packageFolder(), "node_modules", ".cache", "flipturn-bench");

/** A run of one way to do the work. */
export type ContenderRun = Cost & { readonly samples: number; readonly stages?: Measured["stages"] };

/** A way to get from the files of a corpus to samples in zstd Parquet. `folder` is empty, and its own. */
export interface Contender {
  readonly name: string;
  readonly run: (corpus: string, folder: string, threads: number) => Promise<ContenderRun>;
}

/** flipturn from the first stage to the last, without intents, in a process of its own. */
export async function runFlipturn(order: Order, options: ChildOptions = {}): Promise<ContenderRun> {
  const { told } = await runChild<Measured>(
    process.execPath,
    [join(HERE, "measure.js"), JSON.stringify(order)],
    options,
  );
  const rendered = told.stages.find(({ stage }) => stageIn(stage) === "render");
  return { ...told, samples: rendered?.rows ?? 0 };
}

/** What flipturn is told for a corpus: samples without intents; more settings of `render` may be given. */
export function orderOf(corpus: string, output: string, threads: number, render: object = {}): Order {
  const given = {
    source: "wildchat-1m",
    input: [join(corpus, "*.parquet")],
    output,
    intents: { provider: "none" },
    render,
  };
  return { threads, given };
}

function ours(name: string, render: object): Contender {
  return { name, run: (corpus, folder, threads) => runFlipturn(orderOf(corpus, join(folder, "run"), threads, render)) };
}

const ceiling: Contender = {
  name: "DuckDB SQL alone",
  async run(corpus, folder, threads) {
    const args = [join(HERE, "ceiling.js"), join(corpus, "*.parquet"), folder, String(threads)];
    const { told, ...cost } = await runChild<{ samples: number }>(process.execPath, args);
    return { ...cost, ...told };
  },
};

function python(name: string, file: string, path: string, input: (corpus: string) => string): Contender {
  const env = { HF_HUB_OFFLINE: "1", HF_DATASETS_DISABLE_PROGRESS_BARS: "1", PYTHONWARNINGS: "ignore" };
  return {
    name,
    async run(corpus, folder, threads) {
      const args = [join(PYTHON, file), input(corpus), folder, String(threads)];
      const { told, ...cost } = await runChild<{ samples: number }>(path, args, { env });
      return { ...cost, ...told };
    },
  };
}

/** All ways, or those that can be had here; `skipped` says why others cannot. */
export function contenders(): { all: Contender[]; skipped: string | null } {
  const own = [ours("flipturn", { tokenizer: "none" }), ours("flipturn, tokens counted", {}), ceiling];
  const found = virtualEnvironment(join(PYTHON, "requirements.txt"), CACHE);
  if ("missing" in found) return { all: own, skipped: `Python: ${found.missing}` };
  const datasets = python("HF datasets", "with_datasets.py", found.path, (corpus) => join(corpus, "*.parquet"));
  const datatrove = python("datatrove", "with_datatrove.py", found.path, (corpus) => corpus);
  return { all: [...own, datasets, datatrove], skipped: null };
}

/** Runs something in a folder that is removed after it. */
export async function inFolder<T>(parent: string, work: (folder: string) => Promise<T>): Promise<T> {
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "bench-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
