import { describe, expect } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { type ClockedServer, serveClocked } from '../../support/clocked.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

interface Shown {
  readonly progress: number | null;
  readonly message: string | null;
  readonly data: unknown;
  readonly updated_at: string | null;
  readonly accepted?: boolean;
}

const put = (url: string, id: string, body: unknown) =>
  call<Shown>(url, `/jobs/${id}/progress`, body, { method: 'PUT' });
const get = (url: string, id: string) => call<Shown>(url, `/jobs/${id}/progress`);

async function started(
  server: ClockedServer,
  body: object = {},
): Promise<{ readonly id: string; readonly x_lease: string }> {
  await call(server.url, '/jobs', { type: 'a.b', args: [], ...body });
  const fetched = await call<{ jobs: { id: string; x_lease: string }[] }>(server.url, '/workers/fetch', {
    queues: ['default'],
    worker_id: 'w1',
  });
  const [job] = fetched.body.jobs;
  if (job === undefined) throw new Error('The fetch got no job.');
  return job;
}

describe.each(storages)('progress, $name (ojs-progress)', (storage) => {
  const it = testWith(() => serveClocked(storage.url()));

  it('a report is returned, within 0 and 1, with its message and data', async (server) => {
    const { url } = server;
    const { id } = await started(server);
    expect(await get(url, id)).toMatchObject({
      status: 200,
      body: { job_id: id, state: 'active', progress: null, data: null, updated_at: null },
    });
    const report = { progress: 0.47, message: 'half\nway', data: { rows: 14_000 } };
    expect(await put(url, id, report)).toMatchObject({ status: 200, body: { ...report, accepted: true } });
    const shown = await send(url, { path: `/ojs/v1/jobs/${id}/progress` });
    expect(JSON.parse(shown.text)).toMatchObject({
      ...report,
      percentage: 47,
      attempt: 1,
      updated_at: '2026-01-01T00:00:00.000Z',
    });
    expect(shown.headers).toMatchObject({
      'x-ojs-progress': '0.47',
      'cache-control': 'no-cache',
      'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
    });
    expect((await put(url, id, { progress: 1.3 })).body).toMatchObject({
      progress: 1,
      message: 'half\nway',
      data: { rows: 14_000 },
    });
  });

  it('the number never falls within an attempt, message and data are accepted', async (server) => {
    const { id } = await started(server);
    await put(server.url, id, { progress: 0.5, message: 'a' });
    expect((await put(server.url, id, { progress: -3, message: 'b' })).body).toMatchObject({
      progress: 0.5,
      message: 'b',
      accepted: true,
    });
    // At once, too: each is decided from what the one before it wrote.
    await Promise.all([0.9, 0.6, 0.8, 0.7].map((progress) => put(server.url, id, { progress })));
    expect((await get(server.url, id)).body.progress).toBe(0.9);
  });

  it('a report is a heartbeat: neither the reservation nor the job runs out while it reports', async (server) => {
    const { clock, engine, get: read } = server.bench;
    const { id } = await started(server, { options: { visibility_timeout_ms: 10_000 } });
    for (let round = 1; round <= 3; round++) {
      clock.advance(9_000);
      await put(server.url, id, { progress: round / 10 });
      await engine.upkeep.run();
      expect(await read(id)).toMatchObject({ claim: 1, leaseUntil: clock.now() + 10_000, beatAt: clock.now() });
    }
    clock.advance(10_001);
    await engine.upkeep.run();
    expect(await get(server.url, id)).toMatchObject({ body: { state: 'available', progress: 0.3 } });
  });

  it('a failure keeps it, a completion sets a reported one to 1, a new attempt starts without (§5.3)', async (server) => {
    const { url, bench } = server;
    const { id } = await started(server);
    await put(url, id, { progress: 0.73, data: { step: 2 } });
    await call(url, '/workers/nack', { job_id: id, error: { message: 'x' } });
    expect((await get(url, id)).body).toMatchObject({ state: 'retryable', progress: 0.73, data: { step: 2 } });
    bench.clock.advance(60_000);
    await call(url, '/workers/fetch', { queues: ['default'] });
    expect((await get(url, id)).body).toMatchObject({ state: 'active', progress: null, data: null, updated_at: null });
    await put(url, id, { progress: 0.1 });
    bench.clock.advance(1_000);
    await call(url, '/workers/ack', { job_id: id });
    expect((await get(url, id)).body).toMatchObject({
      state: 'completed',
      progress: 1,
      updated_at: '2026-01-01T00:01:01.000Z',
    });
    const silent = await started(server);
    await call(url, '/workers/ack', { job_id: silent.id });
    expect((await get(url, silent.id)).body).toMatchObject({ state: 'completed', progress: null });
  });

  it('a report may have a checkpoint for the next attempt (§6.4)', async (server) => {
    const { url, bench } = server;
    const { id } = await started(server);
    const reported = await put(url, id, { progress: 0.5, checkpoint: { offset: 7 } });
    expect(reported.body).toMatchObject({ accepted: true, checkpoint_sequence: 1 });
    await call(url, '/workers/nack', { job_id: id, error: { message: 'x' } });
    bench.clock.advance(60_000);
    expect(await call(url, '/workers/fetch', { queues: ['default'] })).toMatchObject({
      body: {
        jobs: [{ id, attempt: 2, last_checkpoint: { offset: 7 }, checkpoint: { state: { offset: 7 }, sequence: 1 } }],
      },
    });
  });
});
