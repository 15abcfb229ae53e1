import { describe, expect } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';
import { type DurableServer, type DurableWorker, done, durableServer, type Fetched } from '../workers/durable.ts';

const lease = 1_800_000;
const undoable = (name: string, number: number, value?: unknown) => done(name, number, value, { undo: true });
const intent = (name: string, number: number) => ({ name, kind: 'run', state: 'open', number, undo: true });

interface Job {
  readonly id: string;
  readonly type: string;
  readonly state: string;
  readonly queue: string;
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly args: readonly unknown[];
  readonly x_successor?: { readonly job_id: string; readonly as: string };
}

const jobs = async ({ url }: DurableWorker): Promise<readonly Job[]> =>
  (await call<{ jobs: readonly Job[] }>(url, '/jobs')).body.jobs;

/** The undo jobs, by their type. */
const undos = async (w: DurableWorker) => (await jobs(w)).filter(({ type }) => type.endsWith('.undo'));

const post = ({ url }: DurableWorker, path: string, body?: object, headers = {}) =>
  send(url, { method: 'POST', path: `/ojs/v1${path}`, ...(body && { body: JSON.stringify(body) }), headers });

const cancel = ({ url }: DurableWorker, id: string, query = '') =>
  send(url, { method: 'DELETE', path: `/ojs/v1/jobs/${id}${query}` });

const failure = { error: { code: 'handler_error', message: 'no' } };

/** A job whose handler has charged, and begun to ship. */
async function begun(w: DurableWorker, body: object = {}): Promise<Fetched> {
  await w.enqueue(body);
  const job = await w.take();
  await w.record(job, undoable('charge', 1, { id: 'ch_1' }), done('note', 2));
  await w.record(job, intent('ship', 3));
  return job;
}

async function ended(w: DurableWorker, more: object = {}): Promise<Fetched> {
  const job = await begun(w, { retry: { max_attempts: 1, ...more } });
  await w.end(job, 'nack', failure);
  return job;
}

async function undoPass({ bench }: DurableServer): Promise<void> {
  await bench.engine.steps.undo();
}

describe.each(storages)('undo on $name', (storage) => {
  const it = testWith(() => durableServer(storage.url()));

  it('a discarded job is undone by a job with its rows, and only once', async (server) => {
    const { w } = server;
    const { id } = await ended(w);
    await undoPass(server);
    await undoPass(server);
    const [undo, ...more] = await undos(w);
    expect(more).toEqual([]);
    expect(undo).toMatchObject({ type: 'a.b.undo', state: 'available', args: [1], meta: { 'ojs.undo_of': id } });
    expect(await w.job(id)).toMatchObject({ state: 'discarded', x_successor: { job_id: undo?.id, as: 'undo' } });
    const fetched = await w.take();
    expect(fetched.x_steps?.rows).toEqual([
      { name: 'charge', kind: 'run', state: 'done', number: 1, value: { id: 'ch_1' }, undo: true, origin: id },
      { name: 'note', kind: 'run', state: 'done', number: 2, origin: id },
      { name: 'ship', kind: 'run', state: 'open', number: 3, undo: true, origin: id },
    ]);
    await w.record(fetched, done('undo:ship', 4), done('undo:charge', 5));
    expect((await w.end(fetched)).status).toBe(200);
    await undoPass(server);
    expect(await undos(w)).toHaveLength(1);
    expectRefusal(await post(w, `/admin/jobs/${undo?.id}/undo`), 409, 'conflict');
  });

  it('a cancelled job is undone when its worker has answered, else when its lease is surely over', async (server) => {
    const { w, bench } = server;
    const [first, second] = [await begun(w), await begun(w)];
    for (const { id } of [first, second]) expect((await cancel(w, id)).status).toBe(200);
    await undoPass(server);
    expect(await undos(w)).toEqual([]);
    expectRefusal(await post(w, `/admin/jobs/${first.id}/undo`), 409, 'conflict');
    // The late outcome changes nothing, and says that no step runs any more.
    expect((await w.end(first)).status).toBe(409);
    await undoPass(server);
    expect((await undos(w)).map(({ meta }) => meta?.['ojs.undo_of'])).toEqual([first.id]);
    bench.clock.advance(lease);
    await undoPass(server);
    expect((await undos(w)).map(({ meta }) => meta?.['ojs.undo_of']).toSorted()).toEqual(
      [first.id, second.id].toSorted(),
    );
  });

  it('a cancel with undo=false leaves the steps, and a completed job keeps them too', async (server) => {
    const { w, bench } = server;
    const kept = await begun(w);
    expect((await cancel(w, kept.id, '?undo=false')).status).toBe(200);
    const completed = await begun(w);
    await w.end(completed);
    bench.clock.advance(lease);
    await undoPass(server);
    expect(await undos(w)).toEqual([]);
    const refused = await cancel(w, kept.id, '?undo=perhaps');
    expectRefusal(refused, 400, 'invalid_request');
    // Somebody decides otherwise.
    expect((await post(w, `/admin/jobs/${completed.id}/undo`)).status).toBe(201);
    expect(await undos(w)).toHaveLength(1);
  });

  it('a job in the dead letter waits for a person, who retries or undoes it', async (server) => {
    const { w } = server;
    const { id } = await ended(w, { on_exhaustion: 'dead_letter' });
    await undoPass(server);
    expect(await undos(w)).toEqual([]);
    expect((await post(w, `/dead-letter/${id}/retry`)).status).toBe(200);
    expectRefusal(await post(w, `/admin/jobs/${id}/undo`), 409, 'conflict');
    await w.end(await w.take(), 'nack', failure);
    const headers = { 'idempotency-key': 'once' };
    const made = await post(w, `/admin/jobs/${id}/undo`, undefined, headers);
    expect(made).toMatchObject({ status: 201, headers: { location: expect.stringContaining('/ojs/v1/jobs/') } });
    expect((await post(w, `/admin/jobs/${id}/undo`, undefined, headers)).text).toBe(made.text);
    expectRefusal(await post(w, `/admin/jobs/${id}/undo`), 409, 'steps_moved');
    expectRefusal(await post(w, `/dead-letter/${id}/retry`), 409, 'steps_moved');
    expectRefusal(await post(w, `/admin/jobs/${id}/retry`), 409, 'steps_moved');
    expect(await undos(w)).toHaveLength(1);
  });

  it('a job without steps to undo is never undone, and one that does not exist is unknown', async (server) => {
    const { w } = server;
    await w.enqueue({ retry: { max_attempts: 1 } });
    const job = await w.take();
    await w.record(job, done('note', 1));
    await w.end(job, 'nack', failure);
    await undoPass(server);
    expect(await undos(w)).toEqual([]);
    expectRefusal(await post(w, `/admin/jobs/${job.id}/undo`), 409, 'conflict');
    expectRefusal(await post(w, '/admin/jobs/none/undo'), 404, 'not_found');
    await w.enqueue();
    const active = await w.take();
    const { items } = await call<{ items: readonly object[] }>(w.url, '/workers/steps', {
      worker_id: w.worker,
      items: [{ job_id: active.id, x_lease: active.x_lease, steps: [{ ...intent('nap', 1), kind: 'sleep', ms: 1 }] }],
    }).then(({ body }) => body);
    expect(items).toBeUndefined();
  });

  it('an undo of many rows and long values has all of them', async (server) => {
    const { w } = server;
    await w.enqueue({ retry: { max_attempts: 1 } });
    const job = await w.take();
    const long = 'y'.repeat(5_000);
    for (let at = 0; at < 3; at++)
      await w.record(
        job,
        ...Array.from({ length: 90 }, (_, n) =>
          undoable(`step ${at * 90 + n}`, at * 90 + n + 1, n % 30 === 0 ? long : n),
        ),
      );
    await w.end(job, 'nack', failure);
    await undoPass(server);
    const [undo] = await undos(w);
    const { steps } = await w.steps(undo?.id ?? '', '?values=all');
    expect(steps).toHaveLength(270);
    expect(steps.filter(({ value }) => value === long)).toHaveLength(9);
    expect(steps.at(-1)).toMatchObject({ name: 'step 269', value: 89, origin: job.id });
  });
});

