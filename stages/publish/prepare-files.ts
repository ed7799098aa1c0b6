/**
 * A finished dataset -> the files that go to the Hub, in a folder of their own: user ids keyed anew, small countries
 * merged, personal data masked or left out, and a card that counts what is in them. What the run wrote stays as it is.
 */
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { UsageError } from "../../pipeline/errors.ts";
import { hashFile, readJson, writeJson } from "../../pipeline/files/atomic-file.ts";
import { parquet, query } from "../../pipeline/files/duckdb.ts";
import { digest } from "../../pipeline/hash.ts";
import type { Turn } from "../../schemas/conversation.ts";
import { FileRecord } from "../../schemas/manifest.ts";
import { PII_KINDS, type PiiKind } from "./pii/find.ts";
import { findPii, type Pii } from "./pii/find-pii.ts";
import { regionOf } from "./pii/regions.ts";
import {
  type Privacy,
  privateColumns,
  publicRow,
  type Rare,
  rareValues,
  SHARED_COLUMNS,
  type SharedColumn,
  type UsersByValue,
} from "./privacy.ts";

/** What is decided about privacy. */
export interface PublishOptions {
  /** Countries, languages and models with fewer users than this are called `other`. */
  readonly kMin: number;
  /** Ids of conversations: those of the source, or keyed anew. */
  readonly ids: Privacy["ids"];
  /** Personal data that was found: mask it, leave the conversation out, or let it be. */
  readonly pii: Privacy["pii"];
  /** Secret that ids are keyed with anew. */
  readonly key: string;
}

/** The dataset of a run in one form, and how its rows are read and written. */
export interface PublishInput {
  /** Folder of the dataset, and the one that what goes to the Hub is prepared in. */
  readonly folder: string;
  readonly staging: string;
  /** All files of the dataset, by their paths in its folder; those of rows have a number of rows. */
  readonly files: readonly FileRecord[];
  /** These three are aligned by shard. */
  readonly conversations: readonly string[];
  readonly intents: readonly string[];
  readonly samples: readonly string[];
  /** Samples that were rejected when the dataset was written. */
  readonly rejections: readonly string[];
  readonly columns: z.ZodObject;
  readonly read: (path: string) => AsyncIterable<Record<string, unknown>>;
  readonly open: (path: string, columns: z.ZodObject) => RowFile;
  readonly code: string;
}

interface RowFile {
  write(row: Record<string, unknown>): Promise<void>;
  commit(): Promise<{ rows: number; bytes: number; sha256: string }>;
  discard(): void;
}

const Counts = z.record(z.enum(PII_KINDS), z.int());

/** What was done, and the files that it was done to. Kept beside them, so that a second run need not do it again. */
export const Staged = z.strictObject({
  fingerprint: z.string(),
  /** Paths relative to the folder that goes to the Hub. */
  files: z.array(FileRecord),
  /** How often each kind was found in turns and in intents. */
  turns: Counts,
  intents: Counts,
  /** Conversations in which something was found, and rows that were left out for it. */
  conversations: z.int(),
  blocked_rows: z.int(),
  /** How many countries, languages and models too few users have. */
  merged: z.record(z.enum(SHARED_COLUMNS), z.int()),
  /** The languages that are published by their names. */
  languages: z.array(z.string()),
  /** Names of countries that are none that is known: phone numbers of people there are read as in the United States. */
  unknown_countries: z.array(z.string()),
  /** What the rows that are left hold: tokens, those of them in the loss, and targets, by split. */
  counts: z.record(z.string(), z.int()),
});
export type Staged = z.infer<typeof Staged>;

/** Where the files that go to the Hub lie. */
export function stagedFolder(staging: string): string {
  return join(staging, "dataset");
}

/** Throws UsageError if a file of the dataset is not what the run wrote. */
export async function requireUntouched({ folder, files }: Pick<PublishInput, "folder" | "files">): Promise<void> {
  for (const file of files) {
    const path = join(folder, file.path);
    const found = await hashFile(path).catch(() => null);
    if (found?.sha256 === file.sha256) continue;
    const what =
      found === null
        ? "is missing"
        : `has the sha256 ${found.sha256.slice(0, 12)}…, not ${file.sha256.slice(0, 12)}… as written`;
    throw new UsageError(
      `${path}: ${what}: it was changed by hand; run again with --from render --force to have it anew`,
    );
  }
}

