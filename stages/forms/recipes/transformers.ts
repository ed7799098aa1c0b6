import { CHOICES, evaluated, type Facts, longest, PAPER, type RecipeFile, reader, readRows } from "./facts.ts";

/** Arguments that the training scripts share, the count of accumulated steps, and the settings of the paper. */
export function pythonArguments(trainer: string, rows: number): string {
  return `    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="../base")
    parser.add_argument("--to", default="../models/${trainer}")
    parser.add_argument("--batch", type=int, default=${PAPER.batch}, help="samples in a batch, over all devices")
    parser.add_argument("--rows", type=int, default=${rows}, help="rows on a device at a time")
    parser.add_argument("--lr", type=float, default=${PAPER.learningRate})
    parser.add_argument("--epochs", type=float, default=${CHOICES.epochs})
    parser.add_argument("--steps", type=int, default=-1, help="stop after so many batches")
    args = parser.parse_args()`;
}

/** The settings, as keywords of TrainingArguments. The first are the paper's. */
export const PYTHON_SETTINGS = `        # The paper's: batch = rows x devices x accumulated steps, learning rate, full fine-tune.
        per_device_train_batch_size=args.rows,
        gradient_accumulation_steps=accumulation(args, train),
        learning_rate=args.lr,
        # The paper is silent on these; they are choices.
        num_train_epochs=args.epochs,
        max_steps=args.steps,
        lr_scheduler_type="${CHOICES.schedule}",
        warmup_steps=${CHOICES.warmup},  # below 1: a share of all steps
        weight_decay=${CHOICES.weightDecay},
        max_grad_norm=${CHOICES.clip},
        optim="adamw_torch",
        seed=${CHOICES.seed},
        bf16=torch.cuda.is_available(),
        gradient_checkpointing=True,
        per_device_eval_batch_size=args.rows,
        eval_strategy="no" if validation is None else "epoch",
        save_strategy="epoch",
        save_only_model=True,
        logging_steps=1,
        report_to="none",`;

/** How many rows make a batch of samples. */
export function pythonAccumulation({ layout, packing }: Facts): string {
  const devices = `devices = int(os.environ.get("WORLD_SIZE", "1"))`;
  if (layout === "samples" && !packing)
    return `def accumulation(args, train):
    """Steps that make a batch. One row is one sample: 1,024 = 8 rows x 8 devices x 16 steps."""
    ${devices}
    if args.batch % (args.rows * devices):
        raise SystemExit(f"a batch of {args.batch} cannot be made of {args.rows} rows on {devices} devices")
    return args.batch // (args.rows * devices)`;
  return `def accumulation(args, train):
    """Steps that make about a batch. A row holds several samples: as many as there are targets."""
    ${devices}
    first = train.select(range(min(1000, len(train))))
    targets = sum(a != -100 and b == -100 for row in first for a, b in zip(row["labels"], [-100, *row["labels"]]))
    return max(1, round(args.batch / (targets / len(first)) / (args.rows * devices)))`;
}

/** A Trainer that reads the weights of tokens. */
const WEIGHTED = `
def weighted_loss(outputs, labels, weights, items):
    """The loss of each token by its weight, over the number of trained tokens: with all weights 1 the usual mean."""
    ids = labels[:, 1:].flatten()  # a token is predicted at the place before it
    logits = outputs.logits[:, :-1].flatten(0, 1).float()
    losses = torch.nn.functional.cross_entropy(logits, ids, ignore_index=-100, reduction="none")
    return (losses * weights[:, 1:].flatten()).sum() / ((ids != -100).sum() if items is None else items)


class Weighted(Trainer):
    def __init__(self, **given):
        super().__init__(compute_loss_func=weighted_loss, **given)

    def compute_loss(self, model, inputs, *given, **more):
        weights = inputs.pop("loss_weights")
        self.compute_loss_func = lambda outputs, labels, num_items_in_batch=None: weighted_loss(
            outputs, labels, weights, num_items_in_batch
        )
        return super().compute_loss(model, inputs, *given, **more)

`;

/** Token rows and nothing else of transformers than its Trainer. */
export function transformers(facts: Facts): RecipeFile {
  const { packing, isWeighted } = facts;
  const names = ["input_ids", "labels", ...(packing ? ["position_ids"] : []), ...(isWeighted ? ["loss_weights"] : [])];
  const columns = JSON.stringify(names).replaceAll(",", ", ");
  const weights = isWeighted ? `, "loss_weights": pad("loss_weights", 0.0)` : "";
  const mask = packing
    ? `    # No mask: the positions, which begin at 0 with every row of the bin, say what may see what.
    return {"input_ids": pad("input_ids", padding), "labels": pad("labels", -100), "position_ids": pad("position_ids", 0)${weights}}`
    : `    mask = [[1] * len(row["input_ids"]) + [0] * (width - len(row["input_ids"])) for row in batch]
    return {"input_ids": pad("input_ids", padding), "labels": pad("labels", -100), "attention_mask": torch.tensor(mask)${weights}}`;
  return {
    path: "recipes/transformers/train.py",
    text: String.raw`"""Trains on token rows with the Trainer of transformers: ids and labels go to the model as they are.

    python recipes/base.py                                          # once
    python recipes/transformers/train.py                            # one device
    torchrun --nproc-per-node 8 recipes/transformers/train.py       # a copy of the model on each of 8
    accelerate launch --use_fsdp --fsdp_version 2 --fsdp_auto_wrap_policy TRANSFORMER_BASED_WRAP \
        --num_processes 8 recipes/transformers/train.py             # 8B in shards
    python recipes/sample.py ../models/transformers                 # does it stop?

Run from the folder of the dataset. Tested with transformers 5.23.0, datasets 5.2.0 and torch 2.15.0, on one and on two
processes of a CPU; not on GPUs, and not in shards.
Loss: ${isWeighted ? "the sum over all trained tokens of a batch, each by its weight, divided by their number" : "the mean over all trained tokens of a batch"}. Rows have at most ${longest(facts).toLocaleString("en")} tokens, so nothing is cut.${
      packing
        ? "\nBins: samples in a bin must not see each other. transformers takes that from position_ids where there is no attention\nmask; with flash attention only for one row at a time, so --rows stays 1."
        : ""
    }
"""

import argparse
import os
from pathlib import Path

import torch
from datasets import ${reader(facts)}
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

DATASET = Path(__file__).resolve().parents[2]


${readRows(facts)}


${pythonAccumulation(facts)}


def collate(batch, padding):
    width = max(len(row["input_ids"]) for row in batch)

    def pad(name, value):
        return torch.tensor([row[name] + [value] * (width - len(row[name])) for row in batch])

${mask}

${isWeighted ? WEIGHTED : ""}
def main():
${pythonArguments("transformers", packing ? 1 : 8)}
    tokenizer = AutoTokenizer.from_pretrained(args.base)
    train = rows("train").select_columns(${columns})
    validation = ${evaluated(facts) ? `rows("validation").select_columns(${columns})` : "None"}
    settings = TrainingArguments(
        output_dir=args.to,
${PYTHON_SETTINGS}
        remove_unused_columns=False,
    )
    trainer = ${isWeighted ? "Weighted" : "Trainer"}(
        model=AutoModelForCausalLM.from_pretrained(args.base, dtype="auto"),
        args=settings,
        train_dataset=train,
        eval_dataset=validation,
        data_collator=lambda batch: collate(batch, tokenizer.pad_token_id),
        processing_class=tokenizer,
    )
    trainer.train()
    trainer.save_model(args.to)


if __name__ == "__main__":
    main()
`,
  };
}
