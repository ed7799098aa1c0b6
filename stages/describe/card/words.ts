import { conditioned } from "../../intents/artefacts.ts";
import { prepared } from "../../prepare/artefacts.ts";
import { sourceNamed } from "../../sources/index.ts";
import type { CardInput } from "./parts.ts";

/** What is known to be wrong with conversations of a source. */
const LIMITS: Readonly<Record<string, readonly string[]>> = {
  wildchat: [
    "Conversations were rebuilt by their collectors from requests that begin alike: a regenerated answer, an edit or a change of device breaks the chain, and collecting stopped on a date, so that some last turns are no endings.",
    "A user is an IP address: several people may share one, and one person may have several.",
    "The language of a conversation is a vote over all its messages, the assistant's too.",
    "Personal data was removed by the collectors with a tool; marks such as `<PRESIDIO_ANONYMIZED_PERSON>` stand where it found some, and it did not find all.",
  ],
  prism: [
    "Participants were paid, and asked to speak about values and controversy: topics are not those of everyday use.",
    "Where several candidates of a round are marked as chosen, the first was taken.",
    "Model text is CC-BY-NC-4.0: not for commercial use, and not to be mixed into data that is.",
  ],
};

/** What somebody who trains on this should know first. */
export function limits({ plan, options, manifests }: CardInput): string[] {
  const name = plan.source.startsWith("wildchat") ? "wildchat" : plan.source;
  const intents = manifests.find(({ stage }) => stage === conditioned.intents.stage)?.options["provider"];
  return [
    ...(LIMITS[name] ?? []),
    ...(isWithoutUsers(manifests)
      ? ["No users are known: every conversation stands alone, and the same person may be in every split."]
      : []),
    "People wrote this: it holds mistakes, opinions and things that may offend, and nobody has read all of it.",
    ...(intents === "none"
      ? ["There are no intents: this is the ablation without them."]
      : [
          "Intents are a language model's guess at what the person wanted, made from the whole conversation; some give details away.",
        ]),
    ...(options.overflow === "shorten" && options.maxTokens !== null
      ? [
          "In long conversations the oldest exchanges are left out of the context (`dropped_turns` says how many turns).",
        ]
      : []),
    ...(options.tokenizer === "none"
      ? []
      : ["Columns with tokens were counted with the tokenizer named above; another one counts differently."]),
  ];
}

/** True if no conversation that `prepare` kept has a user. */
function isWithoutUsers(manifests: CardInput["manifests"]): boolean {
  const found = manifests.find(({ stage }) => stage === prepared.conversations.stage);
  return found !== undefined && found.kept > 0 && found.counts["conversations_without_user"] === found.kept;
}

/** How to cite the recipe and the source. */
export function citation({ plan }: CardInput): string {
  const [, eprint] = /arXiv (\d{4}\.\d{4,5})/.exec(sourceNamed(plan.source).credit) ?? [];
  const recipe = entry(
    "flippingthedialogue",
    "Flipping the Dialogue: Training and Evaluating User Language Models",
    "2510.06552",
  );
  const source =
    eprint === undefined
      ? []
      : [entry(plan.source.replaceAll(/[^a-z0-9]/g, ""), sourceNamed(plan.source).credit, eprint)];
  return ["```bibtex", recipe, ...source, "```"].join("\n");
}

function entry(key: string, title: string, eprint: string): string {
  return `@misc{${key},\n  title = {${title}},\n  eprint = {${eprint}},\n  archivePrefix = {arXiv}\n}`;
}