/** Makes the files that go to the Hub, unless they are there already for the same data and options. */
export async function prepareFiles(
  input: PublishInput,
  options: PublishOptions,
  signal?: AbortSignal,
): Promise<Staged> {
  const fingerprint = digest([
    input.code,
    input.files.map(({ sha256 }) => sha256),
    options.kMin,
    options.pii,
    options.ids,
    digest(options.key),
  ]);
  const receipt = join(input.staging, "receipt.json");
  const before = await readJson(receipt, Staged).catch(() => null);
  if (before?.fingerprint === fingerprint && (await areThere(input.staging, before.files))) return before;
  const banned = privateColumns(Object.keys(input.columns.shape));
  if (banned.length > 0)
    throw new UsageError(`the dataset has columns that must not be published: ${banned.join(", ")}`);
  const scan = await scanTexts(input, signal);
  requirePossible(input, options, scan.found.size);
  const isLeftOut = (conversation: string) => options.pii === "block" && scan.found.has(conversation);
  const users = await usersByValue(input, isLeftOut, signal);
  const rare = Object.fromEntries(
    SHARED_COLUMNS.map((column) => [column, rareValues(users[column], options.kMin)]),
  ) as Record<SharedColumn, Rare>;
  const { files, blocked, counts } = await rewrite(input, { ...options, rare, found: scan.found }, signal);
  const { turns, intents, found, unknown } = scan;
  const about = {
    turns,
    intents,
    unknown_countries: [...unknown].sort(),
    conversations: found.size,
    blocked_rows: blocked,
    merged: Object.fromEntries(SHARED_COLUMNS.map((column) => [column, rare[column].values.size])) as Staged["merged"],
    languages: [...users.language.keys()].filter((name) => !rare.language.values.has(name)).sort(),
    counts,
  };
  const staged = { fingerprint, files, ...about };
  writeJson(receipt, staged);
  return staged;
}

async function areThere(staging: string, files: readonly FileRecord[]): Promise<boolean> {
  for (const { path, sha256 } of files) {
    const found = await hashFile(join(stagedFolder(staging), path)).catch(() => null);
    if (found?.sha256 !== sha256) return false;
  }
  return true;
}

/** Token ids hold text that cannot be masked, and a bin holds rows of many conversations. */
function requirePossible({ columns }: PublishInput, { pii }: PublishOptions, found: number): void {
  if (found === 0 || pii === "allow") return;
  const isBins = !("conversation_id" in columns.shape);
  if (!isBins && (pii === "block" || !("input_ids" in columns.shape))) return;
  const choices = isBins ? "--pii allow, or write it without --packing" : "--pii block or --pii allow";
  throw new UsageError(
    `personal data was found in ${found} conversations and cannot be ${pii}ed in token ids: choose ${choices}`,
  );
}

type Scanned = { id: string; country: string | null; turns: Turn[]; intent: string | null };

/** What was found by conversation, how often each kind in turns and in intents, and names of countries that nobody knows. */
interface Scan {
  readonly found: Map<string, Pii[]>;
  readonly turns: Record<PiiKind, number>;
  readonly intents: Record<PiiKind, number>;
  readonly unknown: Set<string>;
}

/**
 * Looks through all turns and the intents of the conversations that have samples: every turn is in some row.
 * Memory: what was found, and the intents of a shard.
 */
async function scanTexts({ conversations, intents, samples }: PublishInput, signal?: AbortSignal): Promise<Scan> {
  const none = () => Object.fromEntries(PII_KINDS.map((kind) => [kind, 0])) as Record<PiiKind, number>;
  const scan: Scan = { found: new Map(), turns: none(), intents: none(), unknown: new Set() };
  for (const [shard, path] of conversations.entries()) {
    const goals = await goalsOf([intents[shard] ?? ""], [samples[shard] ?? ""], signal);
    const sql = `SELECT id, country, turns FROM ${parquet([path])}`;
    for await (const row of query(sql, path, signal)) {
      const { id, country, turns } = row as { id: string; country: string | null; turns: Turn[] };
      const intent = goals.get(id);
      if (intent !== undefined) await scanConversation(scan, { id, country, turns, intent });
    }
  }
  return scan;
}

/** The intents of a shard's conversations that have samples. */
async function goalsOf(
  intents: string[],
  samples: string[],
  signal?: AbortSignal,
): Promise<Map<string, string | null>> {
  const sql = `SELECT conversation_id, intent FROM ${parquet(intents)}
    WHERE conversation_id IN (SELECT conversation_id FROM ${parquet(samples)})`;
  const found = new Map<string, string | null>();
  for await (const row of query(sql, "intents", signal)) {
    const { conversation_id, intent } = row as { conversation_id: string; intent: string | null };
    found.set(conversation_id, intent);
  }
  return found;
}

async function scanConversation(scan: Scan, { id, country, turns, intent }: Scanned): Promise<void> {
  if (country !== null && regionOf(country) === undefined) scan.unknown.add(country);
  const findIn = async (texts: readonly string[]) =>
    (await Promise.all(texts.map((each) => findPii(each, country)))).flat();
  const [inTurns, inIntent] = [
    await findIn(turns.map(({ content }) => content)),
    await findIn(intent === null ? [] : [intent]),
  ];
  for (const { kind } of inTurns) scan.turns[kind]++;
  for (const { kind } of inIntent) scan.intents[kind]++;
  const all = [...inTurns, ...inIntent];
  if (all.length > 0) scan.found.set(id, [...new Map(all.map((each) => [each.text, each])).values()]);
}

