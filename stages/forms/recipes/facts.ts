import { datasetGlob, type FileFormatName } from "../../../pipeline/files/row-files.ts";
import type { Frame } from "../../../pipeline/text/chat-template/frame.ts";
import type { Split } from "../../../schemas/user.ts";

/** What recipes depend on. */
export interface Facts {
  /** Name of the form. */
  readonly form: string;
  readonly fileFormat: FileFormatName;
  /** What the chat format writes around texts. */
  readonly frame: Frame;
  readonly layout: "samples" | "conversations";
  /** The splits that have rows. */
  readonly splits: readonly Split[];
  /** Most tokens of a row; null = any number. */
  readonly maxTokens: number | null;
  /** Tokens that the base checkpoint lacks, in the order of their ids; the end token is the first. */
  readonly added: readonly { readonly token: string; readonly id: number }[];
  readonly packing: boolean;
  /** Ends have weights; a trainer that does not read them would train every end in full. */
  readonly isWeighted: boolean;
}

/** A file to write beside the data; `path` is relative to the folder of the dataset. */
export interface RecipeFile {
  readonly path: string;
  readonly text: string;
}

/** What "Flipping the Dialogue" (section 2.2) names. */
export const PAPER = { batch: 1024, learningRate: "2.0e-5", checkpoint: "meta-llama/Meta-Llama-3-8B" } as const;

/** What the paper is silent about. Epochs: user turns repeat little, and a second pass over them was not tried here. */
export const CHOICES = { epochs: 1, schedule: "cosine", warmup: 0.03, weightDecay: 0, clip: 1, seed: 0 } as const;

/** Eight devices of eight rows are 64 rows a step: 16 steps make a batch. */
export const DEVICES = { count: 8, rows: 8, accumulation: PAPER.batch / 64 } as const;

/** The longest row that a trainer must expect. Without a limit of ours it is the context of Llama 3. */
export const longest = ({ maxTokens }: Facts): number => maxTokens ?? 8192;

/** Which files hold a split, as a glob relative to the folder of the dataset. */
export function glob({ fileFormat }: Facts, split: Split): string {
  return datasetGlob(fileFormat, split);
}

/** What HF `datasets` calls the kind of the files. */
export const builder = ({ fileFormat }: Facts): string => (fileFormat === "jsonl" ? "json" : fileFormat);

/** The split that a trainer evaluates on while it trains; null = there is none. */
export function evaluated({ splits }: Facts): Split | null {
  return splits.includes("validation") ? "validation" : null;
}

/** Python that reads the rows of a split. `DATASET` is the folder of the dataset. */
export function readRows(facts: Facts): string {
  if (facts.fileFormat === "arrow") return `def rows(split):\n    return load_from_disk(str(DATASET / split))`;
  return `def rows(split):
    files = {split: str(DATASET / "data" / f"{split}-*.${facts.fileFormat}")}
    return load_dataset("${builder(facts)}", data_files=files, split=split)`;
}

/** The name that Python imports for it. */
export const reader = ({ fileFormat }: Facts): string => (fileFormat === "arrow" ? "load_from_disk" : "load_dataset");
