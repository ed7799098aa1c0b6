/**
 * `npm run test:consumers`: what reads our output in the field, in Python, reads it as we do. Says "skipped" and succeeds
 * where there is no Python or PyPI cannot be reached. FLIPTURN_CONSUMERS names a folder to keep the packages in; by
 * default they are under node_modules/.cache. Nothing is asked of the Hub.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { virtualEnvironment } from "../../scripts/venv.ts";
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
else {
  const readers: Promise<void>[] = [];
  // Python reads what is prepared while the next is being prepared.
  for (const [name, prepare] of Object.entries(CHECKS)) readers.push((await begin(name, prepare, python.path)).read);
  await Promise.all(readers);
}

/** Prepares a check and begins to read what was prepared. */
async function begin(name: string, prepare: (folder: string) => Promise<void>, path: string) {
  const folder = mkdtempSync(join(tmpdir(), "flipturn-consumers-"));
  const env = {
    ...process.env,
    HF_HOME: join(folder, "hub"),
    HF_HUB_OFFLINE: "1",
    HF_DATASETS_DISABLE_PROGRESS_BARS: "1",
  };
  const failed = (error: unknown) => {
    console.error(`${name}: ${(error as Error).message}`);
    process.exitCode = 1;
  };
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    await prepare(folder);
  } catch (error) {
    failed(error);
    remove();
    return { read: Promise.resolve() };
  }
  return {
    read: finish([path, join(HERE, `${name}.py`), folder], env)
      .catch(failed)
      .finally(remove),
  };
}

/** Runs a command to its end, its output shown. Throws if it fails. */
function finish([command = "", ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit", env });
    child.on("error", reject);
    child.on("close", (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${[command, ...args].join(" ")}: exit ${code ?? signal}`)),
    );
  });
}
