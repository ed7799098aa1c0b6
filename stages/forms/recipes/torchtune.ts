import { CHOICES, DEVICES, type Facts, longest, PAPER, type RecipeFile, reader, readRows } from "./facts.ts";

/** The dataset that the configuration names: rows as torchtune trains on them. */
function rowsModule(facts: Facts): RecipeFile {
  const isTokens = facts.form === "tokens";
  const added = facts.added.map(({ token, id }) => `    "${token}": ${id},`).join("\n");
  const body = isTokens
    ? `class TokenRows(Dataset):
    def __init__(self, tokenizer, split):
        self.rows = rows(split).select_columns(["input_ids", "labels"])

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, at):
        row = self.rows[at]
        return {"tokens": row["input_ids"], "labels": row["labels"]}`
    : `# torchtune's own table calls 128256 <|image|>; it is looked at only for tokens that are not here.
ADDED = {
${added}
}


class SegmentRows(Dataset):
    def __init__(self, tokenizer, split):
        self.tokenizer = tokenizer
        self.rows = rows(split).select_columns(["segments"])

    def __len__(self):
        return len(self.rows)

    def ids(self, segment):
        text = segment["text"]
        if not segment["control"]:
            return self.tokenizer.encode(text, add_bos=False, add_eos=False)
        return [ADDED[text] if text in ADDED else self.tokenizer.special_tokens[text]]

    def __getitem__(self, at):
        tokens, labels = [], []
        for segment in self.rows[at]["segments"]:
            ids = self.ids(segment)
            tokens += ids
            labels += ids if segment["loss"] else [CROSS_ENTROPY_IGNORE_IDX] * len(ids)
        return {"tokens": tokens, "labels": labels}`;
  return {
    path: "recipes/torchtune/flipturn_rows.py",
    text: `"""flipturn's rows as a dataset of torchtune. Tested with torchtune 0.6.1, torch 2.7.1 and datasets 5.2.0.

${
  isTokens
    ? "Ids and labels are taken as they are; torchtune's tokenizer is only asked for its padding."
    : `Each segment is tokenised by itself with torchtune's Llama 3 tokenizer, whose encode reads text as text alone: a control
token that somebody typed stays text.`
}
"""

from pathlib import Path

from datasets import ${reader(facts)}
from torch.utils.data import Dataset
${isTokens ? "" : "from torchtune.data import CROSS_ENTROPY_IGNORE_IDX\n"}
DATASET = Path(__file__).resolve().parents[2]


${readRows(facts)}


${body}
`,
  };
}

/** torchtune on segments or on tokens. */
export function torchtune(facts: Facts): RecipeFile[] {
  const component = facts.form === "tokens" ? "flipturn_rows.TokenRows" : "flipturn_rows.SegmentRows";
  const first = facts.added[0]?.id ?? 128_256;
  const config = {
    path: "recipes/torchtune/config.yaml",
    text: `# Trains Llama-3-8B with torchtune. Run from the folder of the dataset:
#
#   python recipes/base.py                                   # once
#   PYTHONPATH=recipes/torchtune tune run --nproc_per_node ${DEVICES.count} full_finetune_distributed \\
#       --config recipes/torchtune/config.yaml tokenizer.path=<checkpoint>/original/tokenizer.model
#   python recipes/sample.py ../models/torchtune/epoch_0     # does it stop?
#
# Tested with torchtune 0.6.1, torch 2.7.1 and torchao 0.11.0: reading the rows, and full_finetune_single_device with a tiny
# model on a CPU. Not trained on GPUs, and not in shards.
# It looks at no validation split while it trains.
# torchtune's chat datasets cannot mask these rows and its tokenizer writes another chat format: flipturn_rows.py reads them.

output_dir: ../models/torchtune

tokenizer:
  _component_: torchtune.models.llama3.llama3_tokenizer
  path: ???  # Meta's tokenizer.model, which comes with the checkpoint

dataset:
  _component_: ${component}
  split: train
shuffle: true
seed: ${CHOICES.seed}

# torchtune's llama3_8b is fixed to 128,256 tokens: the same model with the tokens that base.py added.
model:
  _component_: torchtune.models.llama3.llama3
  vocab_size: ${first + facts.added.length}
  num_layers: 32
  num_heads: 32
  num_kv_heads: 8
  embed_dim: 4096
  max_seq_len: 8192
  intermediate_dim: 14336
  attn_dropout: 0.0
  norm_eps: 1.0e-5
  rope_base: 500000

checkpointer:
  _component_: torchtune.training.FullModelHFCheckpointer
  checkpoint_dir: ../base
  checkpoint_files: [model.safetensors]
  recipe_checkpoint: null
  output_dir: \${output_dir}
  model_type: LLAMA3
resume_from_checkpoint: false

# The paper's: ${PAPER.batch} samples a batch, learning rate, full fine-tune. Rows have at most ${longest(facts)} tokens.
batch_size: ${DEVICES.rows}
gradient_accumulation_steps: ${DEVICES.accumulation}  # x ${DEVICES.rows} rows x ${DEVICES.count} devices = ${PAPER.batch}
${facts.layout === "conversations" ? "# A row holds several samples: divide the steps by the targets a row that the card gives.\n" : ""}optimizer:
  _component_: torch.optim.AdamW
  lr: ${PAPER.learningRate}
  weight_decay: ${CHOICES.weightDecay}
  fused: true

# The paper is silent on these; they are choices.
epochs: ${CHOICES.epochs}
max_steps_per_epoch: null
lr_scheduler:
  _component_: torchtune.training.lr_schedulers.get_cosine_schedule_with_warmup
  num_warmup_steps: 30  # batches; about 0.03 of an epoch of a million samples
clip_grad_norm: ${CHOICES.clip}
loss:
  _component_: torchtune.modules.loss.CEWithChunkedOutputLoss
compile: false
optimizer_in_bwd: false

device: cuda
dtype: bf16
enable_activation_checkpointing: true
enable_activation_offloading: false

metric_logger:
  _component_: torchtune.training.metric_logging.DiskLogger
  log_dir: \${output_dir}/logs
log_every_n_steps: 1
log_peak_memory_stats: false
profiler:
  _component_: torchtune.training.setup_torch_profiler
  enabled: false
`,
  };
  return [rowsModule(facts), config];
}
