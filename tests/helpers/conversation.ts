import type { Conversation, Turn } from "../../schemas/conversation.ts";

/** A conversation with these turns, each written as `user: …` or `assistant: …`. */
export function conversation(...lines: string[]): Conversation {
  const turns = lines.map((line): Turn => {
    const colon = line.indexOf(": ");
    return { role: line.slice(0, colon) as Turn["role"], content: line.slice(colon + 2) };
  });
  return {
    id: "test:1",
    source: "test",
    source_id: "1",
    user_id: "u1",
    country: "Chile",
    language: "English",
    model: "gpt-4",
    started_at: "2024-01-01T00:00:00.000Z",
    opening: turns[0]?.content ?? "",
    turns,
    redacted: false,
    toxic: false,
  };
}
