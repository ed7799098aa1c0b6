import type { z } from "zod";

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
  /** Where a row is a part of a conversation: its number in it, null = the row does not tell. */
  readonly turn?: number | null;
  /** Things worth counting that were met on the way, such as `several_chosen`. */
  readonly counts?: Record<string, number>;
}

/** Columns of a source of people's own by what they hold; null or "" = there is none, or it is still to be looked for. See `chat.ts`. */
export type Columns = Readonly<Record<string, string | null>>;

/** What people say of logs of their own. */
export interface LogSettings {
  readonly columns: Columns;
  /** What a row is, by name; null = it is still to be looked for. See `logs/index.ts`. */
  readonly rows: string | null;
  /** Who is meant by names of roles that are people's own. */
  readonly roleMap: Readonly<Record<string, string>>;
  /** How times are written that are no ISO 8601, such as `%d/%m/%Y %H:%M`; null = none are. */
  readonly timeFormat: string | null;
}

/** What rows were found to be, and which column holds what. */
export interface FoundLog {
  readonly settings: Pick<LogSettings, "columns" | "rows">;
  /** Columns that hold nothing of use. */
  readonly unused: readonly string[];
}

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
  readonly row: () => z.ZodObject;
  /** What of a row that schema is asked about, where it is not the row as it stands. */
  readonly project?: (row: unknown) => unknown;
  /** The field that holds the source's own id of a conversation, null if none does, and those that tell who a user is. */
  readonly fields: () => { readonly id: string | null; readonly personal: readonly string[] };
  /**
   * For Parquet: SQL expressions over the file's columns, by name in `row`, and the columns they need. `unread` is an SQL
   * condition for rows whose turns nobody will look at: of a row that is sound they may come empty. `has` tells the columns
   * that the file has.
   */
  readonly select: (
    unread?: string | null,
    has?: (column: string) => boolean,
  ) => { readonly needs: readonly string[]; readonly sql: string };
  readonly convert: (row: Record<string, unknown>) => RawConversation | Unusable;
  /** True where a conversation has several rows: those of the same id, in the order of `turn`, of time, or of the files. */
  readonly isInParts?: boolean;
  /** Of a source of people's own: as its rows are read with these settings. */
  readonly withSettings?: (settings: LogSettings) => Source;
  /** The same: what rows are and which column holds what, from the first rows of files. Throws UsageError if that is not plain. */
  readonly look?: (paths: readonly string[], given: LogSettings) => Promise<FoundLog>;
  /** The same: true for what is a row and no message, where a file is one object with a list. */
  readonly isRow?: (value: unknown) => boolean;
  /** Where one row holds several conversations: all that are wanted of it, in place of `convert`. */
  readonly convertAll?: (row: Record<string, unknown>, paths: Paths) => readonly (RawConversation | Unusable)[];
}

/** The id of a conversation: `<source>:<source_id>`; `#`, `~` and `%`, which mark ids that repeat, are percent-encoded. */
export function conversationId(source: string, sourceId: string): string {
  const encode = (mark: string) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`;
  return `${source}:${sourceId.toWellFormed().replaceAll(/[%#~]/g, encode)}`;
}
