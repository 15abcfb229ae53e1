import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../src/arguments.ts';
import { readOptions } from '../src/options.ts';
import { Calls } from '../src/scenarios/checks.ts';
import { median, percentile } from '../src/statistics.ts';
import { freshStore } from '../src/store.ts';
import { labelOf } from '../src/task.ts';
import { busyMs, report } from './report.ts';

const run = promisify(execFile);
const entry = fileURLToPath(new URL('../src/main.ts', import.meta.url));

interface Report {
  readonly durability: string;
  readonly series: readonly {
    readonly scenario: string;
    readonly who: string;
    readonly figures: readonly Readonly<Record<string, unknown>>[];
  }[];
}

function bench(...args: string[]): Promise<Report> {
  return report('main.ts', '--storage', 'memory:', '--runs', '1', ...args);
}

describe('each scenario runs to its end, on the engine in process and over HTTP', () => {
  test(
    'throughput',
    async () => {
      const { series, durability } = await bench('--jobs', '150', '--scenario', 'enqueue,batch,drain');
      expect(series.map(({ scenario, who }) => `${scenario} ${who}`)).toEqual(
        ['enqueue', 'batch', 'drain-10', 'drain-100'].flatMap((scenario) => [
          `${scenario} embedded`,
          `${scenario} http`,
        ]),
      );
      for (const { who, figures } of series) {
        expect(figures).toMatchObject([{ kind: 'rate', jobsPerSecond: expect.any(Number), durability }]);
        const isCounted = who === 'http' && process.platform === 'linux';
        expect(figures[0]?.cpu).toEqual({ own: expect.any(Number), ...(isCounted && { server: expect.any(Number) }) });
      }
      expect(durability).toMatch(/^none/);
    },
    busyMs,
  );

  test(
    'pickup',
    async () => {
      const { series } = await bench('--jobs', '20', '--scenario', 'pickup');
      for (const { figures } of series) {
        const [figure] = figures;
        expect(Number(figure?.p50)).toBeGreaterThan(0);
        expect(Number(figure?.p99)).toBeGreaterThanOrEqual(Number(figure?.p50));
        expect(Number(figure?.max)).toBeGreaterThanOrEqual(Number(figure?.p99));
      }
      expect(series.map(({ who }) => who)).toEqual(['embedded', 'http']);
    },
    busyMs,
  );
});

describe('what makes a figure wrong is an error', () => {
  test('a job whose handler was called twice', () => {
    const calls = new Calls(2);
    for (const n of [0, 1, 1]) calls.add(n);
    expect(calls.distinct).toBe(2);
    expect(() => calls.check()).toThrow('job 1 had 2 handler calls');
  });

  test('a worker that stops early', async () => {
    const calls = new Calls(2);
    calls.add(0);
    await expect(calls.done(Promise.resolve())).rejects.toThrow('stopped after 1 of 2 jobs');
  });

  test('a file that is somebody else’s', async () => {
    await expect(freshStore(`sqlite:${entry}`)).rejects.toThrow('is there already');
  });
});

test('sqlite: is a file of its own, synchronised, and gone afterwards', async () => {
  const store = await freshStore('sqlite:');
  expect(store.storage).toMatch(/^sqlite:.+jobs\.db$/);
  const folder = store.storage.slice('sqlite:'.length, -'/jobs.db'.length);
  await store[Symbol.asyncDispose]();
  await expect(run('ls', [folder])).rejects.toThrow();
});

test('options say what was expected', () => {
  expect(readOptions([])).toMatchObject({
    storage: 'sqlite:',
    modes: ['embedded', 'http'],
    jobs: 100_000,
    runs: 3,
    json: false,
  });
  expect(readOptions(['--scenario', 'drain,drain-7,pickup']).scenarios.map(labelOf)).toEqual([
    'drain-10',
    'drain-100',
    'drain-7',
    'pickup',
  ]);
  expect(readOptions(['--storage', 'postgres://localhost/db']).storage).toBe('postgres://localhost/db');
  expect(readOptions(['--scenario', 'drain-7-deleting']).scenarios).toEqual([
    { name: 'drain', concurrency: 7, deleting: true },
  ]);
  for (const args of [
    ['--storage', 'mysql:'],
    ['--storage', 'sqlite:/no/such/folder/jobs.db'],
    ['--storage', 'memory:jobs'],
    ['--mode', 'x'],
    ['--scenario', 'sleep'],
    ['--jobs', '0'],
    ['--runs', '1.5'],
    ['--nothing'],
  ]) {
    expect(() => readOptions(args)).toThrow(UsageError);
  }
});

test('medians and nearest-rank percentiles', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([percentile(hundred, 0.5), percentile(hundred, 0.99), percentile(hundred, 1)]).toEqual([50, 99, 100]);
});
