import fc from "fast-check";
import type { z } from "zod";
import { texts } from "./texts.ts";

/** Any rows of an artefact, from its schema: every text, number, null, empty list and nested struct that it allows. */
export function rowsOf<T extends z.ZodObject>(schema: T): fc.Arbitrary<z.infer<T>[]> {
  return fc.array(valuesOf(schema) as fc.Arbitrary<z.infer<T>>, { maxLength: 6 });
}

function valuesOf(type: z.ZodType): fc.Arbitrary<unknown> {
  const def = type.def as z.core.$ZodTypes["_zod"]["def"];
  const allows = (value: unknown) => type.safeParse(value).success;
  switch (def.type) {
    case "nullable":
      return fc.option(valuesOf(def.innerType as z.ZodType), { nil: null });
    case "string":
      return allows("") ? texts : texts.map((text) => text || "x");
    case "enum":
      return fc.constantFrom(...Object.values(def.entries));
    case "boolean":
      return fc.boolean();
    case "number":
      return fc.integer({ ...(!allows(-1) && { min: allows(0) ? 0 : 1 }), ...(!allows(2) && { max: 1 }) });
    case "array":
      return fc.array(valuesOf(def.element as z.ZodType), { minLength: allows([]) ? 0 : 1, maxLength: 4 });
    case "object":
      return fc.record(
        Object.fromEntries(Object.entries(def.shape).map(([name, each]) => [name, valuesOf(each as z.ZodType)])),
        { noNullPrototype: true },
      );
    default:
      throw new TypeError(`no values for a ${def.type}`);
  }
}
