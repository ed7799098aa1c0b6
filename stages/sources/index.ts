import { UsageError } from "../../pipeline/errors.ts";
import { chat } from "./chat.ts";
import { lmsysChat1m } from "./lmsys.ts";
import { oasst2 } from "./oasst.ts";
import { prism } from "./prism.ts";
import type { Source } from "./source.ts";
import { wildchat1m, wildchat48m } from "./wildchat.ts";
import { wildchatOld } from "./wildchat-old.ts";

/** Every source that `--source` knows. To add one: write its file beside these and name it here. */
export const sources: readonly Source[] = [wildchat1m, wildchat48m, wildchatOld, lmsysChat1m, oasst2, prism, chat];

/** A source by name. Throws UsageError that lists them. */
export function sourceNamed(name: string): Source {
  const source = sources.find((each) => each.name === name);
  if (!source)
    throw new UsageError(
      `unknown source ${JSON.stringify(name)}; known: ${sources.map((each) => each.name).join(", ")}`,
    );
  return source;
}
