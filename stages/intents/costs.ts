import { join } from "node:path";
import { Journal } from "../../pipeline/models/journal.ts";
import { type LedgerRow, ledger } from "../../pipeline/models/ledger.ts";
import { type Run, stageFolder } from "../../pipeline/run-folder.ts";
import { conditioned, JOURNAL } from "./artefacts.ts";

/** Folder of a run that holds the answers that were paid for. */
export function journalFolder(run: Run): string {
  return join(stageFolder(run, conditioned.intents.stage), JOURNAL);
}

/** What a run has sent and spent on its intents, by model and mode; nothing where no model was asked. */
export function readLedger(run: Run): LedgerRow[] {
  const journal = Journal.read(journalFolder(run));
  const rows = journal ? ledger(journal) : [];
  journal?.close();
  return rows;
}
