import { join } from "node:path";
import { z } from "zod";
import { writeText } from "../../../pipeline/files/atomic-file.ts";
import { defineCommand } from "../command.ts";
import { print, printJson } from "../io.ts";
import { findRun, OfDataset } from "../runs.ts";
import { count } from "../terminal.ts";

/** `flipturn report`: one page about a finished run, or all that is on it as JSON. */
export const report = defineCommand({
  name: "report",
  summary: "write one page about a finished run: report.html, which needs nothing else",
  input: z.strictObject({
    ...OfDataset,
    file: z
      .string()
      .optional()
      .meta({ value: "file", description: "where to write it; default: report.html in the folder of the run" }),
  }),
  examples: ["flipturn report --output output/demo"],
  async run({ output, form, file, json }, io) {
    const run = await findRun(output, io);
    const { gather } = await import("../../../stages/report/gather.ts"); // plots and their libraries: loaded when needed
    const gathered = await gather(run, form ?? null);
    if (json) return printJson(io, gathered);
    const { reportPage } = await import("../../../stages/report/page.ts");
    const path = file ?? join(run.folder, "report.html");
    const { bytes } = writeText(path, reportPage(gathered));
    print(io, `${path}: ${count(Math.ceil(bytes / 1024))} KiB; open it in a browser`);
  },
});
