import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Where a CI run wants its results as JSON, beside the lines for people. */
const report = process.env.OJS_TEST_REPORT;
const exclude = ['**/node_modules/**'];
const long = '{packages/*,conformance,bench,chaos,examples,scripts}/test/**/*.long.ts';
/**
 * They load modules anew (`vi.resetModules`). In a worker that keeps its modules, `vi.stubEnv` has no effect in the
 * files after them.
 */
const fresh = ['packages/sdk/test/platform/environment-names.test.ts', 'packages/sdk/test/client/mistakes.test.ts'];
/**
 * They kill and stop servers and measure how long others stand still, or hold a load to its limit: beside others they
 * would measure those.
 */
const timed = [
  'packages/cli/test/{black-hole,clocks,crash,limits,nodes,store-away,store-crash}.long.ts',
  'packages/cli/test/failover/*.long.ts',
  'chaos/test/chaos.long.ts',
];

/** The longest files, longest first. Begun last, the run would end with one of them alone. */
const first = [
  'conformance/test/suites.test.ts',
  'packages/cli/test/commands/operation.test.ts',
  'packages/cli/test/commands/jobs.test.ts',
  'packages/simulation/test/simulation.test.ts',
  'packages/server/test/http/hostile.test.ts',
  'bench/test/scale.test.ts',
  'packages/sdk/test/client/network.test.ts',
  'packages/dashboard/test/every-page.test.ts',
  'packages/dashboard/test/life.test.ts',
  'packages/cli/test/dev.test.ts',
  'packages/server/test/storage/redis/shards/suite.test.ts',
  'packages/server/test/storage/postgres.test.ts',
  'packages/server/test/storage/faults.test.ts',
  'packages/server/test/storage/dump.test.ts',
  'packages/simulation/test/simulation.long.ts',
  'bench/test/peers.long.ts',
  'packages/server/test/engine/workflows/model.long.ts',
  'scripts/test/setup.long.ts',
  'conformance/test/mutations.long.ts',
  'packages/cli/test/clock-jump.long.ts',
  'packages/server/test/storage/dump.long.ts',
  'packages/server/test/storage/versions.long.ts',
  'packages/core/test/cron/oracle.long.ts',
  'packages/server/test/storage/faults.long.ts',
  'packages/server/test/storage/model.long.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification) => {
      const place = first.findIndex((name) => moduleId.endsWith(`/${name}`));
      return place === -1 ? first.length : place;
    };
    return (await super.sort(files)).toSorted((one, other) => placeOf(one) - placeOf(other));
  }
}

export default defineConfig({
  test: {
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    globalSetup: './packages/server/test/support/servers.ts',
    coverage: { include: ['packages/*/src/**'], reporter: ['text-summary', 'html'] },
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{packages/*,conformance,bench,chaos,examples}/test/**/*.test.ts'],
          exclude: [...exclude, ...fresh],
          maxConcurrency: 8,
          // Three on two cores, because tests wait for servers. A worker keeps the modules that it has: evaluating them
          // again for each file took a fifth of the processor time.
          maxWorkers: 3,
          isolate: false,
          // For a machine that is ten times as slow as usual.
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // How long to wait for what is to come at once: a busy machine takes its time.
          expect: { poll: { timeout: 60_000 } },
        },
      },
      {
        test: {
          name: 'unit, fresh modules',
          include: fresh,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'long',
          include: [long],
          exclude: [...exclude, ...timed],
          // Four mutants at once, and one server without a mutation.
          maxConcurrency: 5,
          maxWorkers: 2,
          testTimeout: 1_800_000,
          hookTimeout: 900_000,
          expect: { poll: { timeout: 60_000 } },
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'long, one at a time',
          include: timed,
          exclude,
          fileParallelism: false,
          testTimeout: 1_800_000,
          hookTimeout: 900_000,
          expect: { poll: { timeout: 60_000 } },
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'acceptance',
          include: ['{packages/*,conformance,bench,chaos,examples,scripts}/test/**/*.acceptance.ts'],
          exclude,
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 1_800_000,
          hookTimeout: 900_000,
          expect: { poll: { timeout: 60_000 } },
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
