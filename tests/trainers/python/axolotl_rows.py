"""Has Axolotl read the rows by the recipe's configuration, as `axolotl train` does before it trains."""

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import yaml
from axolotl.cli.config import load_cfg
from axolotl.common.datasets import load_datasets
from compare import report


def main():
    tokens, base = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        config = yaml.safe_load(Path("recipes/axolotl/config.yaml").read_text())
        config |= {"base_model": base, "dataset_prepared_path": f"{folder}/prepared", "output_dir": f"{folder}/model", "bf16": False}
        path = Path(folder) / "config.yaml"
        path.write_text(yaml.safe_dump(config))
        cfg = load_cfg(str(path))
        train = load_datasets(cfg=cfg).train_dataset
        made = [(row["input_ids"], row["labels"]) for row in train]
    report(f"axolotl {version('axolotl')}", made, tokens)


# Axolotl maps over rows in processes of its own, which import this file.
if __name__ == "__main__":
    main()
