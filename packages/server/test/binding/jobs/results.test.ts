import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { temporaryDirectory } from '../../storage/sqlite/temporary.ts';
import { type ClockedServer, serveClocked } from '../../support/clocked.ts';
import { newId } from '../../support/ids.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, open, send } from '../../support/request.ts';
import { serve } from '../../support/server.ts';
import { storages } from '../../support/storages.ts';

async function started(server: { readonly url: string }, job: object = {}): Promise<string> {
  const { body } = await call<{ id: string }>(server.url, '/jobs', { type: 'a.b', args: [], ...job });
  await call(server.url, '/workers/fetch', { queues: ['default'] });
  return body.id;
}

const result = (url: string, id: string, query = '') => send(url, { path: `/ojs/v1/jobs/${id}/result${query}` });
const ack = (url: string, id: string, text?: string) =>
  send(url, {
    method: 'POST',
    path: '/ojs/v1/workers/ack',
    body: `{"job_id":"${id}"${text === undefined ? '' : `,"result":${text}`}}`,
  });

/** Resolves when so many callers wait. */
async function waiting(server: Pick<ClockedServer, 'bench'>, count: number): Promise<void> {
  await expect.poll(() => server.bench.engine.jobEnds.size).toBe(count);
}

describe.each(storages)('results, $name (ojs-results)', (storage) => {
  const it = testWith(() => serveClocked(storage.url()));

  it('before the end it is 202, without a job 404; discarded jobs have their error, cancelled ones nothing (§5.1, digest 4.20)', async (server) => {
    const { url } = server;
    const id = await started(server);
    const pending = await result(url, id);
    expect(pending).toMatchObject({ status: 202, headers: { 'retry-after': '1' } });
    expect(JSON.parse(pending.text)).toEqual({ job_id: id, state: 'active', result: null });
    await call(url, '/workers/nack', {
      job_id: id,
      error: { code: 'CARD', type: 'payment_declined', message: 'no', retryable: false },
    });
    const failed = await result(url, id);
    expect(JSON.parse(failed.text)).toMatchObject({
      state: 'discarded',
      result: null,
      error: { type: 'payment_declined', message: 'no', attempt: 1 },
    });
    const other = await started(server);
    await call(url, `/jobs/${other}`, undefined, { method: 'DELETE' });
    expect(JSON.parse((await result(url, other)).text)).toEqual({ job_id: other, state: 'cancelled', result: null });
    for (const nobody of [newId(), 'nobody']) {
      for (const query of ['', '?wait=true']) expectRefusal(await result(url, nobody, query), 404, 'not_found');
    }
    expectRefusal(await result(url, id, '?wait=true&timeout=soon'), 400, 'invalid_request');
  });

  it('who waits is answered by the end of the job (§8.2)', async (server) => {
    const { url } = server;
    const ends: readonly ((id: string) => Promise<unknown>)[] = [
      (id) => ack(url, id, '7'),
      (id) => call(url, '/workers/nack', { job_id: id, error: { message: 'x', retryable: false } }),
      (id) => call(url, `/jobs/${id}`, undefined, { method: 'DELETE' }),
    ];
    for (const end of ends) {
      const id = await started(server);
      const waits = [result(url, id, '?wait=true&timeout=30'), result(url, id, '?wait=1')];
      await waiting(server, 2);
      // What is no end wakes nobody for good.
      await call(url, `/jobs/${id}/progress`, { progress: 0.5 }, { method: 'PUT' });
      await end(id);
      for (const answer of await Promise.all(waits)) expect(answer.status).toBe(200);
      expect(server.bench.engine.jobEnds.size).toBe(0);
      expect(server.bench.engine.subscriptions.followers).toBe(0);
    }
  });

  it('a job that ends while the wait begins is not missed', async (server) => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => started(server)));
    const waits = ids.map(async (id) => {
      const [answer] = await Promise.all([result(server.url, id, '?wait=true'), ack(server.url, id, '1')]);
      return answer.status;
    });
    expect(await Promise.all(waits)).toEqual(ids.map(() => 200));
  });

  test('a wait ends without an event log too', async () => {
    await using server = await serveClocked(storage.url(), { events: false });
    const id = await started(server);
    const wait = result(server.url, id, '?wait=true');
    await waiting(server, 1);
    await ack(server.url, id, '1');
    expect((await wait).status).toBe(200);
  });

  test('a server that ends answers who waits at once', async () => {
    const server = await serve({ storage: storage.url() });
    const id = await started(server);
    const wait = result(server.url, id, '?wait=true&timeout=30');
    await expect.poll(() => server.engine.jobEnds.size).toBe(1);
    await server.close();
    expectRefusal(await wait, 408, 'result_pending');
  });

  it('a caller that disconnected leaves nothing behind', async (server) => {
    const id = await started(server);
    const socket = await open(server.url);
    socket.write(`GET /ojs/v1/jobs/${id}/result?wait=true HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    await waiting(server, 1);
    socket.destroy();
    await waiting(server, 0);
    expect(server.bench.engine.subscriptions.followers).toBe(0);
  });

  it('result_ttl: 410 afterwards, not stored with 0, unlimited with -1; in options or at the top (§7.1)', async (server) => {
    const { url, bench } = server;
    const short = await started(server, { options: { result_ttl: 60 } });
    const none = await started(server, { result_ttl: 0 });
    const ever = await started(server, { result_ttl: -1 });
    for (const id of [short, none, ever]) await ack(url, id, '7');
    expect(JSON.parse((await result(url, short)).text)).toMatchObject({
      result: 7,
      result_expires_at: '2026-01-01T00:01:00.000Z',
    });
    expect(JSON.parse((await result(url, ever)).text)).toMatchObject({ result: 7, result_expires_at: null });
    const answered = await call<{ job: object }>(url, `/jobs/${none}`);
    expect(answered.body.job).toMatchObject({ state: 'completed', result_ttl: 0 });
    expect(answered.body.job).not.toHaveProperty('result');
    bench.clock.advance(59_999);
    expect((await result(url, short)).status).toBe(200);
    bench.clock.advance(1);
    const gone = await result(url, short, '?wait=true');
    expectRefusal(gone, 410, 'result_pruned');
    expect(JSON.parse(gone.text).error).toMatchObject({
      code: 'RESULT_PRUNED',
      details: { result_expires_at: '2026-01-01T00:01:00.000Z' },
    });
    expect(JSON.parse((await result(url, none)).text)).toEqual({ job_id: none, state: 'completed', result: null });
    const { body } = await call(url, '/jobs/results', { ids: [short] });
    expect(body.results).toEqual({ [short]: { job_id: short, state: 'completed', result: null, pruned: true } });
    const one = await call<{ job: object }>(url, `/jobs/${short}`);
    const all = await call<{ jobs: readonly { id: string }[] }>(url, '/jobs');
    for (const job of [one.body.job, all.body.jobs.find(({ id }) => id === short)]) {
      expect(job).toMatchObject({ state: 'completed' });
      expect(job).not.toHaveProperty('result');
    }
    expect((await call<{ job: object }>(url, `/jobs/${ever}`)).body.job).toMatchObject({ result: 7 });
    for (const result_ttl of [-2, 1.5, '60'])
      expect(await call(url, '/jobs', { type: 'a.b', args: [], options: { result_ttl } })).toMatchObject({
        status: 400,
      });
  });

  it('many at once, each with its outcome, null for unknown ones (§9.3)', async (server) => {
    const { url } = server;
    const done = await started(server);
    await ack(url, done, '{"a":1.0}');
    const active = await started(server);
    const missing = newId();
    const ids = [done, active, missing, 'nobody', done];
    const answer = await send(url, { method: 'POST', path: '/ojs/v1/jobs/results', body: JSON.stringify({ ids }) });
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('"result":{"a":1.0}');
    expect(JSON.parse(answer.text).results).toMatchObject({
      [done]: { state: 'completed', result: { a: 1 } },
      [active]: { state: 'active', result: null },
      [missing]: null,
      nobody: null,
    });
    expect(await call(url, '/jobs/results', { ids: [] })).toEqual({ status: 200, body: { results: {} } });
    for (const body of [{}, { ids: 'x' }, { ids: [1] }])
      expect(await call(url, '/jobs/results', body)).toMatchObject({ status: 400 });
    const many = await send(url, {
      method: 'POST',
      path: '/ojs/v1/jobs/results',
      body: JSON.stringify({ ids: Array(1_001).fill(done) }),
    });
    expectRefusal(many, 413, 'batch_size_exceeded');
  });

  it('with wait_ms one call waits for many jobs: until one has ended or is unknown, or the time is over (x-long-poll)', async (server) => {
    const { url } = server;
    const [first, second] = [await started(server), await started(server)];
    const ask = (ids: readonly string[], ms: number) =>
      call<{ results: object }>(url, '/jobs/results', { ids, wait_ms: ms });
    const both = ask([first, second], 20_000);
    await waiting(server, 1);
    await ack(url, second, '2');
    expect((await both).body.results).toMatchObject({
      [first]: { state: 'active' },
      [second]: { state: 'completed', result: 2 },
    });
    // What has ended already, or is not there, is answered at once.
    expect((await ask([first, second], 20_000)).body.results).toMatchObject({ [second]: { state: 'completed' } });
    const missing = newId();
    expect((await ask([first, missing], 20_000)).body.results).toEqual({ [first]: expect.anything(), [missing]: null });
    expect((await ask([first], 10)).body.results).toMatchObject({ [first]: { state: 'active' } });
    expect(await call(url, '/jobs/results', { ids: [first], wait_ms: -1 })).toMatchObject({ status: 400 });
    const cut = new AbortController();
    const gone = fetch(`${url}/ojs/v1/jobs/results`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ids: [first], wait_ms: 20_000 }),
      signal: cut.signal,
    });
    await waiting(server, 1);
    cut.abort();
    await expect(gone).rejects.toThrow();
    await waiting(server, 0);
  });
});

test('who waits at one server is answered by the end of the job at another', async () => {
  const store = `sqlite:${join(temporaryDirectory(), 'store.db')}`;
  await using one = await serveClocked(store);
  await using other = await serveClocked(store);
  const id = await started(one);
  const wait = result(one.url, id, '?wait=true');
  await waiting(one, 1);
  await ack(other.url, id, '1');
  expect(JSON.parse((await wait).text)).toMatchObject({ state: 'completed', result: 1 });
});
