import { builder, evaluated, type Facts, glob, type RecipeFile } from "./facts.ts";

/** Checks the rows against the documented rules, writes them as the API wants them, and, if asked to, uploads them. */
export function openai(facts: Facts): RecipeFile {
  const splits = ["train", ...(evaluated(facts) ? ["validation"] : [])];
  return {
    path: "recipes/openai/upload.py",
    text: String.raw`"""Makes files for OpenAI's supervised fine-tuning, and with --model uploads them and starts a job, which costs money.

    python recipes/openai/upload.py                                  # ../openai-train.jsonl, checked; nothing is sent
    OPENAI_API_KEY=... python recipes/openai/upload.py --model <a model that can be fine-tuned>

What this is and is not:
- Roles are swapped: what the person said is "assistant", because only assistant messages can be trained (weight 1, else 0).
- No token can be added: the model says <|endconversation|> as text. The chat format is OpenAI's own, and so is the base
  model, an instruction-tuned one; the paper found that base checkpoints do better.
- OpenAI's documentation of late 2025 says that the fine-tuning platform is being wound down and closed to new users.
- Checked here: the documented format (messages, roles, weight 0 or 1 on assistant messages, an assistant message at the end,
  at least 10 rows, at most 512 MB a file). Not checked, because nothing was sent: whether a row without any user message
  (a first turn without intent), or an empty message, is taken; how many tokens a row may have; what moderation refuses.
Tested with datasets 5.2.0, up to the upload.
"""

import argparse
import json
from pathlib import Path

from datasets import load_dataset

DATASET = Path(__file__).resolve().parents[2]
FILES = ${JSON.stringify(Object.fromEntries(splits.map((split) => [split, glob(facts, split as "train" | "validation")])))}
MOST_BYTES = 512_000_000


def message(row):
    """Without the weight where it is null: the API knows it on assistant messages alone."""
    return {name: value for name, value in row.items() if value is not None}


def problem(messages):
    if not messages or messages[-1]["role"] != "assistant" or messages[-1].get("weight") != 1:
        return "the last message is not a trained assistant message"
    if any(("weight" in each) != (each["role"] == "assistant") for each in messages):
        return "a weight belongs to every assistant message and to no other"
    if any(each["role"] == "system" for each in messages[1:]):
        return "a system message can only be the first"
    return None


def write(split):
    path = Path("..") / f"openai-{split}.jsonl"
    rows = load_dataset("${builder(facts)}", data_files=str(DATASET / FILES[split]), split="train")
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            messages = [message(each) for each in row["messages"]]
            if found := problem(messages):
                raise SystemExit(f"{row['id']}: {found}")
            file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    if len(rows) < 10:
        raise SystemExit(f"{path}: {len(rows)} rows; OpenAI wants 10 or more")
    if path.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{path}: {path.stat().st_size} bytes; a file can have {MOST_BYTES}: take fewer rows")
    print(f"{path}: {len(rows)} rows")
    return path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", help="upload, and start a job with this model")
    args = parser.parse_args()
    paths = {split: write(split) for split in FILES}
    if args.model is None:
        return
    from openai import OpenAI

    client = OpenAI()
    files = {split: client.files.create(file=path.open("rb"), purpose="fine-tune").id for split, path in paths.items()}
    # Epochs, batch and learning rate are left to OpenAI: it sets them relative to its own, not as numbers of the paper.
    job = client.fine_tuning.jobs.create(
        model=args.model,
        training_file=files["train"],
        **({"validation_file": files["validation"]} if "validation" in files else {}),
        method={"type": "supervised"},
    )
    print(f"{job.id}: {job.status}")


if __name__ == "__main__":
    main()
`,
  };
}
