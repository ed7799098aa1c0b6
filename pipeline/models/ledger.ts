import { isFinal, type Journal, mayBeBilledTwice } from "./journal.ts";

/** What one model has cost in one mode. */
export interface LedgerRow {
  /** The model that was asked for. */
  readonly model: string;
  readonly mode: "sync" | "batch";
  /** Requests with a final answer, and how many of these were refused, cut off or too long. */
  readonly answered: number;
  readonly without_text: number;
  /** Requests that the server failed without billing them. */
  readonly failed: number;
  /** Requests that may have been billed though no answer came, and the most that they can have cost; `usd` has it in it. */
  readonly lost: number;
  readonly lost_usd: number;
  readonly input_tokens: number;
  readonly cached_tokens: number;
  readonly output_tokens: number;
  /** Of the output, what models only thought, as far as servers tell. */
  readonly thinking_tokens: number;
  /** Dollars; null = no price was known when it was spent. */
  readonly usd: number | null;
  /** Answers that other runs paid for, and what they cost there; in no other number. */
  readonly reused: number;
  readonly reused_usd: number;
}

type OpenRow = { -readonly [Key in keyof LedgerRow]: LedgerRow[Key] };

/** What was sent and spent, by model and mode, from the journal. Memory: the requests under way when a run was killed. */
export function ledger(journal: Pick<Journal, "entries">): LedgerRow[] {
  const rows = new Map<string, OpenRow>();
  const open = new Map<string, { row: OpenRow; usd: number; mode: LedgerRow["mode"] }>();
  for (const entry of journal.entries()) {
    const row = rowFor(rows, entry.requested_model, entry.mode);
    if (entry.status === "sent") {
      const before = open.get(entry.key);
      if (before && mayBeBilledTwice(before, entry)) lose(before.row, before.usd);
      open.set(entry.key, { row, usd: entry.usd ?? 0, mode: entry.mode });
      continue;
    }
    if (isFinal(entry) && entry.reused) {
      row.reused++;
      row.reused_usd += entry.reused.usd ?? 0;
      continue;
    }
    open.delete(entry.key);
    if (!isFinal(entry)) {
      if (entry.status === "failed") fail(row, entry.usd);
      else lose(row, entry.usd ?? 0);
    } else {
      row.answered++;
      if (entry.status !== "answered") row.without_text++;
      row.input_tokens += entry.input_tokens ?? 0;
      row.cached_tokens += entry.cached_tokens ?? 0;
      row.output_tokens += entry.output_tokens ?? 0;
      row.thinking_tokens += entry.thinking_tokens ?? 0;
      if (entry.usd !== null) row.usd = (row.usd ?? 0) + entry.usd;
    }
  }
  for (const { row, usd } of open.values()) lose(row, usd);
  return [...rows.values()].sort((a, b) => (`${a.model} ${a.mode}` < `${b.model} ${b.mode}` ? -1 : 1));
}

function fail(row: OpenRow, usd: number | null): void {
  row.failed++;
  if (usd !== null) row.usd ??= 0;
}

function lose(row: OpenRow, usd: number): void {
  row.lost++;
  row.lost_usd += usd;
  if (usd > 0) row.usd = (row.usd ?? 0) + usd;
}

function rowFor(rows: Map<string, OpenRow>, model: string, mode: LedgerRow["mode"]): OpenRow {
  const key = `${mode} ${model}`;
  const none = { answered: 0, without_text: 0, failed: 0, lost: 0, lost_usd: 0 };
  const row = rows.get(key) ?? {
    ...{
      model,
      mode,
      ...none,
      input_tokens: 0,
      cached_tokens: 0,
      output_tokens: 0,
      thinking_tokens: 0,
      usd: null,
      reused: 0,
      reused_usd: 0,
    },
  };
  rows.set(key, row);
  return row;
}
