"""What the forms of one dataset must have in common, said with the tokenizers and templates of Hugging Face."""

import json
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

END = "<|endconversation|>"
Rows = dict[tuple[str, str, str, str], list[dict]]

# What a chat template writes after the last message, where our text has already stopped.
AFTER = {"userlm": "<|start_header_id|>user<|end_header_id|>", "chatml": "\n"}
# Control tokens that a format adds to those of Llama 3, after the end token.
ADDED = {"chatml": ["<|im_start|>", "<|im_end|>"]}


def disagreements(written: dict, rows: Rows) -> Iterator[tuple[str, list[str]]]:
    """Claims, each with what is not as it says."""
    rules = json.loads(Path(written["tokenizer"]).read_text(encoding="utf-8"))
    for chat in dict.fromkeys(case["chat"] for case in written["cases"]):
        by_form = {form: by_id(rows["tokens" if form == "tokens" else form, "parquet", "samples", chat]) for form in forms_of(rows, chat)}
        folder = next(case["dataset"] for case in written["cases"] if case["chat"] == chat)
        template = (Path(folder) / "chat_template.jinja").read_text(encoding="utf-8")
        yield f"{chat}: transformers renders messages as we do", template_differences(template, chat, by_form)
        yield f"{chat}: ids and labels are those of the segments, by tokenizers", id_differences(rules, chat, by_form)
    userlm = {form: by_id(rows[form, "parquet", "samples", "userlm"]) for form in forms_of(rows, "userlm")}
    yield "every text form says the same", text_differences(userlm)
    yield "Parquet, JSONL and Arrow have the same rows", format_differences(rows)
    yield "a packed row up to a target is that target's sample", packed_differences(rows, userlm["tokens"])
    yield "a bin is its rows, one after the other", bin_differences(rows)


def forms_of(rows: Rows, chat: str) -> list[str]:
    return [form for form, kind, layout, each in rows if (kind, layout, each) == ("parquet", "samples", chat)]


def by_id(rows: list[dict]) -> dict[str, dict]:
    found = {row["id"]: row for row in rows}
    assert len(found) == len(rows), "ids are there twice"
    return found


def template_differences(template: str, chat: str, forms: dict[str, dict]) -> list[str]:
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(EMPTY), bos_token="<|begin_of_text|>")
    wrong = []
    for id, row in forms["messages"].items():
        theirs = tokenizer.apply_chat_template(row["messages"], chat_template=template, tokenize=False)
        ours = forms["trl"][id]["prompt"] + forms["trl"][id]["completion"] + AFTER.get(chat, "")
        if theirs != ours:
            wrong.append(f"{id}: {theirs!a:.200} and {ours!a:.200}")
    return wrong or missing(forms["messages"], forms["trl"])


EMPTY = json.dumps({"model": {"type": "BPE", "vocab": {}, "merges": []}, "added_tokens": []})


def id_differences(rules: dict, chat: str, forms: dict[str, dict]) -> list[str]:
    """Text is read without any control token, so that what somebody typed stays text; control tokens are looked up."""
    text = Tokenizer.from_str(json.dumps(rules | {"added_tokens": []}))
    controls = {token["content"]: token["id"] for token in rules["added_tokens"]}
    controls |= {token: 128_256 + at for at, token in enumerate([END, *ADDED.get(chat, [])])}
    wrong = []
    for id, row in forms["torchtune"].items():
        ids, labels = [], []
        for part in row["segments"]:
            own = [controls[part["text"]]] if part["control"] else text.encode(part["text"], add_special_tokens=False).ids
            ids += own
            labels += own if part["loss"] else [-100] * len(own)
        ours = forms["tokens"][id]
        mask = [int(label != -100) for label in labels]
        counts = (len(labels) - sum(mask), sum(mask))
        if (ids, labels, mask) != (ours["input_ids"], ours["labels"], ours["loss_mask"]):
            wrong.append(f"{id}: {ids} and {ours['input_ids']}")
        if any((each["context_tokens"], each["target_tokens"]) != counts for each in (ours, row)):
            wrong.append(f"{id}: {counts} tokens of context and target")
    return wrong or missing(forms["torchtune"], forms["tokens"])


def text_differences(forms: dict[str, dict]) -> list[str]:
    wrong = missing(forms["trl"], *(forms[form] for form in ("llama-factory", "axolotl", "messages", "openai")))
    for id, row in forms["trl"].items():
        texts = (row["prompt"], row["completion"])
        pieces = forms["axolotl"][id]["segments"]
        sample = forms["samples"][id]
        goal = [] if sample["intent"] is None else [{"role": "system", "content": sample["intent"]}]
        messages = [*goal, *sample["context"], {"role": "user", "content": sample["target"]}]
        claims = {
            "llama-factory": texts == (forms["llama-factory"][id]["prompt"], forms["llama-factory"][id]["completion"]),
            "axolotl": [(False, texts[0]), (True, texts[1])] == [(piece["label"], piece["text"]) for piece in pieces],
            "messages": messages == forms["messages"][id]["messages"],
            "openai": swapped(messages) == forms["openai"][id]["messages"],
        }
        wrong += [f"{id}: {form}" for form, holds in claims.items() if not holds]
    return wrong


def swapped(messages: list[dict]) -> list[dict]:
    """The sides change places, and of what was the user's only the last is trained."""
    roles = {"system": "system", "user": "assistant", "assistant": "user"}
    last = len(messages) - 1
    weights = [int(at == last) if message["role"] == "user" else None for at, message in enumerate(messages)]
    pairs = zip(messages, weights)
    return [{"role": roles[each["role"]], "content": each["content"], "weight": weight} for each, weight in pairs]


def format_differences(rows: Rows) -> list[str]:
    first = {}
    for name, found in rows.items():
        first.setdefault((name[0], *name[2:]), found)
    return [" ".join(name) for name, found in rows.items() if found != first[name[0], *name[2:]]]


def packed_differences(rows: Rows, samples: dict[str, dict]) -> list[str]:
    wrong, seen = [], []
    for row in rows["tokens", "parquet", "packed", "userlm"]:
        for turn, start, length in zip(row["target_turns"], row["target_starts"], row["target_lengths"], strict=True):
            id = f"{row['conversation_id']}:{turn}"
            alone = samples[id]
            seen.append(id)
            if row["input_ids"][: start + length] != alone["input_ids"] or start != alone["target_starts"][0]:
                wrong.append(id)
    return wrong or missing(dict.fromkeys(seen), samples)


def bin_differences(rows: Rows) -> list[str]:
    packed = by_id(rows["tokens", "parquet", "packed", "userlm"])
    wrong, seen = [], []
    for row in rows["tokens", "parquet", "bins", "userlm"]:
        parts = [packed[id] for id in row["ids"]]
        seen += row["ids"]
        joined = {key: [each for part in parts for each in part[key]] for key in ("input_ids", "labels", "loss_mask")}
        positions = [place for part in parts for place in range(part["length"])]
        claims = joined | {"position_ids": positions, "sequence_lengths": [part["length"] for part in parts]}
        wrong += [f"{row['ids'][0]}: {key}" for key, value in claims.items() if row[key] != value]
    return wrong or missing(dict.fromkeys(seen), packed)


def missing(first: dict, *others: dict) -> list[str]:
    """Ids that are not in all of them."""
    return [id for other in others for id in first.keys() ^ other.keys()]
