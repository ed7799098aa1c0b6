import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { codeIdentity, packageFolder, reachedFrom } from "../../../pipeline/code-identity.ts";
import { dataset } from "../../../stages/index.ts";
import { useFolder } from "../../helpers/folder.ts";

const at = useFolder();

/** Writes modules into a folder; returns the path of the first. */
function modules(folder: string, texts: Record<string, string>): string {
  for (const [name, text] of Object.entries(texts)) {
    mkdirSync(dirname(at(folder, name)), { recursive: true });
    writeFileSync(at(folder, name), text);
  }
  return at(folder, Object.keys(texts)[0] ?? "");
}

describe("what a module reaches", () => {
  test("is what it imports, statically, dynamically and by export, and what that imports", () => {
    const entry = modules("a", {
      "stage.js":
        'import { one } from "./one.js";\nexport { two } from "./deep/two.js";\nawait import("./three.js");\n',
      "one.js": 'import { z } from "zod";\nimport fs from "node:fs";\nimport "@scope/name/part";\n',
      "deep/two.js": 'import {\n  four,\n} from "../four.js";\n',
      "three.js": "",
      "four.js": 'import "./stage.js";\n',
      "other.js": "",
    });
    expect(reachedFrom([entry])).toEqual({
      modules: ["deep/two.js", "four.js", "one.js", "stage.js", "three.js"].map((name) => at("a", name)),
      packages: ["@scope/name", "zod"],
    });
  });
});

describe("the identity of a stage's code", () => {
  const texts = { "stage.js": 'import "./used.js";\n', "used.js": "export const a = 1;\n", "later.js": "" };

  /** As a process sees it that starts now: within one, what was read once is not read again. */
  async function identity(changed: Record<string, string> = {}): Promise<string> {
    vi.resetModules();
    const fresh = await import("../../../pipeline/code-identity.ts");
    return fresh.codeIdentity(modules("a", { ...texts, ...changed }));
  }

  test("is changed by what it reaches, and by nothing else", async () => {
    const own = await identity();
    expect(await identity({ "later.js": "// a comment\n" })).toBe(own);
    expect(await identity({ "used.js": "export const a = 2;\n" })).not.toBe(own);
    expect(await identity({ "stage.js": "// a comment\nimport './used.js';\n" })).not.toBe(own);
  });

  test("of a stage of the dataset does not depend on what only later stages read", () => {
    const reached = (name: string) => {
      const { module } = dataset.stages.find((stage) => stage.name === name) ?? {};
      return reachedFrom([new URL(module ?? "").pathname]).modules.map((path) =>
        path.slice(packageFolder().length + 1),
      );
    };
    const card = join("stages", "describe", "card.ts");
    expect(reached("describe")).toContain(card);
    for (const name of ["download", "prepare", "dedup", "split", "intents", "flip", "render"])
      expect(reached(name), name).not.toContain(card);
    expect(
      reached("prepare").filter((path) => /^stages\/(dedup|split|intents|flip|render|describe)\//.test(path)),
    ).toEqual([]);
  });

  test("is there for every stage, and differs between them", () => {
    const identities = dataset.stages.map(({ module }) => codeIdentity(module));
    expect(new Set(identities).size).toBe(dataset.stages.length);
    for (const each of identities) expect(each).toMatch(/^[0-9a-f]{12}$/);
  });
});