describe.each(storages)('running again from a step on $name', (storage) => {
  const it = testWith(() => durableServer(storage.url()));

  it('the new job keeps the steps before, and runs the others', async (server) => {
    const { w } = server;
    await w.enqueue();
    const job = await w.take();
    await w.record(job, done('load', 1, 'x'), done('count', 2, 7), done('send', 3));
    expectRefusal(await post(w, `/admin/jobs/${job.id}/rerun`, { from_step: 'count' }), 409, 'conflict');
    await w.end(job);
    const wrong = await post(w, `/admin/jobs/${job.id}/rerun`, { from_step: 'cuont' });
    expectRefusal(wrong, 400, 'invalid_request');
    expect(wrong.text).toContain('Did you mean \\"count\\"?');
    const mixed = await post(w, `/admin/jobs/${job.id}/rerun`, { from_step: 'count', args: [2] });
    expectRefusal(mixed, 400, 'invalid_request');
    expectRefusal(await post(w, `/admin/jobs/${job.id}/rerun`, { forget: true }), 400, 'invalid_request');
    const made = await post(w, `/admin/jobs/${job.id}/rerun`, { from_step: 'count' });
    expect(made.status).toBe(201);
    const next = await w.take();
    expect(await w.job(next.id)).toMatchObject({ type: 'a.b', meta: { 'ojs.rerun_of': job.id } });
    expect(next.x_steps?.rows).toEqual([
      { name: 'load', kind: 'run', state: 'done', number: 1, value: 'x', origin: job.id },
    ]);
    await w.record(next, done('count', 2, 8));
    await w.end(next);
    expectRefusal(await post(w, `/admin/jobs/${job.id}/rerun`, { from_step: 'count' }), 409, 'steps_moved');
    expect((await post(w, `/admin/jobs/${next.id}/rerun`, { from_step: 'count' })).status).toBe(201);
    expect((await w.take()).x_steps?.rows).toMatchObject([{ name: 'load', origin: job.id }]);
  });

  it('steps that were not undone are forgotten only where the caller says so', async (server) => {
    const { w } = server;
    const job = await ended(w);
    const refused = await post(w, `/admin/jobs/${job.id}/rerun`, { from_step: 'note' });
    expectRefusal(refused, 409, 'undo_pending');
    expect(JSON.parse(refused.text)).toMatchObject({ error: { details: { steps: ['ship'] } } });
    const made = await post(w, `/admin/jobs/${job.id}/rerun`, { from_step: 'note', forget: true });
    expect(made.status).toBe(201);
    const next = await w.take();
    expect(next.x_steps?.rows).toMatchObject([{ name: 'charge', undo: true }]);
    // The step that came along is undone with the new job.
    await w.end(next, 'nack', failure);
    await undoPass(server);
    expect((await undos(w)).map(({ meta }) => meta?.['ojs.undo_of'])).toEqual([next.id]);
  });
});