/** The users of each country, language and model whose rows are published; a conversation without a user counts as one. Memory: the users. */
async function usersByValue(
  { conversations, samples, rejections }: PublishInput,
  isLeftOut: (conversation: string) => boolean,
  signal?: AbortSignal,
): Promise<Record<SharedColumn, UsersByValue>> {
  const sql = `SELECT id, ${SHARED_COLUMNS.join(", ")}, coalesce(user_id, id) AS "user" FROM ${parquet(conversations)}
    WHERE id IN (SELECT conversation_id FROM ${parquet(samples)} s ANTI JOIN ${parquet(rejections)} r ON r.id = s.id)`;
  const found = { country: new Map(), language: new Map(), model: new Map() } as const satisfies Record<
    SharedColumn,
    Map<string, Set<string>>
  >;
  for await (const row of query(sql, "conversations", signal)) {
    const { id, user, ...values } = row as { id: string; user: string } & Record<SharedColumn, string | null>;
    if (isLeftOut(id)) continue;
    for (const column of SHARED_COLUMNS) addUser(found[column], values[column], user);
  }
  return found;
}

function addUser(users: Map<string, Set<string>>, value: string | null, user: string): void {
  if (value !== null) users.set(value, (users.get(value) ?? new Set()).add(user));
}

async function rewrite(
  input: PublishInput,
  privacy: Privacy,
  signal?: AbortSignal,
): Promise<{ files: FileRecord[]; blocked: number; counts: Record<string, number> }> {
  const files: FileRecord[] = [];
  const counts: Record<string, number> = {};
  let blocked = 0;
  for (const file of input.files) {
    const { path } = file;
    const [from, to] = [join(input.folder, path), join(stagedFolder(input.staging), path)];
    mkdirSync(dirname(to), { recursive: true });
    if (path === "README.md") continue; // the card counts what is published, so it is written anew
    if (file.rows === null) {
      copyFileSync(from, to);
      files.push(file);
    } else {
      const written = await rewriteRows(input, from, to, privacy, (row) => countRow(row, counts), signal);
      blocked += file.rows - written.rows;
      files.push({ path, rows: written.rows, bytes: written.bytes, sha256: written.sha256 });
    }
  }
  return { files, blocked, counts };
}

/** Adds to what the card says of rows: tokens and targets, where rows have them. */
function countRow(row: Readonly<Record<string, unknown>>, counts: Record<string, number>): void {
  const { split, context_tokens, target_tokens, target_turns } = row;
  if (typeof split !== "string") return;
  const add = (name: string, by: unknown) => {
    if (typeof by === "number") counts[`${name}_${split}`] = (counts[`${name}_${split}`] ?? 0) + by;
  };
  add("target_tokens", target_tokens);
  add("tokens", typeof context_tokens === "number" ? context_tokens + Number(target_tokens) : null);
  add("targets", Array.isArray(target_turns) ? target_turns.length : 1);
}

async function rewriteRows(
  input: PublishInput,
  from: string,
  to: string,
  privacy: Privacy,
  count: (row: Readonly<Record<string, unknown>>) => void,
  signal?: AbortSignal,
) {
  const file = input.open(to, input.columns);
  try {
    for await (const row of input.read(from)) {
      signal?.throwIfAborted();
      const open = publicRow(row, privacy);
      if (!open) continue;
      count(open);
      await file.write(open);
    }
    return await file.commit();
  } catch (error) {
    file.discard();
    throw error;
  }
}

/** What was done, in words for the card. */
export function privacyInWords(staged: Staged, { kMin, pii, ids }: PublishOptions): string {
  const sums = PII_KINDS.map((kind) => `${kind} ${(staged.turns[kind] ?? 0) + (staged.intents[kind] ?? 0)}`).join(", ");
  const done = {
    mask: `What was found is masked as ${PII_KINDS.map((kind) => `\`[${kind}]\``).join(", ")} wherever it stands in a row; tokens were counted before.`,
    block: `The conversations were left out, ${staged.blocked_rows} rows. Published counts and measures of people were counted before.`,
    allow: "What was found was left in, as the publisher decided.",
  };
  const idWords = {
    keep: "Ids of conversations are those of the source: whoever has the source can find them there, with all that it tells.",
    key: "Ids of conversations were keyed with it too; rows stand in the order of the ids before.",
  };
  const { country, language, model } = staged.merged;
  return [
    `User ids were keyed anew with a secret that is published nowhere; all conversations of a user have the same one. There are no addresses, headers, places below the country, or times. ${idWords[ids]}`,
    `No country, language or model is named that fewer than ${kMin} users have: ${country} countries, ${language} languages and ${model} models are called \`other\`, or are missing where all of these together are too few. A conversation whose user is not known counts as one. Several of these values together may be rare.`,
    `Turns and intents were searched for e-mail addresses, phone numbers, payment cards, bank accounts (IBAN), US social security numbers, IP addresses and keys of services: ${sums}, in ${staged.conversations} conversations. ${done[pii]} Names, addresses and what only context tells were not looked for.`,
  ].join("\n\n");
}
