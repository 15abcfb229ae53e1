import { expect, test } from 'vitest';
import type { RuleName } from '../../checker/src/index.ts';
import { run } from '../src/run.ts';

const minutes = 2;
/** Rules of which every run has plenty to judge. */
const rules: readonly RuleName[] = [
  'loss',
  'stuck',
  'lease',
  'fence',
  'result',
  'unique',
  'limit',
  'attempts',
  'order',
  'workflow',
  'cron',
  'events',
];

test.concurrent.each(['sqlite', 'postgres', 'redis'] as const)(
  `servers, workers, clients, networks and the store fail for ${minutes} minutes, %s: no promise is broken`,
  async (storage) => {
    const { verdict, operations, faults, file } = await run({ storage, minutes, seed: 1, rate: 60 });
    console.log(`${storage}: ${verdict.jobs} jobs, ${operations} operations, ${JSON.stringify(faults)}`);
    expect(verdict.violations, `the history is ${file}`).toEqual([]);
    expect(Object.entries(faults).filter(([, count]) => count === 0)).toEqual([]);
    expect(verdict.jobs).toBeGreaterThan(300);
    expect(rules.filter((rule) => verdict.judged[rule] < 50)).toEqual([]);
  },
);
