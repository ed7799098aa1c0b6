"""Opens what was published as `load_dataset("you/name")` does from a local clone: every configuration, every split.

Usage: python published.py <folder that run.ts filled>. Exit code 1 if anything is not as its card says.
"""

import sys
from pathlib import Path

import pyarrow.parquet as parquet
import yaml
from datasets import get_dataset_config_names, get_dataset_split_names, load_dataset

# What the Hub's viewer can scan: https://huggingface.co/docs/dataset-viewer
ROW_GROUP_BYTES = 100_000_000
ROW_BYTES = 2_000_000
# A column that is larger than this has more than one page.
PAGES_BYTES = 2_000_000


def problems(clone: Path):
    header = yaml.safe_load((clone / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    info = header["dataset_info"]
    names = [config["config_name"] for config in header["configs"]]
    if get_dataset_config_names(str(clone)) != names or info["config_name"] not in names:
        yield f"configurations {get_dataset_config_names(str(clone))}, the card says {names}"
    expected = {split["name"]: split["num_examples"] for split in info["splits"]}
    for name in [None, *names]:
        found = load_dataset(str(clone), name)
        if {split: len(rows) for split, rows in found.items()} != expected:
            yield f"{name}: {found}, the card says {expected}"
        columns = [feature["name"] for feature in info["features"]]
        for split, rows in found.items():
            if rows.column_names != columns:
                yield f"{name}, {split}: columns {rows.column_names}, the card says {columns}"
    if get_dataset_split_names(str(clone), names[0]) != list(expected):
        yield f"splits {get_dataset_split_names(str(clone), names[0])}, the card says {list(expected)}"
    for path in clone.glob("data/*.parquet"):
        yield from viewer_problems(path)


def viewer_problems(path: Path):
    metadata = parquet.ParquetFile(path).metadata
    for group in (metadata.row_group(at) for at in range(metadata.num_row_groups)):
        if group.total_byte_size > ROW_GROUP_BYTES:
            yield f"{path.name}: a row group of {group.total_byte_size} bytes"
        if group.total_byte_size / max(1, group.num_rows) > ROW_BYTES:
            yield f"{path.name}: rows of more than {ROW_BYTES} bytes"
        for column in (group.column(at) for at in range(group.num_columns)):
            if column.total_uncompressed_size > PAGES_BYTES and not column.has_offset_index:
                yield f"{path.name}: column {column.path_in_schema} has several pages and no index of them"


clones = sorted((Path(sys.argv[1]) / "clones").iterdir())
wrong = [f"{clone.name}: {problem}" for clone in clones for problem in problems(clone)]
print("\n".join(wrong) or f"published: {len(clones)} clones open with every configuration and split as their cards say")
sys.exit(1 if wrong or not clones else 0)
