import { CHOICES, DEVICES, evaluated, type Facts, longest, PAPER, type RecipeFile } from "./facts.ts";

/** Where LLaMA-Factory finds the rows: the folder of the dataset, whose card says which files are which split. */
function datasetInfo(facts: Facts): RecipeFile {
  const rows = (split: string) => ({
    script_url: "../..",
    split,
    formatting: "alpaca",
    columns: { system: "prompt", response: "completion" },
  });
  const validation = evaluated(facts) ? { flipturn_validation: rows("validation") } : {};
  return {
    path: "recipes/llama-factory/dataset_info.json",
    text: `${JSON.stringify({ flipturn_train: rows("train"), ...validation }, null, 2)}\n`,
  };
}

function source(facts: Facts): string {
  const names = `dataset: flipturn_train${evaluated(facts) ? "\neval_dataset: flipturn_validation" : ""}`;
  if (facts.form === "tokens")
    return `tokenized_path: ../prepared
# Must be named; with a tokenized_path they are not looked for.
${names}
template: empty`;
  return `dataset_dir: recipes/llama-factory
${names}
template: empty
# Longer rows would be cut, targets too. There are none.
cutoff_len: ${longest(facts)}`;
}

/** LLaMA-Factory on prompt and completion, or on tokens. */
export function llamaFactory(facts: Facts): RecipeFile[] {
  const isTokens = facts.form === "tokens";
  const config = {
    path: "recipes/llama-factory/config.yaml",
    text: `# Trains with LLaMA-Factory. Run from the folder of the dataset:
#
#   python recipes/base.py                                   # once
${isTokens ? "#   python recipes/prepared.py                               # once\n" : ""}#   llamafactory-cli train recipes/llama-factory/config.yaml
#   python recipes/sample.py ../models/llama-factory         # does it stop?
#
# Tested with llamafactory 0.9.5 (transformers 5.6.0, datasets 4.0.0): reading the rows, on a CPU. Not trained on GPUs.
${
  isTokens
    ? "# The rows are tokens with labels, which LLaMA-Factory takes as they are."
    : `# A row is one exchange: everything before the target, and the target. template empty adds nothing to either.
# dataset_info.json hands the first over as the system text, because in a prompt {{idx}} would be replaced by a number.`
}

model_name_or_path: ../base
stage: sft
do_train: true
finetuning_type: full

${source(facts)}

output_dir: ../models/llama-factory

# The paper's: ${PAPER.batch} samples a batch, learning rate.
per_device_train_batch_size: ${DEVICES.rows}
gradient_accumulation_steps: ${DEVICES.accumulation}  # x ${DEVICES.rows} rows x ${DEVICES.count} devices = ${PAPER.batch}
learning_rate: ${PAPER.learningRate}

# The paper is silent on these; they are choices.
num_train_epochs: ${CHOICES.epochs}
lr_scheduler_type: ${CHOICES.schedule}
warmup_ratio: ${CHOICES.warmup}
weight_decay: ${CHOICES.weightDecay}
max_grad_norm: ${CHOICES.clip}
seed: ${CHOICES.seed}
bf16: true
${evaluated(facts) ? "eval_strategy: epoch\n" : ""}save_strategy: epoch
save_only_model: true
logging_steps: 1
report_to: none

# 8B on several devices: deepspeed: <a ZeRO-3 configuration>
`,
  };
  return isTokens ? [config] : [datasetInfo(facts), config];
}
