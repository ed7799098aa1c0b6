import { basename } from "node:path";
import type { Manifest } from "../../../schemas/manifest.ts";
import { ROLE } from "../../intents/options.ts";

/** Where the intents of a dataset come from, and how many conversations have one. */
export function intentsSection({ options, models, in: all, kept, counts }: Manifest): string {
  const coverage = `${kept} of ${all} conversations have one; why the others left is said below`;
  const written = `Written by the model \`${models[ROLE]?.["model"]}\`, which saw the conversation: ${coverage}.`;
  const from = {
    openai: written,
    batch: written,
    import: `Published by others and imported from ${localNames(options["import"])
      .map((name) => `\`${name}\``)
      .join(
        ", ",
      )}: ${coverage}. ${counts["imported_by_id"] ?? 0} were found by the id of the conversation, ${counts["imported_by_text"] ?? 0} by the text of its first user turn.`,
    recorded: `Taken from a file: ${coverage}.`,
    none: "None: samples are conditioned on the conversation alone.",
  }[String(options["provider"])];
  return `## Intents\n\n${from ?? coverage}`;
}

/** What was imported, local files by name alone. */
function localNames(patterns: unknown): string[] {
  const list = Array.isArray(patterns) ? patterns.map(String) : [];
  return list.map((each) => (each.startsWith("hf:") ? each : basename(each)));
}
