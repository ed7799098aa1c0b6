import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach } from "vitest";

/** Gives every test of a file an empty folder of its own; the function joins a name to it. */
export function useFolder(): (...names: string[]) => string {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "flipturn-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  return (...names) => join(folder, ...names);
}

/** A folder of its own for a test file, removed when the file is done. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "flipturn-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
