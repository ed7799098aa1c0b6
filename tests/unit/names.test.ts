import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { codeIdentity, packageFolder, reachedFrom } from "../../pipeline/code-identity.ts";
import { chains } from "../../stages/index.ts";

const root = packageFolder();
const FLOORS = ["schemas", "pipeline", "stages", "scripts"];

function modules(): string[] {
  return FLOORS.flatMap((floor) =>
    readdirSync(join(root, floor), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts"))
      .map((path) => join(floor, path)),
  );
}

/** Names that stand for a type where they are exported; a schema and its type are one thing. */
function typesIn(path: string): string[] {
  const text = readFileSync(join(root, path), "utf8");
  const found = [...text.matchAll(/^export (?:declare )?(?:abstract )?(?:type|interface|class|enum) (\w+)/gm)];
  return [...new Set(found.map(([, name]) => name ?? ""))];
}

test("no two exported types share a name", () => {
  const places = new Map<string, string[]>();
  for (const path of modules()) for (const name of typesIn(path)) places.set(name, [...(places.get(name) ?? []), path]);
  expect(places.size).toBeGreaterThan(100);
  expect([...places].filter(([, paths]) => paths.length > 1)).toEqual([]);
});

describe("a stage", () => {
  const stages = Object.values(chains).flatMap((chain) => chain.stages);
  const folderOf = (path: string) => /stages[\\/]([\w-]+)[\\/]/.exec(path)?.[1];

  test.each(stages.map(({ name, module }) => [name, new URL(module).pathname] as const))(
    "imports of other stages only what they declare: %s",
    (_, module) => {
      const own = folderOf(module);
      const shared = ["sources", "forms", "metrics", own];
      const others = reachedFrom([module]).modules.filter((path) => {
        const folder = folderOf(path);
        return folder !== undefined && !shared.includes(folder) && !/[\\/](artefacts|options)\.ts$/.test(path);
      });
      // What the options and artefacts of another stage import themselves comes with them.
      const declared = new Set(
        reachedFrom(
          stages.flatMap((stage) => {
            const folder = join(new URL(stage.module).pathname, "..");
            return ["artefacts.ts", "options.ts"].map((name) => join(folder, name)).filter((path) => isThere(path));
          }),
        ).modules,
      );
      expect(others.filter((path) => !declared.has(path))).toEqual([]);
      expect(codeIdentity(module)).toMatch(/^[0-9a-f]{12}$/);
    },
  );
});

function isThere(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}
