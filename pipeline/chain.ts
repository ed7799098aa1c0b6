import { UsageError } from "./errors.ts";
import { type Stage, stageIn } from "./stage.ts";

/** Stages that are planned and run together, each after those that it reads from. */
export interface Chain {
  readonly name: string;
  /** One line for the help text. */
  readonly summary: string;
  /** `import.meta.url` of the module whose `chains` has it under its name, for processes and threads that start anew. */
  readonly module: string;
  readonly stages: readonly Stage[];
}

/** A chain whose stages read only from stages before them. Throws Error if one does not: that is a fault of the code. */
export function defineChain(chain: Chain): Chain {
  const before = new Map<string, Stage>();
  for (const stage of chain.stages) {
    const needed = [...upstreamOf(stage), ...(stage.sharesVariantsOf ? [stage.sharesVariantsOf] : [])];
    const missing = needed.find((name) => !before.has(name));
    if (missing) throw new Error(`chain ${chain.name}: ${stage.name} needs ${missing}, which does not come before it`);
    for (const { stage: from, name } of stage.reads)
      if (!before.get(from)?.writes[name]) throw new Error(`chain ${chain.name}: ${from} writes no ${name}`);
    if (before.has(stage.name)) throw new Error(`chain ${chain.name}: two stages are called ${stage.name}`);
    before.set(stage.name, stage);
  }
  return chain;
}

/** The names of the stages that a stage depends on. */
export function upstreamOf({ reads, takes, tellsOf = [] }: Stage): string[] {
  return [...new Set([...reads.map(({ stage }) => stage), ...(takes === undefined ? [] : [takes]), ...tellsOf])];
}

/** A stage of a chain by its name, or by its name in a plan. Throws UsageError that lists them. */
export function stageNamed(chain: Chain, planned: string): Stage {
  const stage = chain.stages.find((each) => each.name === stageIn(planned));
  if (!stage)
    throw new UsageError(`no stage ${planned}; stages are ${chain.stages.map((each) => each.name).join(", ")}`);
  return stage;
}

/** True for a stage whose rows are counted in and out: the first, and those that take the rows of another. */
export function countsRows(chain: Chain, planned: string): boolean {
  const stage = stageNamed(chain, planned);
  return stage.takes !== undefined || stage === chain.stages[0];
}
