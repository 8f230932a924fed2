import { defineConfig } from 'vitest/config';

/** Unit tests stand beside their source; integration tests start labs and move real PODs, so they run one after another. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['app/**/*.test.ts', 'main/**/*.test.ts', 'helper/**/*.test.ts', 'assets/**/*.test.ts', 'test/architecture/**/*.test.ts', 'test/demo/**/*.test.ts', 'test/bench/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/lab/**/*.test.ts', 'test/integration/**/*.test.ts', 'test/app/**/*.test.ts', 'test/e2e/**/*.test.ts', 'test/fault/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 900_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
