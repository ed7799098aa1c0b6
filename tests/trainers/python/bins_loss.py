"""The loss of a model over rows one by one, and over the bins that hold them: the same, if no row sees another."""

import json
import runpy
import sys

import torch
from compare import read
from transformers import AutoModelForCausalLM

recipe, base, rows, bins = sys.argv[1:]
collate = runpy.run_path(recipe)["collate"]
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
model.config.use_cache = False  # as Trainer has it: with a cache, transformers does not look for rows in the positions


def loss(batch):
    with torch.no_grad():
        logits = model(**{name: value for name, value in batch.items() if name != "labels"}).logits
    return torch.nn.functional.cross_entropy(logits[0, :-1], batch["labels"][0, 1:], ignore_index=-100, reduction="sum").item()


def alone(row):
    return {"input_ids": torch.tensor([row["input_ids"]]), "labels": torch.tensor([row["labels"]])}


result = {
    "bins": len(read(bins)),
    "inBins": sum(loss(collate([row], 0)) for row in read(bins)),
    "alone": sum(loss(alone(row)) for row in read(rows)),
}
print("REPORT " + json.dumps(result))
