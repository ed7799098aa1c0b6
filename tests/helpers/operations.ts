import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { resolve } from "node:path";

/** Functions of `node:fs` that ask the file system about a path, or change something there. */
const SYNC = [
  ...["existsSync", "statSync", "lstatSync", "accessSync", "readFileSync", "writeFileSync", "openSync", "mkdirSync"],
  ...["readdirSync", "renameSync", "rmSync", "unlinkSync", "linkSync", "utimesSync", "createReadStream"],
] as const;
const ASYNC = ["stat", "lstat", "access", "readFile", "writeFile", "open", "readdir", "rename", "rm", "mkdir"] as const;

type Functions = Record<string, (...args: never[]) => unknown>;

/** Does something, and returns the paths under a folder that it touched, once for every operation, relative to it. */
export async function operationsIn(folder: string, act: () => Promise<unknown>): Promise<string[]> {
  const root = `${resolve(folder)}/`;
  const touched: string[] = [];
  const undo = [
    ...SYNC.map((name) => watch(fs as unknown as Functions, name, root, touched)),
    ...ASYNC.map((name) => watch(fs.promises as unknown as Functions, name, root, touched)),
  ];
  syncBuiltinESMExports();
  try {
    await act();
  } finally {
    for (const each of undo) each();
    syncBuiltinESMExports();
  }
  return touched;
}

function watch(functions: Functions, name: string, root: string, touched: string[]): () => void {
  const real = functions[name];
  if (!real) throw new Error(`node:fs has no ${name}`);
  functions[name] = (...args: never[]) => {
    const [path] = args as unknown[];
    const full = typeof path === "string" ? `${resolve(path)}` : "";
    if (full.startsWith(root)) touched.push(full.slice(root.length));
    return real.apply(functions, args);
  };
  return () => {
    functions[name] = real;
  };
}
