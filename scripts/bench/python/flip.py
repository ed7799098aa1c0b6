"""What both Python ways share: which rows stay, and how a conversation becomes samples. SYNTHETIC or real rows alike."""

import json

COLUMNS = ["conversation_hash", "model", "conversation", "language", "toxic", "country", "hashed_ip"]
END = "<|endconversation|>"


def stays(language, toxic):
    return language == "English" and not toxic


def samples(hash, model, conversation, language, country, hashed_ip):
    """The K + 1 samples of a conversation with K user turns."""
    turns = [{"role": turn["role"], "content": turn["content"]} for turn in conversation]
    places = [at for at, turn in enumerate(turns) if turn["role"] == "user"]
    for number, at in enumerate([*places, len(turns)], 1):
        target = turns[at]["content"] if at < len(turns) else END
        if target.strip() == "":
            continue
        yield {
            "id": f"{hash}:{number}",
            "conversation_id": hash,
            "turn": number,
            "turns": len(places),
            "context": turns[:at],
            "target": target,
            "language": language,
            "country": country,
            "model": model,
            "user_id": hashed_ip,
        }


def tell(samples):
    """Says how many samples were written."""
    print(json.dumps({"samples": samples}))
