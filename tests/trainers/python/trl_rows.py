"""Runs the recipe for TRL, or that for transformers, up to the batches that it would train on."""

import runpy
import sys
import tempfile

import trl
from compare import report, unpadded
from transformers import Trainer

recipe, tokens, base = sys.argv[1:]
made = []


def collect(self):
    for batch in self.get_train_dataloader():
        made.extend(unpadded(batch))


Trainer.train = collect
Trainer.save_model = lambda *_: None
with tempfile.TemporaryDirectory() as folder:
    sys.argv = [recipe, "--base", base, "--to", folder, "--batch", "1", "--rows", "1"]
    runpy.run_path(recipe, run_name="__main__")
report(f"trl {trl.__version__}", made, tokens)
