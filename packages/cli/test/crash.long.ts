import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Admin, Client, Worker } from '@ojs-ts/sdk';
import { afterAll, describe, expect, test } from 'vitest';
import { Child, freePort, serve } from './support/processes.ts';

const jobs = 5_000;
const kills = 10;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

const home = mkdtempSync(join(tmpdir(), 'ojs-crash-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/**
 * Enqueues `jobs` jobs from 16 callers; what was acknowledged, and when. A producer that gave up on a call (its outcome
 * unknown) goes on with the next.
 */
async function produce(client: Client): Promise<Map<string, number>> {
  const acknowledged = new Map<string, number>();
  let next = 0;
  const caller = async () => {
    while (next < jobs) {
      const number = next++;
      const { id } = await client.enqueue('crash.job', [number], { queue: 'crash', retry: { maxAttempts: 20 } });
      acknowledged.set(id, performance.now());
      await pause(5);
    }
  };
  await Promise.all(Array.from({ length: 16 }, caller));
  return acknowledged;
}

/**
 * Kills the server with SIGKILL whenever another share of the work is done, and starts it again within 5 s. Answers
 * when it was down.
 */
async function killServer(file: string, port: number, first: Child, done: () => number) {
  let server = first;
  const down: (readonly [from: number, to: number])[] = [];
  for (let kill = 1; kill <= kills; kill++) {
    while (done() < (jobs * kill) / (kills + 1)) await pause(10);
    const from = performance.now();
    await server.end('SIGKILL');
    await pause(100 + Math.random() * 2_900);
    server = await serve(file, port);
    down.push([from, performance.now()]);
  }
  return { server, down };
}

async function completed(client: Client): Promise<number> {
  return (await client.queueStats('crash')).completed;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(100);
}

/** When the server received the next heartbeat of a worker after this time. */
async function nextHeartbeat(admin: Admin, after: number): Promise<number> {
  for (;;) {
    const { items } = await admin.listWorkers();
    const last = Math.max(...items.map(({ lastHeartbeatAt }) => Number(lastHeartbeatAt)));
    if (last > after) return last;
    await pause(100);
  }
}

describe('SIGKILL in the middle of 5,000 jobs, at default timeouts', () => {
  test('ten kills of the server lose no job and run none twice, and no client waits over 15 s', async () => {
    const file = join(home, 'jobs.db');
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const first = await serve(file, port);
    await using client = new Client(url, {
      timeout: '60s',
      requestRetry: { maxRetries: 200, maxBackoff: 500 },
      logger: silent,
    });
    const runs = new Map<string, number[]>();
    const workers = Array.from(
      { length: 3 },
      () => new Worker(url, { queues: ['crash'], concurrency: 10, handleSignals: false, logger: silent }),
    );
    for (const worker of workers) {
      worker.register('crash.job', async (ctx) => {
        runs.set(ctx.jobId, [...(runs.get(ctx.jobId) ?? []), performance.now()]);
        await pause(2 + Math.random() * 10);
        return { number: ctx.args[0] };
      });
    }
    const running = workers.map((worker) => worker.start());
    const killing = killServer(file, port, first, () => runs.size);
    const acknowledged = await produce(client);
    const { server, down } = await killing;
    await using last = server;
    await until(async () => (await completed(client)) >= acknowledged.size);

    expect(down).toHaveLength(kills);
    expect(acknowledged.size).toBe(jobs);
    expect([...acknowledged.keys()].filter((id) => !runs.has(id))).toEqual([]);
    expect([...runs].filter(([, starts]) => starts.length > 1)).toEqual([]);
    const waits = [...acknowledged].map(([id, at]) => {
      const started = runs.get(id)?.[0] ?? Number.POSITIVE_INFINITY;
      const outage = down.reduce((sum, [from, to]) => sum + Math.max(0, Math.min(to, started) - Math.max(from, at)), 0);
      return started - at - outage;
    });
    console.log(`longest wait for a start: ${Math.round(Math.max(...waits))} ms beside the outages`);
    expect(Math.max(...waits)).toBeLessThan(15_000);
    await Promise.all(workers.map((worker) => worker.stop()));
    await Promise.all(running);
    expect(last.running).toBe(true);
  });
});

// Both wait for the end of a lease.
describe.concurrent('the fence, at default settings', () => {
  test('a worker stopped past its lease loses the job; the second attempt stands', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    await using _server = await serve(join(home, 'fence.db'), port);
    await using client = new Client(url, { logger: silent });
    const log = join(home, 'fence.log');
    await using stopped = new Child('packages/cli/test/support/worker.child.ts', [url, log, '15000']);
    await stopped.line(/ready/);
    const job = await client.enqueue('crash.job', [], { queue: 'crash', retry: { maxAttempts: 5 } });
    await until(async () => readFileSync(log, { encoding: 'utf8', flag: 'a+' }).includes('start'));
    stopped.signal('SIGSTOP');
    const at = performance.now();
    await using other = new Child('packages/cli/test/support/worker.child.ts', [url, log, '2000']);
    await until(async () => readFileSync(log, 'utf8').includes(`start ${job.id} 2`));
    const took = performance.now() - at;
    // While the second attempt runs, nothing but the fence can tell the first one's ack from its own.
    // Not the lease either, which nobody but the second worker has.
    const stale = await fetch(`${url}/ojs/v1/workers/ack`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ job_id: job.id, x_lease: 'c1.AAAAAAAAAAA', result: { stale: true } }),
    });
    expect(stale.status).toBe(409);
    stopped.signal('SIGCONT');
    await stopped.line(new RegExp(`aborted ${job.id}`));
    await until(async () => (await client.getJob(job.id)).state === 'completed');
    const after = await client.getJob(job.id);
    expect(after.result).toEqual({ attempt: 2, pid: other.process.pid });
    console.log(`taken over after ${Math.round(took)} ms`);
    expect(took).toBeLessThan(35_000);
  });

  test('the jobs of a killed worker run elsewhere within 35 s, and none is charged for a death beside others', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    await using _server = await serve(join(home, 'killed.db'), port);
    await using client = new Client(url, { logger: silent });
    const log = join(home, 'killed.log');
    await using victim = new Child('packages/cli/test/support/worker.child.ts', [url, log, '60000']);
    await victim.line(/ready/);
    const handles = await client.enqueueBatch(
      Array.from({ length: 5 }, () => ({ type: 'crash.job', args: [], queue: 'crash', retry: { maxAttempts: 5 } })),
    );
    await until(async () => readFileSync(log, { encoding: 'utf8', flag: 'a+' }).split('start').length > 5);
    // A heartbeat that was on its way before the jobs started does not list them: their leases would end before the
    // worker is dead. At most two are on their way, the first of the worker and the first of its thread, so the third one
    // to arrive lists them.
    await using admin = new Admin(url, { logger: silent });
    let last = Date.now();
    for (let heartbeat = 1; heartbeat <= 3; heartbeat++) last = await nextHeartbeat(admin, last);
    await victim.end('SIGKILL');
    const at = performance.now();
    await using _other = new Child('packages/cli/test/support/worker.child.ts', [url, log, '10']);
    await until(async () => (await completed(client)) === 5);
    const took = performance.now() - at;
    for (const { id } of handles) {
      const job = await client.getJob(id);
      expect(job.errors).toEqual([]);
      expect(job.attempt).toBe(1);
    }
    console.log(`run elsewhere after ${Math.round(took)} ms`);
    expect(took).toBeLessThan(35_000);
  });
});
