/** A list of parts that a message can be written as -> its text. */

/**
 * The text of a message: itself, or the text parts of a list one after the other, without those that are thoughts, images
 * or calls. Null = there is none; undefined = it is neither text nor parts.
 */
export function textOfParts(content: unknown): string | null | undefined {
  if (content === null || content === undefined) return null;
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return undefined;
  return content.map(textOfPart).join("");
}

const TEXTS: readonly unknown[] = [undefined, "text", "input_text", "output_text"];

function textOfPart(part: unknown): string {
  if (typeof part === "string") return part;
  if (typeof part !== "object" || part === null) return "";
  const { type, text } = part as Record<string, unknown>;
  if (!TEXTS.includes(type)) return "";
  const own = typeof text === "object" && text !== null ? (text as Record<string, unknown>)["value"] : text;
  return typeof own === "string" ? own : "";
}
