"""Has torchtune read the rows by the recipe's configuration, up to the batches that it would train on."""

import sys
from importlib.metadata import version
from pathlib import Path

import llama_models.llama3
from compare import report
from omegaconf import OmegaConf
from torchtune import config
from torchtune.data import padded_collate_sft

(tokens,) = sys.argv[1:]
sys.path.insert(0, "recipes/torchtune")
cfg = OmegaConf.load("recipes/torchtune/config.yaml")
cfg.tokenizer.path = str(Path(llama_models.llama3.__path__[0]) / "tokenizer.model")
tokenizer = config.instantiate(cfg.tokenizer)
made = []
for row in config.instantiate(cfg.dataset, tokenizer):
    batch = padded_collate_sft([row], padding_idx=tokenizer.pad_id)
    made.append((batch["tokens"][0].tolist(), batch["labels"][0].tolist()))
report(f"torchtune {version('torchtune')}", made, tokens)
