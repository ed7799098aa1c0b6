// The 14 columns of WildChat-1M as a Parquet schema: same names, types, nesting and order.

import type { SchemaElement } from "hyparquet";

type Field = (name: string) => SchemaElement[];

const text: Field = (name) => [{ name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" }];
const flag: Field = (name) => [{ name, type: "BOOLEAN", repetition_type: "OPTIONAL" }];
const score: Field = (name) => [{ name, type: "DOUBLE", repetition_type: "OPTIONAL" }];
const integer: Field = (name) => [{ name, type: "INT64", converted_type: "INT_64", repetition_type: "OPTIONAL" }];

/** Microseconds since 1970, UTC. */
const instant: Field = (name) => [
  {
    name,
    type: "INT64",
    converted_type: "TIMESTAMP_MICROS",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
    repetition_type: "OPTIONAL",
  },
];

const struct =
  (fields: Record<string, Field>): Field =>
  (name) => [
    { name, repetition_type: "OPTIONAL", num_children: Object.keys(fields).length },
    ...Object.entries(fields).flatMap(([key, field]) => field(key)),
  ];

const list =
  (element: Field): Field =>
  (name) => [
    { name, repetition_type: "OPTIONAL", converted_type: "LIST", num_children: 1 },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    ...element("element"),
  ];

/** One field of the same type for each name. */
function all(names: readonly string[], field: Field): Record<string, Field> {
  return Object.fromEntries(names.map((name) => [name, field]));
}

const header = struct({ "accept-language": text, "user-agent": text });

/** The schema, from the names of the moderation categories and scores. */
export function wildchatSchema(categories: readonly string[], detoxifyScores: readonly string[]): SchemaElement[] {
  const columns: Record<string, Field> = {
    conversation_hash: text,
    model: text,
    timestamp: instant,
    conversation: list(
      struct({
        content: text,
        country: text,
        hashed_ip: text,
        header,
        language: text,
        redacted: flag,
        role: text,
        state: text,
        timestamp: instant,
        toxic: flag,
        turn_identifier: integer,
      }),
    ),
    turn: integer,
    language: text,
    openai_moderation: list(
      struct({
        categories: struct(all(categories, flag)),
        category_scores: struct(all(categories, score)),
        flagged: flag,
      }),
    ),
    detoxify_moderation: list(struct(all(detoxifyScores, score))),
    toxic: flag,
    redacted: flag,
    state: text,
    country: text,
    hashed_ip: text,
    header,
  };
  return [
    { name: "schema", repetition_type: "REQUIRED", num_children: Object.keys(columns).length },
    ...Object.entries(columns).flatMap(([name, field]) => field(name)),
  ];
}
