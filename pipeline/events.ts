import type { Manifest } from "../schemas/manifest.ts";
import type { Progress } from "./task.ts";

/** What happens during a run, for whoever draws it. */
export type RunEvent =
  | { type: "stage"; stage: string; state: "up-to-date" | "running" | "done"; manifest?: Manifest; seconds?: number }
  | { type: "phase"; stage: string; phase: string; done: number; total: number }
  | { type: "damaged"; stage: string; path: string; found: string; expected: string }
  | ({ type: "progress" } & Progress);
