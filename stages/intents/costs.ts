import { statSync } from "node:fs";
import { join } from "node:path";
import { Journal, journalFile } from "../../pipeline/models/journal.ts";
import { type LedgerRow, ledger } from "../../pipeline/models/ledger.ts";
import { type Run, stageFolder } from "../../pipeline/run-folder.ts";
import { conditioned, JOURNAL } from "./artefacts.ts";

/** Folder of a run that holds the answers that were paid for. */
export function journalFolder(run: Run): string {
  return join(stageFolder(run, conditioned.intents.stage), JOURNAL);
}

/** How far asking has come, as the journal tells while another process writes it; null = nothing was asked. */
export interface Asking {
  readonly answers: number;
  /** Requests without an outcome: under way, or left by a kill. */
  readonly under_way: number;
  readonly usd: number;
  /** When the journal was written to last, in ms since 1970. */
  readonly written_ms: number;
}

/** See `Asking`. */
export function readAsking(run: Run): Asking | null {
  const folder = journalFolder(run);
  const journal = Journal.read(folder);
  if (journal === null) return null;
  journal.close();
  const { size: answers, underWay: under_way, spent: usd } = journal;
  return { answers, under_way, usd, written_ms: statSync(journalFile(folder)).mtimeMs };
}

/** What a run has sent and spent on its intents, by model and mode; nothing where no model was asked. */
export function readLedger(run: Run): LedgerRow[] {
  const journal = Journal.read(journalFolder(run));
  const rows = journal ? ledger(journal) : [];
  journal?.close();
  return rows;
}
