import type { RecipeFile } from "./facts.ts";

/** Looks whether a trained model has learnt to stop. */
export function sample(): RecipeFile {
  return {
    path: "recipes/sample.py",
    text: `"""Lets a trained model speak, and checks that it stops: the last token of a greedy sample ends a message.

    python recipes/sample.py ../models/trl --intent "You are a user chatting with an assistant language model to ..."

The conversation so far can be given, the user's turn first: --turns "hi" "Hello! How can I help?"
Exit code 1: it went on to the limit, so the stop token was not trained (or not for long enough).
Tested with transformers 5.23.0.
"""

import argparse

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("--turns", nargs="*", default=[])
parser.add_argument("--intent", help="without it: the ablation without intents")
parser.add_argument("--limit", type=int, default=256)
args = parser.parse_args()

tokenizer = AutoTokenizer.from_pretrained(args.model)
model = AutoModelForCausalLM.from_pretrained(args.model, dtype="auto", device_map=None).eval()
if torch.cuda.is_available():
    model = model.cuda()
messages = [{"role": "system", "content": args.intent}] if args.intent else []
messages += [{"role": ("user", "assistant")[at % 2], "content": turn} for at, turn in enumerate(args.turns)]
prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
given = tokenizer(prompt, add_special_tokens=False, return_tensors="pt").to(model.device)
ids = model.generate(**given, do_sample=False, max_new_tokens=args.limit)[0, given["input_ids"].shape[1] :].tolist()
print(repr(tokenizer.decode(ids)))
if ids[-1] != tokenizer.eos_token_id:
    raise SystemExit(f"it did not stop: the last of {len(ids)} tokens is {ids[-1]}, not {tokenizer.eos_token_id}")
print(f"it stops with {ids[-1]}, {tokenizer.eos_token}")
`,
  };
}
