import { defineConfig } from "vitest/config";

/** What every test begins with. */
const setupFiles = ["tests/helpers/seed.ts"];

export default defineConfig({
  test: {
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // Whole runs: two at a time keep two cores busy.
    maxWorkers: 2,
    projects: [
      // They share what they have loaded, which takes as long as they do.
      { extends: true, test: { name: "unit", include: ["tests/unit/**/*.test.ts"], isolate: false, setupFiles } },
      {
        extends: true,
        test: {
          name: "runs",
          include: ["tests/*.test.ts", "tests/{runs,data}/**/*.test.ts"],
          setupFiles,
          // The command line is tested as it is shipped, loaded as Node loads it, so that it finds its own worker threads.
          server: { deps: { external: [/\/dist\//] } },
        },
      },
    ],
  },
});
