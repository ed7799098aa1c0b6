import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["tests/trainers/*.check.ts"], testTimeout: 3_600_000, hookTimeout: 3_600_000, maxWorkers: 1 },
});
