import { z } from "zod";

/** The number of a row in its conversation, as text too; an empty one is none. */
export const TurnNumber = z
  .union([z.number(), z.string().regex(/^\s*(-?\d+(\.\d+)?)?\s*$/)], { error: "a number" })
  .nullish();

/** That number; null = there is none. */
export function turnNumber(value: unknown): number | null {
  if (typeof value === "number") return value;
  return typeof value === "string" && value.trim() !== "" ? Number(value) : null;
}
