"""Compares our Llama 3 ids with those of Meta's vocabulary in tiktoken and of Hugging Face tokenizers. Exit code 1 if any differ.

Usage: python tokens.py <folder that run.ts filled>
"""

import base64
import json
import sys
from collections.abc import Callable
from importlib.metadata import files
from pathlib import Path

import tiktoken
from tokenizers import Tokenizer

# The rule of Llama 3, as Meta's own Python code hands it to tiktoken.
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def meta_ranks() -> dict[bytes, int]:
    """The vocabulary in Meta's package; its code is not imported, since it asks for much that is not needed here."""
    name = "llama_models/llama3/tokenizer.model"
    path = next(file for file in files("llama-models") if str(file) == name).locate()
    lines = (line.split() for line in Path(path).read_bytes().splitlines())
    return {base64.b64decode(token): int(rank) for token, rank in lines}


def check_vocabulary(ours: dict, ranks: dict[bytes, int]) -> None:
    """Every token and every merge: whatever two tokens make a third must merge, and nothing else."""
    tokens = [base64.b64decode(token) for token in ours["tokens"]]
    assert len(tokens) == 128_000 and {token: id for id, token in enumerate(tokens)} == ranks
    halves = ((token[:cut], token[cut:]) for token in ranks for cut in range(1, len(token)))
    expected = {(ranks[left], ranks[right]) for left, right in halves if left in ranks and right in ranks}
    assert {(left, right) for left, right in ours["merges"]} == expected
    print(f"vocabulary: {len(tokens):,} tokens and {len(expected):,} merges equal Meta's")


def well_formed(text: str) -> str:
    """Half of a surrogate pair becomes U+FFFD, as in any UTF-8; Rust takes nothing else."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


Encode = Callable[[str], list[int]]


def check_ids(path: Path, references: dict[str, Encode]) -> int:
    """Compares the ids of every text of a file; returns how many texts differ."""
    texts = tokens = different = 0
    for line in path.open(encoding="utf-8", newline="\n"):
        row = json.loads(line)
        text, ours = well_formed(row["text"]), row["ids"]
        theirs = {name: encode(text) for name, encode in references.items()}
        texts, tokens = texts + 1, tokens + len(ours)
        wrong = [name for name, ids in theirs.items() if ids != ours]
        different += bool(wrong)
        if wrong and different <= 5:
            print(f"{path.name}:{texts}: {text[:80]!a}: ours {ours[:20]}, {wrong[0]} {theirs[wrong[0]][:20]}")
    print(f"{path.name}: {texts:,} texts, {tokens:,} tokens, {different} different")
    return different


def hugging_face(path: Path) -> dict[str, Encode]:
    """The tokenizer of a file without its control tokens, which it would otherwise find in text."""
    rules = json.loads(path.read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_str(json.dumps(rules | {"added_tokens": []}))
    return {"tokenizers": lambda text: tokenizer.encode(text, add_special_tokens=False).ids}


def main(folder: Path) -> int:
    ours = json.loads((folder / "vocabulary.json").read_text())
    ranks = meta_ranks()
    check_vocabulary(ours, ranks)
    meta = tiktoken.Encoding("llama3", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
    llama3 = {"tiktoken": meta.encode_ordinary} | hugging_face(Path(ours["tokenizer_json"]))
    different = sum(check_ids(folder / f"{name}.jsonl", llama3) for name in ("real", "characters", "nasty"))
    rules = [path for path in sorted(folder.glob("*.json")) if path.name != "vocabulary.json"]
    return different + sum(check_ids(path.with_suffix(".jsonl"), hugging_face(path)) for path in rules)


if __name__ == "__main__":
    sys.exit(1 if main(Path(sys.argv[1])) else 0)
