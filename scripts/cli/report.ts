import { join } from "node:path";
import { writeText } from "../../pipeline/files/atomic-file.ts";
import { gather } from "../../stages/report/gather.ts";
import { reportPage } from "../../stages/report/page.ts";
import { findRun } from "./status.ts";
import { count } from "./terminal.ts";

/** `flipturn report`: one page about a finished run, or all that is on it as JSON. */
export async function report(flags: { output?: string; file?: string; json?: boolean }): Promise<void> {
  const run = await findRun(flags.output);
  const gathered = await gather(run);
  if (flags.json) return console.log(JSON.stringify(gathered, null, 2));
  const path = flags.file ?? join(run.folder, "report.html");
  const { bytes } = writeText(path, reportPage(gathered));
  console.log(`${path}: ${count(Math.ceil(bytes / 1024))} KiB; open it in a browser`);
}
