import type { z } from "zod";
import { bitsOf } from "../../../pipeline/files/parquet.ts";

/** The columns as HF `datasets` wants to be told, so that files without a value in a column have its type all the same. */
export function features(schema: z.ZodObject): object[] {
  return Object.entries(schema.shape).map(([name, type]) => ({ name, ...feature(type as z.ZodType) }));
}

function feature(type: z.ZodType): object {
  const def = type.def as z.core.$ZodTypes["_zod"]["def"];
  if (def.type === "nullable") return feature(def.innerType as z.ZodType);
  if (def.type === "array") {
    const element = def.element as z.ZodType;
    return {
      list: "shape" in element ? features(element as z.ZodObject) : (feature(element) as { dtype: string }).dtype,
    };
  }
  if (def.type !== "number") return { dtype: def.type === "boolean" ? "bool" : "string" };
  return { dtype: (type as z.ZodNumber).isInt ? `int${bitsOf(type)}` : "float64" };
}

/** The type of a column in words. */
export function typeName(type: z.ZodType): string {
  const def = type.def as z.core.$ZodTypes["_zod"]["def"];
  if (def.type === "nullable") return `${typeName(def.innerType as z.ZodType)} or null`;
  if (def.type === "array") return `list of ${typeName(def.element as z.ZodType)}`;
  if (def.type === "object")
    return `{${Object.entries(def.shape)
      .map(([name, each]) => `${name}: ${typeName(each as z.ZodType)}`)
      .join(", ")}}`;
  if (def.type === "enum") return Object.values(def.entries).join(" / ");
  return def.type === "number" && (type as z.ZodNumber).isInt ? "integer" : def.type;
}
