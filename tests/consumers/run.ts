/**
 * `npm run test:consumers`: what reads our output in the field, in Python, reads it as we do. Says "skipped" and succeeds
 * where there is no Python or PyPI cannot be reached. FLIPTURN_CONSUMERS names a folder to keep the packages in; by
 * default they are under node_modules/.cache. Nothing is asked of the Hub.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, virtualEnvironment } from "../../scripts/venv.ts";
import { writeForms } from "./forms.ts";
import { writePublished } from "./published.ts";
import { writeTokens } from "./tokens.ts";

const HERE = join("tests", "consumers");
const CACHE = process.env["FLIPTURN_CONSUMERS"] ?? join("node_modules", ".cache", "flipturn-consumers");

/** Each check: what is written for it, and the Python that reads it. */
const CHECKS: Record<string, (folder: string) => Promise<void>> = {
  tokens: writeTokens,
  forms: writeForms,
  published: writePublished,
};

const python = virtualEnvironment(join(HERE, "requirements.txt"), CACHE);
if ("missing" in python) console.log(`skipped: ${python.missing}`);
else for (const [name, prepare] of Object.entries(CHECKS)) await check(name, prepare, python.path);

async function check(name: string, prepare: (folder: string) => Promise<void>, path: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "flipturn-consumers-"));
  const env = {
    ...process.env,
    HF_HOME: join(folder, "hub"),
    HF_HUB_OFFLINE: "1",
    HF_DATASETS_DISABLE_PROGRESS_BARS: "1",
  };
  try {
    await prepare(folder);
    must([path, join(HERE, `${name}.py`), folder], { env });
  } catch (error) {
    console.error(`${name}: ${(error as Error).message}`);
    process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
