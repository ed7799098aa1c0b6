/** What is to be known of a setting beside its type: whether it decides outputs, and whether it names files. */
import { basename } from "node:path";
import type { z } from "zod";

/** Marks a setting that changes no output, such as how many requests are sent at a time: a change of it runs nothing again. */
export function operational<T extends z.ZodType>(setting: T): T {
  return setting.meta({ ...setting.meta(), operational: true });
}

/** Marks a setting that names a file, or several: where they lie is nobody's business. `value` stands for it in help texts. */
export function namesFiles<T extends z.ZodType>(setting: T, value = "file"): T {
  return setting.meta({ ...setting.meta(), namesFiles: true, value });
}

function isMarked(setting: z.ZodType | undefined, mark: "operational" | "namesFiles"): boolean {
  return setting?.meta()?.[mark] === true;
}

/** The options that decide outputs. */
export function decisive(schema: z.ZodObject, options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isDecisive = (name: string) => !isMarked(schema.shape[name] as z.ZodType | undefined, "operational");
  return Object.fromEntries(Object.entries(options).filter(([name]) => isDecisive(name)));
}

/** The options with the names of files in place of their paths. Addresses on the Hub stay as they are. */
export function withoutFolders(
  schema: z.ZodObject,
  options: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const bare = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(bare);
    return typeof value === "string" && !value.startsWith("hf:") ? basename(value) : value;
  };
  const shown = ([name, value]: [string, unknown]) => {
    return [name, isMarked(schema.shape[name] as z.ZodType | undefined, "namesFiles") ? bare(value) : value];
  };
  return Object.fromEntries(Object.entries(options).map(shown));
}
