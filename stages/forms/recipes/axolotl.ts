import { builder, CHOICES, DEVICES, evaluated, type Facts, glob, longest, PAPER, type RecipeFile } from "./facts.ts";

/** One entry of `datasets`, with its first line after the dash. */
function source(facts: Facts, split: "train" | "validation"): string {
  if (facts.form === "tokens") return `path: ../prepared\n    split: ${split}\n    type:  # empty: tokenised already`;
  return `path: data
    ds_type: ${builder(facts)}
    data_files: [${glob(facts, split)}]
    split: train  # what HF datasets calls files that are named without a split
    type: input_output`;
}

/** How often 64 rows make a batch. */
function batchLines({ layout }: Facts): string {
  const lines = `micro_batch_size: ${DEVICES.rows}
gradient_accumulation_steps: ${DEVICES.accumulation}  # x ${DEVICES.rows} rows x ${DEVICES.count} devices = ${PAPER.batch}`;
  if (layout === "samples") return lines;
  return `${lines}
# A row holds several samples: divide the steps by the targets a row that the card gives.`;
}

/** Axolotl on segments (`input_output`) or on tokens. */
export function axolotl(facts: Facts): RecipeFile {
  const isTokens = facts.form === "tokens";
  const evaluation = evaluated(facts)
    ? `test_datasets:
  - ${source(facts, "validation")}
evals_per_epoch: 1
`
    : "";
  return {
    path: "recipes/axolotl/config.yaml",
    text: `# Trains with Axolotl. Run from the folder of the dataset:
#
#   python recipes/base.py                                # once
${isTokens ? "#   python recipes/prepared.py                            # once\n" : ""}#   axolotl preprocess recipes/axolotl/config.yaml --debug  # shows rows with what is trained
#   axolotl train recipes/axolotl/config.yaml
#   python recipes/sample.py ../models/axolotl            # does it stop?
#
# Tested with axolotl 0.19.0 (its own pins: transformers 5.16.1, datasets 4.8.4): reading the rows, on a CPU. Not trained on GPUs.
${
  isTokens
    ? "# The rows are tokens with labels, which Axolotl takes as they are."
    : `# type input_output tokenises every segment by itself, adds no token, and trains those with label true. chat_template
# would leave stop tokens out of the loss by rules of its own, and trains assistant turns.`
}

base_model: ../base

datasets:
  - ${source(facts, "train")}
${evaluation}dataset_prepared_path: ../prepared-axolotl
output_dir: ../models/axolotl
train_on_inputs: false

# Longer rows would be dropped without a word: say so instead. There are none.
sequence_len: ${longest(facts)}
excess_length_strategy: raise
sample_packing: false

# The paper's: ${PAPER.batch} samples a batch, learning rate, full fine-tune (no adapter).
${batchLines(facts)}
learning_rate: ${PAPER.learningRate}

# The paper is silent on these; they are choices.
num_epochs: ${CHOICES.epochs}
optimizer: adamw_torch
lr_scheduler: ${CHOICES.schedule}
warmup_ratio: ${CHOICES.warmup}
weight_decay: ${CHOICES.weightDecay}
max_grad_norm: ${CHOICES.clip}
seed: ${CHOICES.seed}
bf16: auto
gradient_checkpointing: true
saves_per_epoch: 1
save_only_model: true
logging_steps: 1

# 8B on several devices, in shards:
# fsdp_version: 2
# fsdp_config:
#   auto_wrap_policy: TRANSFORMER_BASED_WRAP
#   transformer_layer_cls_to_wrap: LlamaDecoderLayer
#   state_dict_type: FULL_STATE_DICT
`,
  };
}
