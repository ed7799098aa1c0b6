import type { RawConversation } from "../../stages/sources/source.ts";

/** A raw conversation with these turns, each written as `role: content`. */
export function raw(...lines: string[]): RawConversation {
  const turns = lines.map((line) => {
    const colon = line.indexOf(": ");
    return { role: line.slice(0, colon), content: line.slice(colon + 2) };
  });
  return {
    source_id: "abc",
    user: "203.0.113.7",
    country: "Chile",
    language: "English",
    model: "gpt-4",
    started_at: "2024-01-01T00:00:00.000Z",
    turns,
    redacted: false,
    toxic: false,
  };
}
