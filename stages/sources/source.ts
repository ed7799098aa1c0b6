import { z } from "zod";

/** A conversation as a source tells it, before anything is judged. Roles are as in the source's own mapping. */
export interface RawConversation {
  readonly source_id: string;
  /** The source's own user id, never written anywhere. */
  readonly user: string | null;
  readonly country: string | null;
  readonly language: string | null;
  readonly model: string | null;
  /** ISO 8601 in UTC. */
  readonly started_at: string | null;
  /** When the last turn came, ISO 8601 in UTC; absent or null = not known. */
  readonly ended_at?: string | null;
  readonly turns: readonly { role: string; content: string }[];
  readonly redacted: boolean | null;
  readonly toxic: boolean | null;
  /** Columns named by the user that have a value in this row. */
  readonly present?: readonly string[];
  /** Things worth counting that were met on the way, such as `several_chosen`. */
  readonly counts?: Record<string, number>;
}

/** Columns of a source of people's own; see `chat.ts`. */
export type Columns = Record<string, string>;

/** Of a source of trees: the best-ranked path of each, or one path for each leaf. */
export type Paths = "best" | "leaves";

/** A row that is readable but tells no conversation, with its fixed reason. */
export type Unusable = { reason: string; detail: Record<string, unknown>; source_id: string };

/** Where conversations come from: what its rows look like and how a row becomes a conversation. One file a source. */
export interface Source {
  readonly name: string;
  /** One line for help text and card. */
  readonly summary: string;
  /** The Hub dataset: repository, the commit that is read by default, and globs of its files; null = local files only. */
  readonly hub: { readonly repo: string; readonly revision: string; readonly files: readonly string[] } | null;
  /** Licence of the text as an SPDX-like Hub identifier, and whom to credit. */
  readonly license: string;
  readonly credit: string;
  /** Why its conversations cannot be split by user, in words; absent = it names users, or may. */
  readonly noUsers?: string;
  /** Defaults of stages that are other for this source, by stage. */
  readonly defaults?: Readonly<Record<string, Record<string, unknown>>>;
  /** Schema of the parts of a row that are used; further fields are passed over. */
  readonly row: (columns: Columns) => z.ZodObject;
  /** The field that holds the source's own id of a conversation, null if none does, and those that tell who a user is. */
  readonly fields: (columns: Columns) => { readonly id: string | null; readonly personal: readonly string[] };
  /**
   * For Parquet: SQL expressions over the file's columns, by name in `row`, and the columns they need. `unread` is an SQL
   * condition for rows whose turns nobody will look at: of a row that is sound they may come empty.
   */
  readonly select: (
    columns: Columns,
    unread?: string | null,
  ) => { readonly needs: readonly string[]; readonly sql: string };
  readonly convert: (row: Record<string, unknown>, columns: Columns) => RawConversation | Unusable;
  /** Where one row holds several conversations: all that are wanted of it, in place of `convert`. */
  readonly convertAll?: (row: Record<string, unknown>, paths: Paths) => readonly (RawConversation | Unusable)[];
}

/** A time as sources write it (text with or without zone, or a number of s, ms, µs or ns since 1970). */
export const Time = z.union([z.string(), z.number()]).nullish();

/** A time as ISO 8601 in UTC; a text without a zone is UTC. Null if there is none or it cannot be read. */
export function utc(time: string | number | null | undefined): string | null {
  if (time === null || time === undefined || time === "") return null;
  const [, day, clock, fraction = ""] = PLAIN.exec(String(time)) ?? [];
  if (day !== undefined) return `${day}T${clock}.${fraction.slice(0, 3).padEnd(3, "0")}Z`;
  const number = typeof time === "number" ? time : /^\d{9,19}$/.test(time.trim()) ? Number(time) : null;
  const date = new Date(number === null ? withZone(String(time)) : milliseconds(number));
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** Numbers this size are told apart by magnitude: seconds until the year 5138, then ms, µs and ns. */
function milliseconds(time: number): number {
  if (time < 1e11) return time * 1000;
  if (time < 1e14) return time;
  return time < 1e17 ? time / 1e3 : time / 1e6;
}

/** True for a day that the calendar has: `Date` would take 30 February for 1 March. */
function isDay(date: string): boolean {
  const day = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date);
}

/** What nearly all times are: UTC, on a day that every month has. They need no calendar, which takes ten times as long. */
const PLAIN =
  /^(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8]))[T ]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d+))?(?:Z|\+00(?::?00)?)?$/;

const ISO = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(?:(Z|UTC)|([+-]\d\d):?(\d\d)?)?)?$/i;

/** ISO 8601 as sources write it, made strict; other shapes, which every machine would read in its own zone, are no time. */
function withZone(time: string): string {
  const [, date, clock, , hours, minutes] = ISO.exec(time.trim()) ?? [];
  if (date === undefined || !isDay(date)) return "";
  return `${date}T${clock ?? "00:00"}${hours === undefined ? "Z" : `${hours}:${minutes ?? "00"}`}`;
}
