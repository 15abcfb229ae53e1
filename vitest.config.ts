import { globSync, readFileSync } from 'node:fs';
import type { ProvidedContext } from 'vitest';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { alone } from './lab/alone.ts';

/** Where a CI run wants its results as JSON, beside the lines for people. */
const report = process.env.OJS_TEST_REPORT;
/** Where nobody watches, what passes is not named: the first lines are those of a failure. */
const shown = process.stdout.isTTY ? 'default' : 'minimal';
const exclude = ['**/node_modules/**'];
/** Properties draw the same values in every run on a commit, except those of the laboratory. */
const setupFiles = ['packages/core/test/support/draws.ts'];
const folders = '{packages/*,conformance,lab/*,examples,scripts}/test/**';
const long = `${folders}/*.long.ts`;
/** The laboratory: chaos, failovers, many seeds, planted bugs. `npm run lab` runs them, `.ci/run` does not. */
const lab = '{lab,conformance}/**/*.lab.ts';
/**
 * Loads modules anew (`vi.resetModules`). In a worker that keeps its modules, `vi.stubEnv` has no effect in the
 * files after it.
 */
const fresh = ['packages/sdk/test/platform/environment-names.test.ts'];
/** They kill and stop servers and measure how long others stand still: beside others they would measure those. */
const timed = ['packages/cli/test/{crash,store-crash}.long.ts', ...alone];

/**
 * Files of rules that every storage keeps because the storage suite passes on it: `npm test` runs them on SQLite,
 * `npm run test:long` on the others. The tests of the storages themselves run on all of them in `npm test`.
 */
const ruled = globSync('{packages/{server,sdk},conformance}/test/**/*.test.ts').filter(
  (file) => !file.includes('/test/storage/') && readFileSync(file, 'utf8').includes("/support/storages.ts'"),
);

/** Files of properties, which `npm test` checks a tenth as often as `npm run test:long`. */
const properties = globSync('packages/{core,sdk,server}/test/**/*.test.ts').filter(
  (file) => !ruled.includes(file) && /\/(property|runs|dump)\.ts'/.test(readFileSync(file, 'utf8')),
);

/** The longest files, longest first. Begun last, the run would end with one of them alone. */
const first = [
  'conformance/test/suites.test.ts',
  'packages/server/test/http/hostile.test.ts',
  'packages/server/test/storage/redis.test.ts',
  'packages/server/test/storage/sqlite.test.ts',
  'packages/cli/test/serve.test.ts',
  'packages/cli/test/commands/operation.test.ts',
  'packages/cli/test/commands/jobs.test.ts',
  'packages/sdk/test/client/network.test.ts',
  'packages/server/test/storage/postgres.test.ts',
  'packages/server/test/storage/faults.test.ts',
  'packages/server/test/storage/dump.test.ts',
  'lab/simulation/test/simulation.lab.ts',
  'lab/bench/test/peers.lab.ts',
  'lab/random/workflows.lab.ts',
  'packages/dashboard/test/every-page.long.ts',
  'packages/dashboard/test/life.long.ts',
  'packages/cli/test/dev.long.ts',
  'packages/server/test/storage/redis/shards/suite.long.ts',
  'lab/simulation/test/seeds.long.ts',
  'scripts/test/setup.long.ts',
  'lab/bugs/test/cases.lab.ts',
  'lab/clocks/clock-jump.lab.ts',
  'lab/random/dump.lab.ts',
  'lab/versions/versions.lab.ts',
  'lab/random/cron.lab.ts',
  'lab/random/faults.lab.ts',
  'lab/random/model.lab.ts',
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

interface Quick {
  readonly include: string[];
  readonly exclude?: readonly string[];
  readonly storages?: ProvidedContext['testStorages'];
}

/** Files of seconds, beside each other. */
function quick(name: string, { include, exclude: also = [], storages }: Quick, groupOrder: number) {
  return {
    test: {
      name,
      include,
      setupFiles,
      exclude: [...exclude, ...fresh, ...also],
      provide: { fewRuns: name.startsWith('unit'), ...(storages && { testStorages: storages }) },
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
      sequence: { groupOrder },
    },
  } satisfies TestProjectInlineConfiguration;
}

/** What takes minutes: files beside each other, then those that nothing may run beside. */
function later(name: string, include: string, groupOrder: number): TestProjectInlineConfiguration[] {
  const patience = { testTimeout: 1_800_000, hookTimeout: 900_000, expect: { poll: { timeout: 60_000 } } };
  return [
    {
      test: {
        name,
        include: [include],
        setupFiles: name === 'lab' ? [] : setupFiles,
        exclude: [...exclude, ...timed],
        maxConcurrency: 5,
        maxWorkers: 2,
        ...patience,
        sequence: { groupOrder },
      },
    },
    {
      test: {
        name: `${name}, one at a time`,
        include: timed.filter((file) => file.endsWith(`.${name}.ts`)),
        exclude,
        fileParallelism: false,
        ...patience,
        sequence: { groupOrder: groupOrder + 1 },
      },
    },
  ];
}

export default defineConfig({
  test: {
    // What a test printed is shown where it fails.
    reporters: report ? [shown, ['json', { outputFile: report }]] : [shown],
    silent: 'passed-only',
    globalSetup: './packages/server/test/support/servers.ts',
    coverage: { include: ['packages/*/src/**'], reporter: ['text-summary', 'html'] },
    sequence: { sequencer: LongestFirst },
    projects: [
      quick('unit', { include: ['{packages/*,conformance,examples}/test/**/*.test.ts'], exclude: ruled }, 0),
      quick('unit, one storage', { include: ruled, storages: ['sqlite'] }, 0),
      {
        test: {
          name: 'unit, fresh modules',
          include: fresh,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
      quick('long, other storages', { include: ruled, storages: ['memory', 'postgres', 'redis'] }, 2),
      quick('long, every run', { include: properties }, 2),
      quick('long, tests of the laboratory', { include: ['lab/*/test/**/*.test.ts'] }, 2),
      ...later('long', long, 3),
      ...later('lab', lab, 5),
      {
        test: {
          name: 'acceptance',
          include: ['lab/**/*.acceptance.ts'],
          exclude,
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 1_800_000,
          hookTimeout: 900_000,
          expect: { poll: { timeout: 60_000 } },
          sequence: { groupOrder: 7 },
        },
      },
    ],
  },
});
