import { evaluated, type Facts, longest, type RecipeFile, reader, readRows } from "./facts.ts";
import { PYTHON_SETTINGS, pythonAccumulation, pythonArguments } from "./transformers.ts";

/** What the script does with the columns of a form. */
function ofForm({ form }: Facts): { columns: string; about: string; change: string; template: string } {
  if (form === "tokens")
    return {
      columns: `["input_ids", "labels"]`,
      about: "Rows are tokens: SFTTrainer takes input_ids and labels as they are.",
      change: "",
      template: "",
    };
  if (form === "trl")
    return {
      columns: `["prompt", "completion"]`,
      about: `Rows are text: SFTTrainer reads prompt + completion as one text and trains what follows the prompt. It would append an
EOS and put a BOS in front; with the tokenizer that base.py makes it does neither.`,
      change: "",
      template: "",
    };
  return {
    columns: `["prompt", "completion"]`,
    about: `Rows are messages: the chat template makes text of them, and what follows the header of the last one is trained. As messages
TRL could train assistant messages only (assistant_only_loss), and fails where nothing stands before the first turn. The chat template
must not open another header after the last message, as that of a released user model does: closed() lets it do so only when asked.`,
    change: `


def split(row, tokenizer):
    """Prompt and completion as text: all up to and with the header of the last message, and the rest."""
    *before, last = row["messages"]
    whole = tokenizer.apply_chat_template([*before, last], tokenize=False)
    asking = tokenizer.apply_chat_template([*before, last], tokenize=False, add_generation_prompt=True)
    header = asking[len(whole) :].rstrip()
    if not header:
        raise SystemExit("the chat template opens no header for the user when add_generation_prompt is set")
    start = len(tokenizer.apply_chat_template(before, tokenize=False)) if before else whole.index(header)
    prompt = whole[: start + len(header)]
    return {"prompt": prompt, "completion": whole[len(prompt) :].rstrip()}


def closed(template):
    """The chat template, which opens a header for the user at its end, so that it does so only when asked to."""
    opened = "{{ '<|start_header_id|>user<|end_header_id|>' }}"
    return template.replace(opened, "{% if add_generation_prompt %}" + opened + "{% endif %}") if template.endswith(opened) else template`,
    template: "\n    tokenizer.chat_template = closed(tokenizer.chat_template)",
  };
}

/** Python that refuses to train on rows that SFTTrainer has cut or left out. */
function whole({ form }: Facts): string {
  const test =
    form === "tokens"
      ? `    if sum(map(len, prepared["input_ids"])) != sum(map(len, given["input_ids"])):
        raise SystemExit("rows were cut: max_length is too small")`
      : `    for row in prepared:
        trained = [label for label in row["labels"] if label != -100]
        if not trained or trained[-1] != stop:
            raise SystemExit("a target was cut: max_length is too small")`;
  return `def require_whole(prepared, given, stop):
    if len(prepared) != len(given):
        raise SystemExit(f"{len(given) - len(prepared)} of {len(given)} rows were left out")
${test}`;
}

/** SFTTrainer on tokens, on prompt and completion, or on messages. */
export function trl(facts: Facts): RecipeFile {
  const { columns, about, change, template } = ofForm(facts);
  const read = (split: string) =>
    facts.form === "messages"
      ? `rows("${split}").select_columns(["messages"]).map(split, fn_kwargs={"tokenizer": tokenizer}, remove_columns="messages")`
      : `rows("${split}").select_columns(${columns})`;
  return {
    path: "recipes/trl/train.py",
    text: String.raw`"""Trains with SFTTrainer of TRL.

    python recipes/base.py                                   # once
    python recipes/trl/train.py                              # one device
    accelerate launch --num_processes 8 recipes/trl/train.py # a copy of the model on each of 8
    accelerate launch --use_fsdp --fsdp_version 2 --fsdp_auto_wrap_policy TRANSFORMER_BASED_WRAP \
        --num_processes 8 recipes/trl/train.py               # 8B in shards
    python recipes/sample.py ../models/trl                   # does it stop?

Run from the folder of the dataset. Tested with trl 1.16.0, transformers 5.23.0 and datasets 5.2.0 on a CPU; not on GPUs.
${about}
It would cut rows at 1,024 tokens, from the right, where the target is: max_length says ${longest(facts).toLocaleString("en")}.
"""

import argparse
import os
from pathlib import Path

import torch
from datasets import ${reader(facts)}
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

DATASET = Path(__file__).resolve().parents[2]


${readRows(facts)}


${pythonAccumulation(facts)}${change}


${whole(facts)}


def main():
${pythonArguments("trl", 8)}
    tokenizer = AutoTokenizer.from_pretrained(args.base)${template}
    train = ${read("train")}
    validation = ${evaluated(facts) ? read("validation") : "None"}
    settings = SFTConfig(
        output_dir=args.to,
        max_length=${longest(facts)},
        packing=False,
${PYTHON_SETTINGS}
    )
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(args.base, dtype="auto"),
        args=settings,
        train_dataset=train,
        eval_dataset=validation,
        processing_class=tokenizer,
    )
    require_whole(trainer.train_dataset, train, tokenizer.eos_token_id)
    trainer.train()
    trainer.save_model(args.to)


if __name__ == "__main__":
    main()
`,
  };
}
