import type { z } from "zod";
import type { Plan, PlannedStage } from "../schemas/plan.ts";
import { type Chain, stageNamed } from "./chain.ts";
import { digest } from "./hash.ts";
import { decisiveModels, ServerOptions } from "./models/server-options.ts";
import { decisive, withoutFolders } from "./setting-marks.ts";
import { stageIn, variantIn } from "./stage.ts";

/** A plan, and the chain whose stages are planned in it. */
export interface PlannedChain {
  readonly plan: Plan;
  readonly chain: Chain;
}

/**
 * The settings that decide what the stages of one variant write, as a configuration file has them. Files are given by name
 * alone: where they lay, or which server was asked, is nobody's business.
 */
export function recipe(planned: PlannedChain, variant: string): Record<string, unknown> {
  const stages = stagesOf(planned.plan, variant);
  const options = stages.map((stage) => [stageIn(stage.name), optionsShown(planned.chain, stage)] as const);
  const models = stages.flatMap((stage) => Object.entries(decisiveModels(stage.models)));
  const shown = models.map(([role, { baseUrl: _, ...own }]) => {
    return [role, withoutNulls(ServerOptions, own)] as const;
  });
  const all = [...options, ...(shown.length > 0 ? [["models", Object.fromEntries(shown)] as const] : [])];
  return Object.fromEntries(all.filter(([, settings]) => Object.keys(settings).length > 0));
}

/** 16 hex digits of the sha256 over the recipe and the contents of the files that it names, wherever they lie. */
export function optionsHash(planned: PlannedChain, variant: string): string {
  const files = stagesOf(planned.plan, variant).map((stage) => stage.files.map(({ sha256 }) => sha256));
  return digest([recipe(planned, variant), files]).slice(0, 16);
}

function stagesOf({ stages }: Plan, variant: string): PlannedStage[] {
  return stages.filter(({ name }) => [null, variant].includes(variantIn(name)));
}

function optionsShown(chain: Chain, { name, options }: PlannedStage): Record<string, unknown> {
  const schema = stageNamed(chain, name).options;
  return withoutNulls(schema, withoutFolders(schema, decisive(schema, options)));
}

/** Without what is null by default: who leaves it out gets the same. */
function withoutNulls({ shape }: z.ZodObject, options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isNullAnyway = (name: string) => (shape[name] as z.ZodType).safeParse(undefined).data === null;
  return Object.fromEntries(Object.entries(options).filter(([name, value]) => value !== null || !isNullAnyway(name)));
}
