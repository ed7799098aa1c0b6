import { basename } from "node:path";
import { stringify } from "yaml";
import { digest } from "../../../pipeline/hash.ts";
import type { Plan } from "../../../schemas/plan.ts";
import { localNames } from "./intents.ts";

/** The options of every stage. Files are given by name alone: where they lay, or which server was asked, is nobody's business. */
export function recipe(plan: Plan): string {
  const options = plan.stages.map((stage) => {
    const paths = new Set(stage.files.map((file) => file.path));
    const shown = Object.entries(stage.options).filter(([name, value]) => name !== "baseUrl" && value !== null);
    const bare = ([name, value]: [string, unknown]) => {
      if (name === "import") return [name, localNames(value)];
      return [name, paths.has(String(value)) ? basename(String(value)) : value];
    };
    return [stage.name, Object.fromEntries(shown.map(bare))] as const;
  });
  return stringify(Object.fromEntries(options.filter(([, shown]) => Object.keys(shown).length > 0)));
}

/** 16 hex digits of the sha256 over the recipe and the contents of the files that it names, wherever they lie. */
export function optionsHash(plan: Plan): string {
  return digest([recipe(plan), plan.stages.map(({ files }) => files.map(({ sha256 }) => sha256))]).slice(0, 16);
}
