"""HF datasets: filter and map with as many processes as asked for, then zstd Parquet. Arguments: files folder processes"""

import sys

from datasets import load_dataset
from flip import COLUMNS, samples, stays, tell
from pyarrow.parquet import ParquetWriter


def flip(batch):
    rows = [
        row
        for each in zip(
            batch["conversation_hash"],
            batch["model"],
            batch["conversation"],
            batch["language"],
            batch["country"],
            batch["hashed_ip"],
        )
        for row in samples(*each)
    ]
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


if __name__ == "__main__":
    files, folder, processes = sys.argv[1], sys.argv[2], int(sys.argv[3])
    rows = load_dataset(
        "parquet", data_files=files, columns=COLUMNS, split="train", cache_dir=f"{folder}/cache", num_proc=processes
    )
    kept = rows.filter(
        lambda languages, toxics: [stays(*each) for each in zip(languages, toxics)],
        input_columns=["language", "toxic"],
        batched=True,
        num_proc=processes,
    )
    flipped = kept.map(flip, batched=True, remove_columns=kept.column_names, num_proc=processes)
    # `to_parquet` of datasets 5.2 always writes snappy.
    with ParquetWriter(f"{folder}/samples.parquet", flipped.features.arrow_schema, compression="zstd") as writer:
        for batch in flipped.with_format("arrow").iter(10_000):
            writer.write_table(batch)
    tell(len(flipped))
