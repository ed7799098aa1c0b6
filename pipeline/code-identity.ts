import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * What an `import`, `export … from` or `import()` names. Our own modules are written by one formatter and compiler, so a
 * pattern finds them all; what it takes for an import in a text or comment adds a module at worst.
 */
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g;

/** What every task runs through, whatever its stage: how rows become files. */
const COMMON = join(import.meta.dirname, `task${ownExtension()}`);

function ownExtension(): string {
  return import.meta.filename.endsWith(".ts") ? ".ts" : ".js";
}

/** The folder of the installed package, whether run from sources or as built. */
export function packageFolder(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}

/** Version of the installed package. */
export function packageVersion(): string {
  return versionIn(join(packageFolder(), "package.json")) ?? "";
}

/**
 * 12 hex digits over all that the outputs of a stage can depend on: the text of every module that is reached from the one
 * that defines it, and the versions of the packages that these import. A change anywhere else leaves it as it is.
 */
export function codeIdentity(module: string): string {
  const known = identities.get(module);
  if (known !== undefined) return known;
  const reached = reachedFrom([module.startsWith("file:") ? fileURLToPath(module) : module, COMMON]);
  const root = packageFolder();
  const hash = createHash("sha256");
  for (const path of reached.modules) hash.update(`${relative(root, path)}\n`).update(textOf(path));
  for (const name of reached.packages) hash.update(`${name} ${packageVersionOf(name)}\n`);
  const identity = hash.digest("hex").slice(0, 12);
  identities.set(module, identity);
  return identity;
}

const identities = new Map<string, string>();

/** Every module that can be reached by imports, dynamic ones too, and the packages that they name. Sorted. */
export function reachedFrom(entries: readonly string[]): { modules: string[]; packages: string[] } {
  const modules = new Set<string>();
  const packages = new Set<string>();
  const queue = [...entries];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (modules.has(path)) continue;
    modules.add(path);
    for (const [, name = ""] of textOf(path).matchAll(IMPORT)) {
      if (!name.startsWith(".")) packages.add(packageIn(name));
      else if (existsSync(join(dirname(path), name))) queue.push(join(dirname(path), name));
    }
  }
  return { modules: [...modules].sort(), packages: [...packages].filter((name) => !name.startsWith("node:")).sort() };
}

const texts = new Map<string, string>();

function textOf(path: string): string {
  const text = texts.get(path) ?? readFileSync(path, "utf8");
  texts.set(path, text);
  return text;
}

/** The package in the name of a module: `@scope/name` in `@scope/name/part`. */
function packageIn(name: string): string {
  return name.split("/", name.startsWith("@") ? 2 : 1).join("/");
}

/** The version of an installed package; "" if it cannot be found. */
function packageVersionOf(name: string): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const version = versionIn(join(folder, "node_modules", name, "package.json"));
    if (version !== null) return version;
    if (folder === dirname(folder)) return "";
  }
}

function versionIn(path: string): string | null {
  if (!existsSync(path)) return null;
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}
