import { evaluated, type Facts, type RecipeFile, reader, readRows } from "./facts.ts";

/** Token rows as Axolotl and LLaMA-Factory want those that are tokenised already: three columns in a folder of HF `datasets`. */
export function prepared(facts: Facts): RecipeFile {
  const splits = ["train", ...(evaluated(facts) ? ["validation"] : [])];
  return {
    path: "recipes/prepared.py",
    text: `"""Makes ../prepared: the token rows with the three columns that Axolotl and LLaMA-Factory take as tokenised.

    python recipes/prepared.py

Axolotl knows such a dataset by the column attention_mask; LLaMA-Factory wants all splits in one folder of HF datasets.
Tested with datasets 5.2.0; read with 4.0.0 (LLaMA-Factory 0.9.5) and 4.8.4 (Axolotl 0.19.0).
"""

from pathlib import Path

from datasets import DatasetDict, Features, List, Value, ${reader(facts)}

DATASET = Path(__file__).resolve().parents[1]
COLUMNS = ("input_ids", "attention_mask", "labels")


${readRows(facts)}


def with_mask(row):
    return {"attention_mask": [1] * len(row["input_ids"])}


def prepare(split):
    tokens = rows(split).select_columns(["input_ids", "labels"]).map(with_mask).select_columns(list(COLUMNS))
    return tokens.cast(Features({name: List(Value("int32")) for name in COLUMNS}))


DatasetDict({split: prepare(split) for split in ${JSON.stringify(splits)}}).save_to_disk("../prepared")
`,
  };
}
