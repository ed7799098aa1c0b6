import { artefactsOf, files, singleTable } from "../../pipeline/artefact.ts";
import { Baseline } from "../../schemas/baseline.ts";
import { PublishedCount } from "../../schemas/published-count.ts";
import { Split } from "../../schemas/user.ts";
import { DATASET } from "../render/artefacts.ts";

/** Files beside the rows, by their path in the folder of the dataset. */
const BESIDE: readonly string[] = [
  "README.md",
  "chat_template.jinja",
  "dataset_dict.json",
  ...Split.options.flatMap((split) => [`${split}/state.json`, `${split}/dataset_info.json`]),
];

/** What `describe` writes. */
export const described = artefactsOf("describe", {
  baselines: singleTable(
    Baseline,
    "what the data itself gives for one of the paper's measures of user models: diversity of first turns, overlap with the intent, ends by a rule",
  ),
  published_counts: singleTable(
    PublishedCount,
    "a published count beside ours, and the settings that could explain the gap",
  ),
  card: files(
    DATASET,
    (path) => BESIDE.includes(path) || path.startsWith("recipes/"),
    "the dataset's card, its chat template, and recipes for trainers",
  ),
});
