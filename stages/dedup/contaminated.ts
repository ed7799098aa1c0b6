import { z } from "zod";
import { UsageError } from "../../pipeline/errors.ts";
import { parseLine, readLines } from "../../pipeline/files/jsonl.ts";
import { Contamination } from "../../schemas/contamination.ts";

/** The rows of a file that `flipturn decontaminate` wrote. Throws UsageError that names the line. */
export async function* readContaminated(path: string, signal?: AbortSignal): AsyncGenerator<Contamination> {
  for await (const line of readLines(path, signal)) {
    let value: unknown;
    try {
      value = parseLine(line);
    } catch (cause) {
      throw new UsageError(`${path}:${line.number}: expected one JSON object on the line`, { cause });
    }
    const parsed = Contamination.safeParse(value);
    if (!parsed.success)
      throw new UsageError(
        `${path}:${line.number}: ${z.prettifyError(parsed.error)}; expected what \`flipturn decontaminate\` writes`,
      );
    yield parsed.data;
  }
}
