import { describe, expect } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { type ClockedServer, serveClocked } from '../../support/clocked.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

interface Fetched {
  readonly id: string;
  readonly x_lease: string;
  readonly attempt: number;
  readonly checkpoint?: { readonly state: unknown; readonly sequence: number };
  readonly last_checkpoint?: unknown;
}

async function fetchOne(url: string, worker = 'w1'): Promise<Fetched> {
  const { body } = await call<{ jobs: Fetched[] }>(url, '/workers/fetch', { queues: ['default'], worker_id: worker });
  const [job] = body.jobs;
  if (job === undefined) throw new Error('The fetch got no job.');
  return job;
}

async function started(server: ClockedServer, options: object = {}): Promise<Fetched> {
  await call(server.url, '/jobs', { type: 'a.b', args: [], options });
  return fetchOne(server.url);
}

const path = (id: string) => `/jobs/${id}/checkpoint`;
const save = (url: string, id: string, body: object, method = 'POST') => call(url, path(id), body, { method });

describe.each(storages)('checkpoints, $name (ojs-durable-execution)', (storage) => {
  const it = testWith(() => serveClocked(storage.url()));

  it('the latest is saved, read and deleted; sequences rise and start again after a deletion', async (server) => {
    const { url } = server;
    const { id } = await started(server);
    expectRefusal(await send(url, { path: `/ojs/v1${path(id)}` }), 404, 'not_found');
    const first = { job_id: id, sequence: 1, created_at: '2026-01-01T00:00:00.000Z' };
    expect(await save(url, id, { state: { a: 1 } })).toMatchObject({
      status: 200,
      body: { ...first, checkpoint: first },
    });
    server.bench.clock.advance(1_000);
    await save(url, id, { state: [2] }, 'PUT');
    const second = { job_id: id, sequence: 2, created_at: '2026-01-01T00:00:01.000Z', state: [2] };
    expect(await call(url, path(id))).toMatchObject({ status: 200, body: { ...second, checkpoint: second } });
    expect(await call(url, `/checkpoints/${id}`)).toMatchObject({ status: 200, body: second });
    for (let times = 0; times < 2; times++)
      expect(await call(url, path(id), undefined, { method: 'DELETE' })).toEqual({
        status: 200,
        body: { deleted: true, job_id: id },
      });
    expectRefusal(await send(url, { path: `/ojs/v1${path(id)}` }), 404, 'not_found');
    expect(await save(url, id, { state: null })).toMatchObject({ body: { sequence: 1, state: null } });
  });

  it('saves at once have sequences of their own', async (server) => {
    const { id } = await started(server);
    const saved = await Promise.all([1, 2, 3, 4, 5].map((state) => save(server.url, id, { state })));
    expect(saved.map(({ body }) => body.sequence).sort()).toEqual([1, 2, 3, 4, 5]);
    expect((await call(server.url, path(id))).body.sequence).toBe(5);
  });

  it('the state is any JSON, byte for byte, of at most 1 MiB', async (server) => {
    const { url } = server;
    const { id } = await started(server);
    const send1 = (state: string) =>
      send(url, { method: 'POST', path: `/ojs/v1${path(id)}`, body: `{ "state" : ${state} }` });
    for (const state of [
      ...'null 0 1.0e3 "\\u00e9" [] {"b":12345678901234567890,"a":{"state":1}}'.split(' '),
      `"${'é'.repeat(524_287)}"`,
    ]) {
      expect((await send1(state)).status).toBe(200);
      expect((await send(url, { path: `/ojs/v1${path(id)}` })).text).toContain(`"state":${state},`);
    }
    expectRefusal(await send1(`"${'é'.repeat(524_288)}"`), 413, 'envelope_too_large');
    for (const body of ['{}', '{"State":1}']) {
      const refused = await send(url, { method: 'POST', path: `/ojs/v1${path(id)}`, body });
      expectRefusal(refused, 400, 'invalid_request');
      expect(refused.text).toContain('$.state');
    }
    expect((await call(url, path(id))).body.sequence).toBe(7);
  });

  it('a save is a heartbeat of the job', async (server) => {
    const { clock, engine, get } = server.bench;
    const { id } = await started(server, { visibility_timeout_ms: 10_000 });
    clock.advance(9_000);
    await save(server.url, id, { state: 1 });
    clock.advance(9_000);
    await engine.upkeep.run();
    expect(await get(id)).toMatchObject({ claim: 1, leaseUntil: clock.now() + 1_000 });
  });

  it('it is deleted with the end of the job, but kept in the dead letter and for a retry from there (§6.3)', async (server) => {
    const { url, bench } = server;
    const ends = {
      completed: (id: string) => call(url, '/workers/ack', { job_id: id }),
      cancelled: (id: string) => call(url, `/jobs/${id}`, undefined, { method: 'DELETE' }),
      discarded: (id: string) => call(url, '/workers/nack', { job_id: id, error: { message: 'x', retryable: false } }),
    };
    for (const end of Object.values(ends)) {
      const { id } = await started(server);
      await save(url, id, { state: 1 });
      expect((await end(id)).status).toBe(200);
      expectRefusal(await send(url, { path: `/ojs/v1${path(id)}` }), 404, 'not_found');
      expect(await bench.get(id)).toMatchObject({ checkpoint: null });
      expectRefusal(
        await send(url, { method: 'POST', path: `/ojs/v1${path(id)}`, body: '{"state":1}' }),
        409,
        'conflict',
      );
    }
    const retry = { max_attempts: 1, on_exhaustion: 'dead_letter' };
    const { id } = await started(server, { retry });
    await save(url, id, { state: 1 });
    await ends.discarded(id);
    expect((await call(url, path(id))).body.state).toBe(1);
    await call(url, `/dead-letter/${id}/retry`, {});
    expect(await fetchOne(url)).toMatchObject({ id, attempt: 1, checkpoint: { state: 1, sequence: 1 } });
    await ends.discarded(id);
    await call(url, path(id), undefined, { method: 'DELETE' });
    await call(url, `/dead-letter/${id}/retry`, {});
    expect(await fetchOne(url)).not.toHaveProperty('checkpoint');
  });

  it('every save writes job.checkpointed', async (server) => {
    const { id } = await started(server);
    for (const state of [1, 2]) await save(server.url, id, { state });
    const { body } = await call(server.url, '/events?types=job.checkpointed');
    expect(body.events).toMatchObject(
      [1, 2].map((sequence) => ({ subject: id, data: { job_id: id, sequence, worker_id: 'w1', attempt: 1 } })),
    );
  });
});
