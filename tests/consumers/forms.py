"""Opens every form of the demo dataset as a trainer does and compares it with the rows that we read. Exit code 1 if any differ.

Usage: python forms.py <folder that run.ts filled>

To check another form, add it to FORMS: its columns and, where `load_dataset` is not the way to open it, how it is opened.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from datasets import Dataset, Features, List, Value, load_dataset

Splits = Mapping[str, Dataset]


def load(folder: Path) -> Splits:
    """The dataset as anybody opens it who knows nothing about it."""
    return load_dataset(str(folder))


@dataclass
class Form:
    columns: dict
    open: Callable[[Path], Splits] = load


TEXT, COUNT = Value("string"), Value("int32")
MESSAGES = List({"role": TEXT, "content": TEXT})
ORIGIN = dict.fromkeys(["conversation_id", "source", "kind", "language", "country", "model", "user_id"], TEXT)
ORIGIN |= {"id": TEXT, "turn": COUNT, "turns": COUNT}

FORMS = {
    "samples": Form(ORIGIN | {"split": TEXT, "intent": TEXT, "context": MESSAGES, "target": TEXT}),
    "messages": Form(ORIGIN | {"messages": MESSAGES}),
    "prompt-completion": Form(ORIGIN | {"prompt": TEXT, "completion": TEXT}),
}


def expected_rows(folder: Path) -> dict[str, list[dict]]:
    splits = {path.stem: path.read_text(encoding="utf-8").split("\n")[:-1] for path in folder.glob("*.jsonl")}
    return {split: [json.loads(line) for line in lines] for split, lines in splits.items()}


def problems(form: Form, dataset: Path, rows: Path) -> list[str]:
    """What is not as it should be; empty if all is well."""
    found, expected = form.open(dataset), expected_rows(rows)
    if set(found) != set(expected) or not expected:
        return [f"splits {sorted(found)}, expected {sorted(expected)}"]
    return [problem for split in expected for problem in split_problems(split, found[split], expected[split], form)]


def split_problems(split: str, found: Dataset, expected: list[dict], form: Form):
    if found.features != Features(form.columns):
        yield f"{split}: columns {found.features}, expected {Features(form.columns)}"
    if len(found) != len(expected):
        yield f"{split}: {len(found)} rows, expected {len(expected)}"
    for at, (row, ours) in enumerate(zip(found, expected)):
        wrong = [column for column in {**row, **ours} if row.get(column) != ours.get(column)]
        if row != ours:
            yield f"{split}: row {at} differs in {', '.join(wrong)}: {[row.get(name) for name in wrong]!a:.300}"
            return


def check(case: dict) -> bool:
    name = f"{case['form']} as {case['format']}"
    if case["form"] not in FORMS:
        print(f"{name}: no columns are written down for it in forms.py")
        return False
    found = problems(FORMS[case["form"]], Path(case["dataset"]), Path(case["rows"]))
    print(f"{name}: {'; '.join(found) or 'opens with the columns, rows and values that it should have'}")
    return not found


def main(folder: Path) -> int:
    cases = json.loads((folder / "cases.json").read_text())
    return sum(not check(case) for case in cases)


if __name__ == "__main__":
    sys.exit(1 if main(Path(sys.argv[1])) else 0)
