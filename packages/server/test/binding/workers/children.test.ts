import { uuidv7 } from '@ojs-ts/core';
import { describe, expect } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { call } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';
import { type Answer, type DurableServer, type DurableWorker, durableServer, type Fetched } from './durable.ts';

const waits = { waits: [{ name: 'kids', kind: 'child' }] };
const over = { name: 'kids', kind: 'child', state: 'expired', number: 2 };

/** A parent that has started `count` children in its step `kids`, and waits. */
async function parentOf(w: DurableWorker, count: number, more: object = {}) {
  await w.enqueue({ queue: 'parents' });
  const job = await w.take({ queues: ['parents'] });
  const workflow = uuidv7();
  const opened = await w.record(job, { name: 'kids', kind: 'child', state: 'open', number: 1, workflow });
  expect(opened.status).toBe(200);
  const started = await start(w, job, workflow, count, more);
  expect(started.status).toBe(201);
  return { job, workflow };
}

function start(w: DurableWorker, job: Fetched, id: string, count: number, more: object = {}) {
  const { id: job_id, x_lease } = job;
  const steps = Array.from({ length: count }, (_, at) => ({
    type: 'kid',
    args: [at],
    options: { retry: { max_attempts: 1 } },
  }));
  const parent = { job_id, x_lease, step: 'kids', ...more };
  return call<Answer & { x_parent?: object }>(w.url, '/workflows', { id, type: 'group', steps, parent });
}

async function next(w: DurableWorker): Promise<Fetched> {
  return w.take({ queues: ['parents'] });
}

async function tend({ bench }: DurableServer): Promise<void> {
  await bench.engine.children.tend();
}

describe.each(storages)('children of a step on $name', (storage) => {
  const it = testWith(() => durableServer(storage.url()));

  it('the end of all children wakes the parent with their counts', async ({ w }) => {
    const { job, workflow } = await parentOf(w, 3);
    const shown = await call<Answer>(w.url, `/workflows/${workflow}`);
    expect(shown.body.x_parent).toEqual({ job_id: job.id, step: 'kids' });
    await w.suspend(job, waits);
    expect((await w.job(job.id)).x_wait).toEqual([{ name: 'kids', kind: 'child', workflow }]);
    for (const kid of await w.fetch()) {
      expect((await w.job(job.id)).state).toBe('retryable');
      await w.end(kid, 'ack', { result: { kid: kid.id } });
    }
    const woken = await next(w);
    const value = { state: 'completed', total: 3, completed: 3, failed: 0, cancelled: 0 };
    expect(woken.x_steps?.rows).toMatchObject([{ name: 'kids', kind: 'child', workflow, arrived: true, value }]);
    expect((await w.record(woken, over)).steps).toMatchObject([{ state: 'done', value, recorded: true }]);
    const first = await call<{ results: Answer[]; next: number }>(w.url, `/workflows/${workflow}/results?limit=2`);
    expect(first.body.results).toMatchObject([{ index: 0, state: 'completed' }, { index: 1 }]);
    const rest = await call<{ results: Answer[]; next: number | null }>(
      w.url,
      `/workflows/${workflow}/results?after=${first.body.next}`,
    );
    expect([rest.body.results.length, rest.body.next]).toEqual([1, null]);
  });

  it('a single child gives its result or its error', async ({ w }) => {
    const good = await parentOf(w, 1);
    await w.suspend(good.job, waits);
    const [kid] = await w.fetch();
    if (kid) await w.end(kid, 'ack', { result: { n: 1.5 } });
    const woken = await next(w);
    expect((await w.record(woken, over)).steps).toMatchObject([{ value: { state: 'completed', result: { n: 1.5 } } }]);
    await w.end(woken);
    const bad = await parentOf(w, 1);
    const [failing] = await w.fetch();
    if (failing) await w.end(failing, 'nack', { error: { message: 'no', type: 'Bad' } });
    // It ended before the suspension.
    await w.suspend(bad.job, waits);
    const told = await next(w);
    expect((await w.record(told, over)).steps).toMatchObject([
      { value: { state: 'failed', failed: 1, error: { message: 'no', type: 'Bad' } } },
    ]);
  });

  it('another execution finds the workflow that the first one started, and a lost lease starts none', async ({
    w,
    bench,
  }) => {
    const { job, workflow } = await parentOf(w, 2);
    await bench.engine.protocol.deregister('w1');
    expect((await start(w, job, uuidv7(), 2)).status).toBe(409);
    const again = await next(w);
    const repeated = await start(w, again, workflow, 2);
    expect([repeated.status, repeated.body.id]).toEqual([201, workflow]);
    expect(await w.fetch()).toHaveLength(2);
  });

  it('the first failure cancels the others where the step says so', async (server) => {
    const { w } = server;
    const { job } = await parentOf(w, 3, { on_failure: 'cancel' });
    await w.suspend(job, waits);
    const [kid] = await w.fetch({ count: 1 });
    if (kid) await w.end(kid, 'nack', { error: { message: 'no' } });
    await tend(server);
    expect(await w.fetch()).toEqual([]);
    const value = { state: 'cancelled', total: 3, failed: 1 };
    expect((await w.record(await next(w), over)).steps).toMatchObject([{ value }]);
  });

  it('the end of the parent ends its children, unless they are left', async (server) => {
    const { w } = server;
    const { job } = await parentOf(w, 2);
    const left = await parentOf(w, 2, { on_parent_end: 'leave' });
    await w.end(job);
    await w.end(left.job, 'ack');
    await tend(server);
    const kids = await w.fetch();
    expect(kids).toHaveLength(2);
    for (const kid of kids) await w.end(kid);
    expect((await call<Answer>(w.url, `/workflows/${left.workflow}`)).body.state).toBe('completed');
    await tend(server);
    expect(await server.bench.engine.storage.records.scan('children', { limit: 10 })).toEqual([]);
  });
});
