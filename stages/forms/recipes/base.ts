import { compare } from "../../../pipeline/order.ts";
import type { Frame } from "../../../pipeline/text/chat-template/frame.ts";
import { type Facts, PAPER, type RecipeFile } from "./facts.ts";

/**
 * The end of a header as a regular expression, so that a tokenizer for text can be told to keep it apart from the turn that
 * follows: flipturn encodes the two by themselves. null = headers end with a control token.
 */
function headerEnd({ headers }: Frame): string | null {
  if (headers.length === 0) return null;
  const literal = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&").replaceAll("\n", "\\n");
  // Where one header begins with another, the longer one is tried first.
  const longestFirst = [...headers].sort((a, b) => b.length - a.length || compare(a, b));
  return `\\A(?:${longestFirst.map(literal).join("|")})`;
}

/** A text as Python spells it; JSON's strings are Python's too. */
const python = (value: string | null): string => (value === null ? "None" : JSON.stringify(value));

/** Makes the checkpoint and the tokenizer that every trainer starts from. */
export function base(facts: Facts): RecipeFile {
  const added = facts.added.map(({ token, id }) => `    "${token}": ${id},`).join("\n");
  return {
    path: "recipes/base.py",
    text: `"""Makes ../base: the checkpoint that training starts from, with the tokens that these rows need.

    python recipes/base.py --checkpoint ${PAPER.checkpoint}

The paper trains base checkpoints (Llama-3-8B, Llama-3.2-1B); they did better than instruction-tuned ones. What changes:

- ADDED tokens get the ids that flipturn gave them, and the embeddings grow by as many rows. Before that
  <|endconversation|> is several ordinary tokens. It is not "special", so that it survives decoding.
- The end-of-sequence token is the one that ends a message, so that trainers that append one find it there already,
  and so that generation stops on it. Padding is the checkpoint's own end of text, which no row contains.
- The tokenizer puts no begin-of-text token in front: the rows say where one belongs.
- The tokenizer keeps the white space of a header apart from the turn after it. The stock one makes one token of two
  newlines, so that a turn that begins with a newline would have other ids than flipturn's.

Tested with transformers 5.23.0 and tokenizers 0.23.3; what it writes was read with transformers 5.6.0 and 5.16.1 too.
"""

import argparse
import json
from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, pre_tokenizers, processors
from transformers import AutoModelForCausalLM, AutoTokenizer

DATASET = Path(__file__).resolve().parents[1]
ADDED = {
${added}
}
END = "<|endconversation|>"
STOP = ${python(facts.frame.stop)}
HEADER_END = ${python(headerEnd(facts.frame))}


def adapt_tokenizer(tokenizer, stop):
    own = list(tokenizer.get_added_vocab())
    for token, id in ADDED.items():
        if token not in own:
            tokenizer.add_tokens([AddedToken(token, special=token != END, normalized=False)])
        found = tokenizer.convert_tokens_to_ids(token)
        if found != id:
            raise SystemExit(f"{token} got id {found}, the rows have {id}: not the tokenizer that flipturn counted with")
    backend = tokenizer.backend_tokenizer
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    if HEADER_END is not None:
        alone = pre_tokenizers.Split(Regex(HEADER_END), "isolated")
        backend.pre_tokenizer = pre_tokenizers.Sequence([alone, backend.pre_tokenizer])
    tokenizer.pad_token, tokenizer.eos_token = tokenizer.eos_token, stop
    tokenizer.clean_up_tokenization_spaces = False
    if tokenizer.pad_token == stop:
        raise SystemExit(f"{stop} cannot end messages and be padding too: set another pad_token")
    template = DATASET / "chat_template.jinja"
    if template.exists():
        tokenizer.chat_template = template.read_text()


def save_tokenizer(tokenizer, folder):
    tokenizer.save_pretrained(folder)
    path = Path(folder) / "tokenizer_config.json"
    config = json.loads(path.read_text())
    # The name that every version of transformers knows; version 5 writes another.
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(config, indent=2))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoint", default="${PAPER.checkpoint}")
    parser.add_argument("--to", default="../base")
    parser.add_argument("--stop", default=STOP, help="the token that ends a message")
    parser.add_argument("--seed", type=int, default=0, help="of the new rows of the embeddings")
    args = parser.parse_args()
    if args.stop is None:
        raise SystemExit("--stop: which token ends a message in your chat template?")
    torch.manual_seed(args.seed)
    tokenizer = AutoTokenizer.from_pretrained(args.checkpoint)
    model = AutoModelForCausalLM.from_pretrained(args.checkpoint, dtype="auto")
    adapt_tokenizer(tokenizer, args.stop)
    model.resize_token_embeddings(len(tokenizer))
    for config in (model.config, model.generation_config):
        config.eos_token_id = tokenizer.eos_token_id
        config.pad_token_id = tokenizer.pad_token_id
    # One file, whose name the recipes know.
    model.save_pretrained(args.to, max_shard_size="100GB")
    save_tokenizer(tokenizer, args.to)
    print(f"{args.to}: {len(tokenizer)} tokens, {END} is {tokenizer.convert_tokens_to_ids(END)}")


if __name__ == "__main__":
    main()
`,
  };
}
