import { defineConfig } from "vitest/config";

export default defineConfig({
  // Whole runs in processes of their own: two at a time keep two cores busy.
  test: {
    include: ["tests/**/*.test.ts"],
    setupFiles: ["tests/helpers/seed.ts"],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    maxWorkers: 2,
  },
});
