"""Makes a tiny random Llama with Llama 3's tokenizer, as a stand-in for the checkpoint that a recipe starts from."""

import argparse

import torch
from tokenizers import processors
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("--tokenizer", required=True)
parser.add_argument("--to", required=True)
args = parser.parse_args()

torch.manual_seed(0)
tokenizer = AutoTokenizer.from_pretrained(args.tokenizer)
# Meta's files on the Hub put a begin-of-text token in front; this older copy of them does not yet.
tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
    single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|> $B", special_tokens=[("<|begin_of_text|>", 128000)]
)
config = LlamaConfig(
    vocab_size=128_256,
    hidden_size=64,
    intermediate_size=128,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=8192,
    rope_theta=500_000.0,
    # Larger than usual, so that thirty steps are enough to learn from what was said before.
    initializer_range=0.1,
    bos_token_id=128_000,
    eos_token_id=128_001,
)
LlamaForCausalLM(config).save_pretrained(args.to)
tokenizer.save_pretrained(args.to)
