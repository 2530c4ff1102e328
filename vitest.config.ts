import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "web/src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "test/programs/*/**"],
    // Tests of real servers and namespaces start processes; the machine's few processors are theirs.
    testTimeout: 20_000,
    hookTimeout: 120_000,
    // What is awaited comes when a busy machine gets to it; a second is no promise.
    expect: { poll: { timeout: 10_000 } },
    reporters: ["default"],
  },
});
