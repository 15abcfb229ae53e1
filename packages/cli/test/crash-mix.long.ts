import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock, uuidv7 } from '@ojs-ts/core';
import { Worker } from '@ojs-ts/sdk';
import { expect, test } from 'vitest';
import { persist } from './support/persistent.ts';
import { freePort, serve } from './support/processes.ts';

const kills = 10;
const chains = 300;
const batches = 150;
const uniqueKeys = 40;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const clock = systemClock();
const step = (type: string, args: readonly unknown[] = []) => ({
  type,
  args,
  options: { queue: 'mix', retry: { max_attempts: 20 } },
});

test('workflows, unique jobs and a cron end exactly once across ten kills of the server', {
  timeout: 300_000,
}, async () => {
  const home = mkdtempSync(join(tmpdir(), 'ojs-mix-'));
  const file = join(home, 'jobs.db');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let server = await serve(file, port);
  const runs = new Map<string, string[]>();
  const holders = new Map<string, number>();
  const both: string[] = [];
  const workers = Array.from(
    { length: 3 },
    () => new Worker(url, { queues: ['mix'], concurrency: 10, handleSignals: false, logger: silent }),
  );
  for (const worker of workers) {
    for (const type of ['step.a', 'step.b', 'step.c', 'member.job', 'call.back', 'cron.run'])
      worker.register(type, async (ctx) => {
        const { workflow_id: workflow } = ctx.job.raw as { workflow_id?: string };
        const key = workflow ?? type;
        runs.set(key, [...(runs.get(key) ?? []), `${type} ${ctx.jobId}`]);
        await pause(Math.random() * 5);
        return { type };
      });
    worker.register('unique.job', async (ctx) => {
      const key = String(ctx.args[0]);
      const held = (holders.get(key) ?? 0) + 1;
      holders.set(key, held);
      if (held > 1) both.push(key);
      await pause(Math.random() * 5);
      holders.set(key, held - 1);
    });
  }
  const running = workers.map((worker) => worker.start());
  const finished = { count: 0 };
  const killing = (async () => {
    for (let kill = 1; kill <= kills; kill++) {
      while (finished.count < ((chains + batches) * kill) / (kills + 1)) await pause(10);
      await server.end('SIGKILL');
      await pause(100 + Math.random() * 1_000);
      server = await serve(file, port);
    }
  })();

  await persist(url, 'POST', '/ojs/v1/cron', {
    name: 'tick',
    cron: '@every 1s',
    overlap_policy: 'allow',
    type: 'cron.run',
    options: { queue: 'mix' },
  });
  const created: { readonly id: string; readonly kind: 'chain' | 'batch' }[] = [];
  const create = async (kind: 'chain' | 'batch') => {
    const id = uuidv7(clock);
    const body =
      kind === 'chain'
        ? { id, type: 'chain', steps: [step('step.a'), step('step.b'), step('step.c')] }
        : {
            id,
            type: 'batch',
            jobs: Array.from({ length: 5 }, () => step('member.job')),
            callbacks: { on_complete: step('call.back') },
          };
    expect((await persist(url, 'POST', '/ojs/v1/workflows', body)).status).toBe(201);
    created.push({ id, kind });
    for (;;) {
      const { body: answer } = await persist(url, 'GET', `/ojs/v1/workflows/${id}`);
      if (answer.state !== 'running') return answer.state;
      await pause(20);
    }
  };
  const states: unknown[] = [];
  let next = 0;
  const creator = async () => {
    while (next < chains + batches) {
      const number = next++;
      states.push(await create(number % 3 === 2 ? 'batch' : 'chain'));
      finished.count++;
    }
  };
  // Callers that push under few keys, all the time that the rest runs.
  let unique = { created: 0, duplicates: 0 };
  let stop = false;
  const pusher = async (number: number) => {
    while (!stop) {
      const job = {
        id: uuidv7(clock),
        type: 'unique.job',
        args: [`key-${number % uniqueKeys}`],
        options: { queue: 'mix', unique: { keys: ['type', 'args'] } },
      };
      const { status, body } = await persist(url, 'POST', '/ojs/v1/jobs', job);
      const own =
        (body.error as { details?: { existing_job_id?: string } } | undefined)?.details?.existing_job_id === job.id;
      unique =
        status === 201 || own
          ? { ...unique, created: unique.created + 1 }
          : { ...unique, duplicates: unique.duplicates + 1 };
      await pause(5);
    }
  };
  const pushers = Array.from({ length: 8 }, (_, number) => pusher(number));
  await Promise.all(Array.from({ length: 8 }, creator));
  stop = true;
  await Promise.all(pushers);
  await killing;
  await persist(url, 'DELETE', '/ojs/v1/cron/tick');
  for (;;) {
    const { body } = await persist(url, 'GET', '/ojs/v1/queues/mix/stats');
    if (body.available === 0 && body.active === 0 && body.retryable === 0) break;
    await pause(50);
  }

  expect(states.filter((state) => state !== 'completed')).toEqual([]);
  for (const { id, kind } of created) {
    const seen = new Set(runs.get(id));
    const types = [...seen].map((run) => run.split(' ')[0]);
    // Distinct jobs: a job may run twice where its server died before the ack, but no step is made twice.
    if (kind === 'chain') expect(types).toEqual(['step.a', 'step.b', 'step.c']);
    else expect(types.sort()).toEqual(['call.back', ...Array.from({ length: 5 }, () => 'member.job')]);
  }
  expect(both).toEqual([]);
  expect(unique.duplicates).toBeGreaterThan(0);
  const ticks = new Set(runs.get('cron.run')).size;
  console.log(
    `${created.length} workflows, ${unique.created} unique jobs created and ${unique.duplicates} refused, ${ticks} runs of the cron`,
  );
  expect(ticks).toBeGreaterThan(0);
  await Promise.all(workers.map((worker) => worker.stop()));
  await Promise.all(running);
  await server.end();
  rmSync(home, { recursive: true, force: true });
});
