"""The loss that the recipe's trainer gives for rows with weights, over two steps that make a batch, and the same by hand."""

import json
import runpy
import sys

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, TrainingArguments

from compare import read

recipe, base, folder, to = sys.argv[1:]
code = runpy.run_path(recipe)
rows = sorted(read(folder), key=lambda row: row["id"])[:4]
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)


def by_hand(row):
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([row["input_ids"]])).logits[0, :-1].log_softmax(-1)
    places = [at for at, label in enumerate(row["labels"]) if label != -100]
    return sum(-row["loss_weights"][at] * logits[at - 1, row["labels"][at]].item() for at in places), len(places)


sums = [by_hand(row) for row in rows]
settings = TrainingArguments(
    output_dir=to,
    per_device_train_batch_size=2,
    gradient_accumulation_steps=2,
    max_steps=1,
    learning_rate=0.0,
    logging_steps=1,
    save_strategy="no",
    report_to="none",
    remove_unused_columns=False,
    use_cpu=True,
)
columns = ["input_ids", "labels", "loss_weights"]
trainer = code["Weighted"](
    model=model,
    args=settings,
    train_dataset=Dataset.from_list([{name: row[name] for name in columns} for row in rows]),
    data_collator=lambda batch: code["collate"](batch, 0),
)
trainer.train()
result = {
    "rows": len(rows),
    "doubtful": sum(0 < max(row["loss_weights"]) < 1 for row in rows),
    "trained": next(each["loss"] for each in trainer.state.log_history if "loss" in each),
    "byHand": sum(loss for loss, _ in sums) / sum(count for _, count in sums),
}
print("REPORT " + json.dumps(result))
