import { expect, test } from 'vitest';
import { run } from '../src/run.ts';

const minutes = 1;

test.concurrent.each(['sqlite', 'postgres', 'redis'] as const)(
  `servers, workers, clients, networks and the store fail for a minute, %s: no promise is broken`,
  { timeout: 600_000 },
  async (storage) => {
    const { verdict, faults, file } = await run({ storage, minutes, seed: 1, rate: 60 });
    const done = Object.entries(faults).filter(([, count]) => count > 0);
    console.log(`${storage}: ${verdict.jobs} jobs, ${done.map(([name, count]) => `${name} ${count}`).join(', ')}`);
    expect(verdict.violations, `the history is ${file}`).toEqual([]);
    expect(verdict.jobs).toBeGreaterThan(500);
    expect(done.length).toBeGreaterThan(4);
    for (const rule of [
      'loss',
      'stuck',
      'lease',
      'fence',
      'result',
      'unique',
      'limit',
      'attempts',
      'workflow',
    ] as const)
      expect(verdict.judged[rule], rule).toBeGreaterThan(50);
  },
);
