import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { State } from '@ojs-ts/core/job';
import { expect, test } from 'vitest';
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite.ts';
import { countErrors, idOf, newJob, queue, t0 } from '../suite/tools.ts';
import { temporaryDirectory } from './temporary.ts';

const child = fileURLToPath(new URL('./races.child.ts', import.meta.url));

interface Racer {
  readonly ready: Promise<unknown>;
  readonly start: () => void;
  readonly ids: Promise<readonly string[]>;
}

function racer(path: string, worker: string): Racer {
  const made = spawn(process.execPath, [child, path, worker], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const output = createInterface(made.stdout);
  output.on('line', (line) => lines.push(line));
  return {
    ready: once(output, 'line'),
    start: () => made.stdin.end('go\n'),
    ids: once(made, 'close').then(([code]) => {
      expect(code).toBe(0);
      return JSON.parse(lines[1] ?? 'null');
    }),
  };
}

test('two processes on one file claim 2,000 jobs: each job once, counts and event log agree (ojs-core §6.5.2)', async () => {
  const path = join(temporaryDirectory(), 'jobs.db');
  await using storage = sqliteStorage({ path, synchronous: 'OFF' });
  await storage.migrate();
  const jobs = Array.from({ length: 2000 }, (_, number) => newJob(number));
  await storage.jobs.insert([jobs], t0);
  const racers = [racer(path, 'one'), racer(path, 'two')];
  await Promise.all(racers.map(({ ready }) => ready));
  for (const { start } of racers) start();
  const got = await Promise.all(racers.map(({ ids }) => ids));
  const all = got.flat();
  expect(all).toHaveLength(2000);
  expect(new Set(all)).toEqual(new Set(jobs.map(({ id }) => id)));
  for (const ids of got) expect(ids.length, 'both took part').toBeGreaterThan(0);
  expect((await queue(storage))?.counts).toEqual({ [State.completed]: 2000 });
  expect(await countErrors(storage)).toEqual([]);
  const [first] = await storage.jobs.get([idOf(0)]);
  expect(first).toMatchObject({ attempt: 1, claim: 1 });
  const { batches, newest } = await storage.events(0, 1_000_000);
  // 2,000 enqueued, 2,000 started, 2,000 whose state changed.
  expect(newest).toBe(6000);
  let next = 1;
  for (const { position, count } of batches) {
    expect(position).toBe(next);
    next = position + count;
  }
});
