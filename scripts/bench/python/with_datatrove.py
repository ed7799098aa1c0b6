"""datatrove: reader, filter, a step that flips, zstd Parquet writer. Arguments: folder-of-files folder processes"""

import json
import sys
from pathlib import Path

import pyarrow
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.filters import LambdaFilter
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from flip import samples, stays, tell


TURNS = pyarrow.list_(pyarrow.struct([("role", pyarrow.string()), ("content", pyarrow.string())]))
TYPES = {"turn": pyarrow.int64(), "turns": pyarrow.int64(), "context": TURNS}
NAMES = ["id", "conversation_id", "turn", "turns", "context", "target", "language", "country", "model", "user_id"]
SCHEMA = pyarrow.schema([(name, TYPES.get(name, pyarrow.string())) for name in NAMES])


def adapt(self, row, path, id_in_file):
    return {"text": "a conversation", "id": row["conversation_hash"], "metadata": row}


def columns_of(self, document):
    return document.metadata


class Flip(PipelineStep):
    name = "Flip"

    def run(self, data, rank=0, world_size=1):
        for document in data:
            row = document.metadata
            names = ["conversation_hash", "model", "conversation", "language", "country", "hashed_ip"]
            for sample in samples(*(row[name] for name in names)):
                self.stat_update("samples")
                yield Document(text=sample["target"] or " ", id=sample["id"], metadata=sample)


if __name__ == "__main__":
    source, folder, processes = sys.argv[1], sys.argv[2], int(sys.argv[3])
    LocalPipelineExecutor(
        pipeline=[
            ParquetReader(source, glob_pattern="*.parquet", adapter=adapt, read_metadata=True),
            LambdaFilter(lambda document: stays(document.metadata["language"], document.metadata["toxic"])),
            Flip(),
            ParquetWriter(f"{folder}/samples", adapter=columns_of, compression="zstd", schema=SCHEMA),
        ],
        tasks=processes,
        workers=processes,
        logging_dir=f"{folder}/logs",
    ).run()
    steps = json.loads(Path(f"{folder}/logs/stats.json").read_text())
    tell(next(step["stats"]["samples"] for step in steps if "Flip" in step["name"]))
