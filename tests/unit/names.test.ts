import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { packageFolder, reachedFrom } from "../../pipeline/code-identity.ts";
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

/** What several stages share: no stage themselves. */
const SHARED = ["sources", "forms", "metrics"];
/** What looks at finished stages from outside, and so at their insides. */
const READERS = ["audit", "explain", "inspect", "publish", "report"];

/** What a file of a stage imports of other stages beyond what they declare. */
function reachesInto(path: string): string[] {
  const [, own] = path.split(sep);
  const imports = readFileSync(join(root, path), "utf8").matchAll(/from "(\.[^"]+)"|import\("(\.[^"]+)"\)/g);
  return [...imports]
    .map(([, static_, dynamic]) => join(dirname(path), static_ ?? dynamic ?? ""))
    .filter((each) => {
      const [floor, folder = "", ...rest] = each.split(sep);
      if (floor !== "stages" || rest.length === 0 || folder === own || SHARED.includes(folder)) return false;
      return !["artefacts.ts", "options.ts"].includes(rest.join(sep));
    });
}

test("a stage imports of other stages only what they declare", () => {
  const files = modules().filter((path) => path.split(sep).length > 2 && path.startsWith(`stages${sep}`));
  const ofStages = files.filter((path) => !READERS.includes(path.split(sep)[1] ?? ""));
  expect(ofStages.length).toBeGreaterThan(100);
  const found = ofStages.map((path) => [path, reachesInto(path)] as const);
  expect(found.filter(([, reached]) => reached.length > 0)).toEqual([]);
  expect(files.flatMap(reachesInto).length).toBeGreaterThan(3); // the readers do
});

test("what looks at finished stages is needed by none of them", () => {
  const stages = Object.values(chains).flatMap((chain) => chain.stages);
  const reached = reachedFrom(stages.map(({ module }) => fileURLToPath(module))).modules;
  expect(reached.filter((path) => READERS.some((each) => path.includes(`${sep}stages${sep}${each}${sep}`)))).toEqual(
    [],
  );
});
