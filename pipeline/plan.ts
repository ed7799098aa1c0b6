import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { join } from "node:path";
import type { FileRecord } from "../schemas/manifest.ts";
import { type NodeVersion, Plan, type PlannedStage } from "../schemas/plan.ts";
import { type Chain, stageNamed } from "./chain.ts";
import { codeIdentity, packageVersion } from "./code-identity.ts";
import { NotReadyError, systemCode, UsageError } from "./errors.ts";
import { hashFile, readJson } from "./files/atomic-file.ts";
import { digest } from "./hash.ts";
import { FINISH } from "./manifest.ts";
import type { Stage } from "./stage.ts";

/** Everything of a plan but its stages. */
export type PlanHead = Omit<Plan, "format" | "chain" | "code" | "node" | "stages">;

/** Options of stages by name, and settings of language models by role, defaults filled in. */
export interface PlanSettings {
  readonly options: ReadonlyMap<string, Record<string, unknown>>;
  readonly models: Readonly<Record<string, Record<string, unknown>>>;
}

/** Plans every stage of a chain: options, the files they name, hashed, and how the tasks are numbered. Writes nothing. */
export async function planChain(chain: Chain, head: PlanHead, { options, models }: PlanSettings): Promise<Plan> {
  const plan: Plan = { format: 2, chain: chain.name, code: chainCode(chain), node: nodeHere(), ...head, stages: [] };
  for (const stage of chain.stages) {
    const given = options.get(stage.name) ?? {};
    for (const { name, options: own } of variantsOf(chain, stage, given, options))
      plan.stages.push(await planStage(stage, name, own, plan, models));
  }
  return plan;
}

/** Version of flipturn and 12 hex digits over the code that the stages of a chain can reach. */
export function chainCode(chain: Chain): string {
  const identities = chain.stages.map(({ module }) => codeIdentity(module));
  return `${packageVersion()}+${digest(identities).slice(0, 12)}`;
}

/** The names under which a stage is planned, with the options of each. */
function variantsOf(
  chain: Chain,
  stage: Stage,
  given: Record<string, unknown>,
  options: PlanSettings["options"],
): { name: string; options: Record<string, unknown> }[] {
  const { sharesVariantsOf: other } = stage;
  const variants = other
    ? stageNamed(chain, other)
        .variants?.(options.get(other) ?? {})
        .map(({ name }) => ({ name, options: given }))
    : stage.variants?.(given);
  if (!variants) return [{ name: stage.name, options: given }];
  return variants.map((variant) => ({ name: `${stage.name}:${variant.name}`, options: variant.options }));
}

async function planStage(
  stage: Stage,
  name: string,
  options: Record<string, unknown>,
  plan: Plan,
  models: PlanSettings["models"],
): Promise<PlannedStage> {
  const phases: PlannedStage["phases"] = [];
  for (const phase of [...stage.phases, { name: FINISH, tasks: () => 1, beside: false }]) {
    const last = phases.at(-1);
    const step = last === undefined ? 0 : last.step + (phase.beside ? 0 : 1);
    const first = last === undefined ? 0 : last.first + last.tasks;
    phases.push({ name: phase.name, step, first, tasks: phase.tasks(plan, options) });
  }
  const files: FileRecord[] = [];
  for (const path of stage.files?.(options) ?? []) {
    await requireReadable(path);
    files.push({ path, rows: null, ...(await hashFile(path)) });
  }
  const asked = stage.asks?.(options) === false ? [] : Object.keys(stage.models ?? {});
  const own = asked.map((role) => [role, models[role] ?? {}]);
  return { name, code: codeIdentity(stage.module), options, models: Object.fromEntries(own), files, phases };
}

/** Size and time of a file that is going to be read. Throws UsageError if it is missing, a folder, a pipe or the like, empty, or not ours to read. */
export async function requireReadable(path: string): Promise<{ bytes: number; modified_ms: number }> {
  try {
    const found = await stat(path);
    if (found.isDirectory())
      throw new UsageError(`${path}: is a folder; expected a file, such as '${join(path, "*.parquet")}' in quotes`);
    if (!found.isFile())
      throw new UsageError(
        `${path}: is no ordinary file (a pipe?): a run reads its files several times; write it to one`,
      );
    await access(path, constants.R_OK);
    if (found.size === 0) throw new UsageError(`${path}: is empty (0 bytes); expected rows`);
    return { bytes: found.size, modified_ms: Math.round(found.mtimeMs) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") throw new UsageError(`${path}: no such file`);
    if (code === "ELOOP") throw new UsageError(`${path}: is a link that leads in a circle; expected a file`);
    if (code === "EACCES" || code === "EPERM") throw new UsageError(`${path}: no permission to read it`);
    throw error;
  }
}

/** Reads `plan.json`. Throws UsageError if there is none, or if another version wrote it. */
export async function readPlan(path: string): Promise<Plan> {
  const plan = await readJson(path, Plan).catch((cause) => {
    if (systemCode(cause) === "EISDIR")
      throw new UsageError(`${path}: is a folder; expected the file of a plan, such as ${join(path, "plan.json")}`);
    if (systemCode(cause) !== undefined) throw cause;
    throw new UsageError(
      `${path}: not a plan of this version of flipturn; \`flipturn run\` with the same settings writes it anew`,
      { cause },
    );
  });
  if (!plan)
    throw new UsageError(`${path}: not found; a plan is written by \`flipturn run\` or \`flipturn plan --write\``);
  return plan;
}

/**
 * Throws UsageError if this program would not write what the plan asks for: another code of the stage, another Node, or
 * another kind of machine.
 */
export function requireSameProgram(plan: Plan, planned: PlannedStage, stage: Stage, path: string): void {
  const code = codeIdentity(stage.module);
  if (planned.code !== code)
    throw new UsageError(
      `${path}: stage ${planned.name} was planned with code ${planned.code} (flipturn ${plan.code}), this has ${code}; make the plan again with this version`,
    );
  const [here, there] = [nodeHere(), plan.node];
  if (here.major === there.major && here.platform === there.platform && here.unicode === there.unicode) return;
  const inWords = ({ major, platform, unicode }: NodeVersion) => `Node ${major} on ${platform}, Unicode ${unicode}`;
  throw new UsageError(`${path}: planned with ${inWords(there)}, this is ${inWords(here)}; use the same everywhere`);
}

function nodeHere(): NodeVersion {
  return {
    major: Number(process.versions.node.split(".")[0]),
    platform: `${process.platform}-${process.arch}`,
    unicode: process.versions["unicode"] ?? "",
  };
}

/** How a plan names the key that user ids are hashed with, without telling it. `secret`: FLIPTURN_USER_KEY, if it is set. */
export function userKeyName(secret: string | undefined): string {
  return secret ? `sha256:${createHash("sha256").update(secret).digest("hex").slice(0, 16)}` : "seed";
}

/** Throws NotReadyError if an input is not there or not what it was when the run was planned. */
export async function requireAsPlanned(path: string, { bytes, modified_ms }: Plan["inputs"][number]): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new NotReadyError(`${path}: was there when the run was planned and is not there now`);
  if (found.size !== bytes || (modified_ms !== null && Math.round(found.mtimeMs) !== modified_ms))
    throw new UsageError(
      `${path}: has changed since the run was planned: found ${found.size} bytes of ${found.mtime.toISOString()}, expected ${bytes} bytes${modified_ms === null ? "" : ` of ${new Date(modified_ms).toISOString()}`}; plan again`,
    );
}
