"""Has LLaMA-Factory read the rows by the recipe's configuration, up to the batches that it would train on."""

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import yaml
from compare import report, unpadded
from llamafactory.data import SFTDataCollatorWith4DAttentionMask, get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer

tokens, base = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    config = yaml.safe_load(Path("recipes/llama-factory/config.yaml").read_text())
    config |= {"model_name_or_path": base, "output_dir": folder, "bf16": False}
    model_args, data_args, training_args, _, _ = get_train_args(config)
    loaded = load_tokenizer(model_args)
    template = get_template_and_fix_tokenizer(loaded["tokenizer"], data_args)
    train = get_dataset(template, model_args, data_args, training_args, stage="sft", **loaded)["train_dataset"]
    collate = SFTDataCollatorWith4DAttentionMask(
        template=template, model=None, pad_to_multiple_of=8, label_pad_token_id=-100, **loaded
    )
    made = [pair for row in train for pair in unpadded(collate([row]))]
report(f"llamafactory {version('llamafactory')}", made, tokens)
