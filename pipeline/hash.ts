import { createHash, createHmac } from "node:crypto";

/** sha256 as hex of a value's canonical JSON: object keys sorted, so that equal values have equal hashes. */
export function digest(value: unknown): string {
  return createHash("sha256").update(canonical(value)).digest("hex");
}

/** JSON of a plain value with the keys of every object in code-unit order. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((each) => canonical(each ?? null)).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(",")}}`;
}

/** HMAC-SHA-256 of a text, hex. Same key and text, same value, on any machine; without the key nothing can be told from it. */
export function keyed(key: string, text: string): string {
  return createHmac("sha256", key).update(text).digest("hex");
}

/** The shard that an id belongs to: depends on the id and the number of shards alone, never on the order of the input. */
export function shardOf(id: string, shards: number): number {
  return createHash("sha256").update(id).digest().readUInt32BE(0) % shards;
}
