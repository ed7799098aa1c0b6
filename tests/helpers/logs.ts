import { ChatColumns, chat } from "../../stages/sources/chat.ts";
import type { Columns, LogSettings, Source } from "../../stages/sources/source.ts";

/** Somebody's own logs with these columns named, and with these settings. */
export function logs(columns: Partial<Columns> = {}, settings: Partial<LogSettings> = {}): Source {
  const all = { columns: ChatColumns.parse(columns), rows: null, roleMap: {}, timeFormat: null, ...settings };
  return chat.withSettings?.(all) as Source;
}
