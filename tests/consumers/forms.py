"""Opens the demo dataset in every form as a trainer does; compares it with the rows that we read, and the forms with each other.

Usage: python forms.py <folder that forms.ts filled>. Exit code 1 if anything differs.
"""

import json
import sys
from pathlib import Path

from datasets import Dataset, Features, List, Value, load_dataset, load_from_disk

from agree import disagreements

TEXT, COUNT, YES = Value("string"), Value("int32"), Value("bool")
COUNTS = List(COUNT)
HEAD = dict.fromkeys(["id", "conversation_id", "source", "split"], TEXT)
TAIL = dict.fromkeys(["language", "country", "model", "user_id"], TEXT)
TAIL |= dict.fromkeys(["context_tokens", "target_tokens", "dropped_turns"], COUNT)
LAYOUTS = {
    "samples": {"turn": COUNT, "turns": COUNT, "kind": TEXT},
    "packed": {"target_turns": COUNTS, "turns": COUNT},
}
IDS = {"input_ids": COUNTS, "labels": COUNTS, "loss_mask": List(Value("int8")), "length": COUNT}
PROMPT = {"prompt": TEXT, "completion": TEXT}
FORMS = {
    "samples": {"intent": TEXT, "context": List({"role": TEXT, "content": TEXT}), "target": TEXT},
    "messages": {"messages": List({"role": TEXT, "content": TEXT})},
    "openai": {"messages": List({"role": TEXT, "content": TEXT, "weight": COUNT})},
    "trl": PROMPT,
    "llama-factory": PROMPT,
    "axolotl": {"segments": List({"label": YES, "text": TEXT})},
    "torchtune": {"segments": List({"text": TEXT, "control": YES, "loss": YES})},
    "tokens": IDS | {"target_starts": COUNTS, "target_lengths": COUNTS},
}
BINS = {"ids": List(TEXT)} | IDS | {"position_ids": COUNTS, "sequence_lengths": COUNTS}


def columns(case: dict) -> Features:
    """The columns and types that a form must have."""
    if case["layout"] == "bins":
        return Features(BINS)
    return Features(HEAD | LAYOUTS[case["layout"]] | FORMS[case["form"]] | TAIL)


def expected_rows(folder: Path) -> dict[str, list[dict]]:
    splits = {path.stem: path.read_text(encoding="utf-8").split("\n")[:-1] for path in folder.glob("*.jsonl")}
    return {split: [json.loads(line) for line in lines] for split, lines in splits.items()}


def split_problems(split: str, found: Dataset, expected: list[dict], features: Features):
    if found.features != features:
        yield f"{split}: columns {found.features}, expected {features}"
    if len(found) != len(expected):
        yield f"{split}: {len(found)} rows, expected {len(expected)}"
    for at, (row, ours) in enumerate(zip(found, expected)):
        if row != ours:
            wrong = [column for column in {**row, **ours} if row.get(column) != ours.get(column)]
            yield f"{split}: row {at} differs in {', '.join(wrong)}: {[row.get(name) for name in wrong]!a:.300}"
            return


def check(case: dict) -> list[dict]:
    """Opens a dataset as somebody does who knows nothing about it; gives its rows. Raises ValueError for a wrong one."""
    found = (load_from_disk if case["format"] == "arrow" else load_dataset)(case["dataset"])
    expected = expected_rows(Path(case["rows"]))
    if set(found) != set(expected) or not expected:
        raise ValueError(f"splits {sorted(found)}, expected {sorted(expected)}")
    wrong = [problem for split in expected for problem in split_problems(split, found[split], expected[split], columns(case))]
    if wrong:
        raise ValueError("; ".join(wrong))
    return [row for split in sorted(found) for row in found[split]]


def main(folder: Path) -> int:
    written = json.loads((folder / "cases.json").read_text())
    rows, failed = {}, 0
    for case in written["cases"]:
        name = tuple(case[key] for key in ("form", "format", "layout", "chat"))
        try:
            rows[name] = check(case)
            print(f"{' '.join(name)}: {len(rows[name])} rows with the columns, types and values that they should have")
        except ValueError as error:
            failed += 1
            print(f"{' '.join(name)}: {error}")
    if failed == 0:
        for claim, wrong in disagreements(written, rows):
            failed += bool(wrong)
            print(f"{claim}: {'; '.join(wrong[:3]) or 'none different'}")
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(Path(sys.argv[1])) else 0)
