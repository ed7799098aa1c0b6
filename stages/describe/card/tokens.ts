import { basename } from "node:path";
import type { Split } from "../../../schemas/user.ts";
import { type CardInput, countOf, table } from "./parts.ts";

/** Lengths of samples as they are and after what was done to the long ones, and what must be added to the tokenizer. */
export function tokenSection({ rows, options, added, privacy }: CardInput, splits: readonly Split[]): string {
  const turns = [...Array.from({ length: 9 }, (_, at) => String(at + 1)), "10_and_later", "end"];
  const lengths = ["untouched", "shortened", "cut", "longer", "impossible"];
  const all = splits.flatMap((split) =>
    turns.map((turn) => [
      split,
      turn.replaceAll("_", " "),
      ...lengths.map((each) => countOf(rows, `${split}_turn_${turn}_${each}`)),
    ]),
  );
  const used = lengths.filter((_, at) => at < 2 || all.some((row) => row[at + 2] !== 0));
  const lines = all
    .filter((row) => row.slice(2).some((count) => count !== 0))
    .map((row) => [row[0], row[1], ...used.map((each) => row[lengths.indexOf(each) + 2])] as (string | number)[]);
  // What single samples would have been is known of all rows together.
  const isCompared = options.layout === "conversations" && !privacy?.leftOut;
  const tokens = splits.map((split) => {
    const [inRows, asSamples] = [countOf(rows, `tokens_${split}`), countOf(rows, `tokens_as_samples_${split}`)];
    const target = countOf(rows, `target_tokens_${split}`);
    const saved = asSamples === 0 ? 0 : Math.round(1000 * (1 - inRows / asSamples)) / 10;
    return [split, inRows, target, ...(isCompared ? [asSamples, `${saved} %`] : [])];
  });
  const compared = isCompared ? ["tokens as single samples", "saved"] : [];
  const before = privacy?.leftOut ? ", before conversations were left out" : "";
  const most = options.maxTokens === null ? "of any number of tokens" : `of at most ${options.maxTokens} tokens`;
  return [
    "## Tokens",
    `Counted with ${basename(options.tokenizer)} in the format ${basename(options.chatTemplate)}; rows ${most} (\`overflow: ${options.overflow}\`). To be added to the tokenizer, in this order, if it has them not: ${added.map(({ token, id }) => `\`${token}\` (${id})`).join(", ")}.`,
    table(["split", "tokens", "of them in the loss", ...compared], tokens),
    `Samples by what became of their length, the end of a conversation apart${before}:`,
    table(["split", "turn", ...used], lines),
  ].join("\n\n");
}
