import { CONFIDENT } from "../../flip/options.ts";
import { formNamed } from "../../forms/index.ts";
import { formOf, type RenderOptions } from "../../render/options.ts";

/** What the card says about doubtful ends; nothing where all ends are there and count alike, as published. */
export function endsInWords(labels: unknown, options: Pick<RenderOptions, "form" | "layout" | "packing">): string[] {
  const told = labels === "confident" ? leftOut() : labels === "weighted" ? weighed(options) : null;
  const says =
    "`end_confidence` says how sure it is that the user left where the text stops: a judgement by rules, not a measured probability.";
  return told === null ? [] : [`## Ends\n\n${says} ${told}`];
}

function leftOut(): string {
  return `Ends below ${CONFIDENT} are no samples (\`doubtful_end\`).`;
}

function weighed({ form: names, layout, packing }: Pick<RenderOptions, "form" | "layout" | "packing">): string {
  const form = formNamed(formOf({ form: names }));
  const ofTargets = layout === "conversations" ? "`target_weights`" : "`weight`";
  const columns = [
    ...(packing ? [] : [`${ofTargets}: what the loss of a target is to be multiplied by, 1 but for ends.`]),
    ...(form.needsTokens ? ["`loss_weights`: the same for each token, 0 outside targets."] : []),
  ];
  const who = form.wholeWeights
    ? `OpenAI knows no weights between 0 and 1: every target in \`messages\` has 1. ${leftOut()}`
    : "A trainer that does not read weights trains every end in full.";
  return `${columns.join(" ")} ${who}`;
}
