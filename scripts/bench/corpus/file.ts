import { ParquetWriter } from "hyparquet-writer";
import { shardName } from "../../../pipeline/artefact.ts";
import { AtomicFile } from "../../../pipeline/files/atomic-file.ts";
import { FileWriter } from "../../../pipeline/files/parquet.ts";
import { wildchatSchema } from "../../demo/parquet-schema.ts";
import { DETOXIFY_SCORES, MODERATION_CATEGORIES } from "../../demo/row.ts";
import { Writer } from "./conversation.ts";
import { rowOf, type WildRow } from "./row.ts";

/** Which corpus: the same settings give the same bytes. */
export type CorpusSettings = { readonly conversations: number; readonly seed: string };

/** Rows of one file: the 837,989 rows of WildChat-1M are in 14. */
const FILE_ROWS = 60_000;
/** Row groups are closed at this many bytes of text, or rows. */
const GROUP_BYTES = 8 << 20;
const GROUP_ROWS = 2_000;

/** Said in every file, to whoever looks at its metadata. */
const WARNING = "SYNTHETIC: made-up words by made-up people, for measuring speed. No row is real; do not train on it.";

/** Number of Parquet files of a corpus, at least two. */
export function filesOf({ conversations }: CorpusSettings): number {
  return Math.max(2, Math.ceil(conversations / FILE_ROWS));
}

/** Name of one of the files. */
export function fileName(settings: CorpusSettings, index: number): string {
  return shardName("train", index, filesOf(settings)).replace("train-", "SYNTHETIC-train-");
}

/** Writes one of the files, without regard to the others. Memory: a row group, several times over. */
export async function writeFile(path: string, settings: CorpusSettings, index: number): Promise<number> {
  const { conversations, seed } = settings;
  const files = filesOf(settings);
  const bound = (file: number) => Math.floor((conversations * file) / files);
  const texts = new Writer(seed, conversations);
  const file = new GroupedFile(path, settings);
  try {
    for (let number = bound(index); number < bound(index + 1); number++) {
      const dialogue = texts.write(number);
      const bytes = dialogue.messages.reduce((sum, { content }) => sum + content.length, 0);
      if (await file.add(rowOf(seed, dialogue), bytes)) texts.reset();
    }
    return await file.commit();
  } catch (error) {
    file.discard();
    throw error;
  }
}

/** A Parquet file as HF `datasets` writes them: snappy, every column optional. */
class GroupedFile {
  readonly #file: AtomicFile;
  readonly #writer: ParquetWriter;
  #rows: WildRow[] = [];
  #bytes = 0;

  constructor(path: string, { conversations, seed }: CorpusSettings) {
    this.#file = new AtomicFile(path);
    this.#writer = new ParquetWriter({
      writer: new FileWriter(this.#file),
      schema: wildchatSchema(MODERATION_CATEGORIES, DETOXIFY_SCORES),
      codec: "SNAPPY",
      createdBy: "flipturn bench:corpus (synthetic)",
      kvMetadata: [
        { key: "warning", value: WARNING },
        { key: "synthetic", value: JSON.stringify({ conversations, seed }) },
      ],
    });
  }

  /** Adds a row; true if its row group was closed and nothing of it is needed any more. */
  async add(row: WildRow, bytes: number): Promise<boolean> {
    this.#rows.push(row);
    this.#bytes += bytes;
    if (this.#bytes < GROUP_BYTES && this.#rows.length < GROUP_ROWS) return false;
    await this.#close();
    return true;
  }

  /** Gives the file its name; returns its size. */
  async commit(): Promise<number> {
    await this.#close();
    await this.#writer.finish();
    return this.#file.commit().bytes;
  }

  discard(): void {
    this.#file.discard();
  }

  async #close(): Promise<void> {
    const [first] = this.#rows;
    if (!first) return;
    const columnData = Object.keys(first).map((name) => {
      return { name, data: this.#rows.map((row) => row[name]), statistics: typeof first[name] === "string" };
    });
    await this.#writer.write({ columnData, rowGroupSize: this.#rows.length });
    this.#rows = [];
    this.#bytes = 0;
  }
}
