"""Compares what a trainer makes of rows with the ids and labels of the form `tokens`."""

import json
from collections import Counter
from pathlib import Path

from datasets import load_dataset

IGNORED = -100


def read(folder):
    """The rows of a dataset that flipturn wrote, all splits of it that are there."""
    return load_dataset("parquet", data_files=[str(path) for path in Path(folder).glob("data/train-*.parquet")], split="train")


def trained(labels):
    return tuple(at for at, label in enumerate(labels) if label != IGNORED)


def report(trainer, got, tokens, form="."):
    """Prints what was compared and what differs. `got`: pairs of ids and labels, in any order."""
    ids = {row["id"] for row in read(form)}
    ours = [row for row in read(tokens) if row["id"] in ids]
    got = [(tuple(map(int, row)), tuple(map(int, labels))) for row, labels in got]
    by_ids = Counter(row for row, _ in got)
    by_all = Counter(got)
    different, untrained = [], []
    for row in ours:
        key = tuple(row["input_ids"])
        if by_ids[key] == 0:
            different.append(row["id"])
        else:
            by_ids[key] -= 1
        both = (key, tuple(row["labels"]))
        if by_all[both] == 0:
            untrained.append(row["id"])
        else:
            by_all[both] -= 1
    summary = {
        "trainer": trainer,
        "rows": len(ids),
        "ours": len(ours),
        "got": len(got),
        "idsDiffer": sorted(different),
        "labelsDiffer": sorted(untrained),
        "trained": sum(len(trained(labels)) for _, labels in got),
    }
    print("REPORT " + json.dumps(summary))


def unpadded(batch):
    """Pairs of ids and labels from a batch with an attention mask."""
    for ids, labels, mask in zip(batch["input_ids"], batch["labels"], batch["attention_mask"]):
        length = int(mask.sum())
        yield ids[:length].tolist(), labels[:length].tolist()
