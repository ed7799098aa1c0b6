import type { Chain } from "../pipeline/chain.ts";
import { countsRows } from "../pipeline/chain.ts";
import { stageIn } from "../pipeline/stage.ts";
import type { Manifest } from "../schemas/manifest.ts";

/** What would let rows stay that left for a reason, by stage; reasons that no setting changes are not here. */
const ADVICE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  prepare: {
    schema: "--columns names the columns, --source the source",
    language: "--language takes another language, or any",
    toxic: "--set prepare.toxic=keep",
    redacted: "--set prepare.redacted=keep",
    unknown_role: "--role-map says who is meant, such as caller=user,desk=assistant",
    system_turn: "--set prepare.roles=repair leaves such turns out",
    tool_turn: "--set prepare.roles=repair leaves such turns out",
    broken_alternation: "--set prepare.roles=repair joins turns of one role",
    repeated_id: "--columns id=<name> names another id, --set prepare.repeats=keep keeps them all",
  },
  dedup: {
    template: "--min-count finds fewer templates, --set dedup.templates=keep keeps them",
    near_duplicate: "--near-duplicates mark keeps them",
    contaminated: "--contaminated names the list that they were on",
  },
  intents: {
    no_intent: "--recorded or --import has no intent for their ids",
    wrong_prefix: "--set intents.intentPrefix tells how they begin",
    specified: "--set intents.specified=keep",
    too_long: "--set models.intents.contextTokens tells what fits",
    cut_off: "--set models.intents.maxOutputTokens allows longer answers",
    refused: "--model names another",
    invalid: "--model names another",
    invalid_request: "--model names another",
  },
  flip: {
    empty_target: "--set flip.emptyTargets=keep",
    ends_with_user: "--set flip.endAfterUser=keep",
    doubtful_end: "--end-labels all",
  },
  render: {
    control_token: "--set render.controlTokens=escape",
    target_too_long: "--max-tokens allows longer rows",
    too_long: "--max-tokens allows longer rows, --set render.overflow=shorten shortens them",
    doubtful_end: "--end-labels all",
  },
};

/** The first stage that kept nothing, why, and which settings would change it; null = every stage kept something. */
export function whyEmpty(manifests: readonly Manifest[], chain: Chain): string | null {
  const empty = manifests.find(({ stage, kept }) => kept === 0 && countsRows(chain, stage));
  if (!empty) return null;
  const { stage, unit, rejected } = empty;
  const reasons = Object.entries(rejected).sort(([, a], [, b]) => b - a);
  const words = reasons.map(([reason, rows]) => {
    const advice = ADVICE[stageIn(stage)]?.[reason];
    return `${rows} ${reason}${advice ? ` (${advice})` : ""}`;
  });
  const why = words.length > 0 ? `rejected all ${empty.in} ${unit}: ${words.join(", ")}` : `was given no ${unit}`;
  return `the dataset is empty: ${stage} ${why}; \`flipturn explain <id>\` tells of one`;
}
