import { mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Admin, Client } from '@ojs-ts/sdk';
import { expect, test } from 'vitest';
import { silent } from '../../packages/cli/test/support/load.ts';
import { freePort, serveOn } from '../../packages/cli/test/support/processes.ts';
import { persist } from '../failures/persistent.ts';
import { canFakeTime, clockOff } from './faked-time.ts';

const day = 86_400;

test.skipIf(!(await canFakeTime()))(
  'a server on SQLite whose clock jumps a day ahead and back: no delayed job is early, no cron silent for a day',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ojs-jump-'));
    const file = join(folder, 'clock');
    const jump = (seconds: number) => {
      writeFileSync(`${file}.next`, `+${seconds}s`);
      // At once: libfaketime ends a process that reads an empty file.
      renameSync(`${file}.next`, file);
    };
    jump(0);
    const { LD_PRELOAD = '' } = clockOff(0);
    await using ending = new AsyncDisposableStack();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    ending.use(
      await serveOn(`sqlite:${join(folder, 'jobs.db')}`, port, {
        LD_PRELOAD,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      }),
    );
    const client = ending.use(new Client(url, { logger: silent }));
    const wall = async () => Date.parse((await fetch(`${url}/ojs/v1/health`)).headers.get('date') ?? '') - Date.now();
    const { id } = await client.enqueue('clock.job', [], { delay: '12h' });
    const state = async () => (await client.getJob(id)).state;
    const template = { overlap_policy: 'allow', type: 'clock.tick', options: { queue: 'clock' } };
    await persist(url, 'POST', '/ojs/v1/cron', { name: 'tick', cron: '@every 1s', ...template });
    const admin = ending.use(new Admin(url, { logger: silent }));
    const runs = async () => (await admin.listJobs({ queue: 'clock', limit: 1_000 })).items.length;

    jump(day);
    await pause(10_000);
    expect(await wall()).toBeGreaterThan((day - 60) * 1_000);
    expect(await state()).toBe('scheduled');
    jump(0);
    const before = await runs();
    await pause(5_000);
    expect(await runs()).toBeGreaterThan(before);

    // This time the server follows, and follows the way back too.
    jump(day);
    await expect.poll(state, { timeout: 75_000 }).toBe('available');
    jump(0);
    const wrong = await runs();
    await expect.poll(runs, { timeout: 75_000 }).toBeGreaterThan(wrong + 2);
    expect(Math.abs(await wall())).toBeLessThan(5_000);
  },
);
