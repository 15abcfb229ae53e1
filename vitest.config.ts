import { defineConfig } from 'vitest/config';

/** Where a CI run wants its results as JSON, beside the lines for people. */
const report = process.env.OJS_TEST_REPORT;
const exclude = ['**/node_modules/**'];

export default defineConfig({
  test: {
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    globalSetup: './packages/server/test/support/servers.ts',
    coverage: { include: ['packages/*/src/**'], reporter: ['text-summary', 'html'] },
    projects: [
      {
        test: {
          name: 'unit',
          maxConcurrency: 8,
          include: ['{packages/*,conformance,bench,examples}/test/**/*.test.ts'],
          exclude,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'long',
          include: ['{packages/*,conformance,bench,examples}/test/**/*.long.ts'],
          exclude,
          testTimeout: 900_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
