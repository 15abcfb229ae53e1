import { type IncomingMessage, request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { serveClocked } from '../support/clocked.ts';
import { newId } from '../support/ids.ts';
import { expectRefusal } from '../support/refusal.ts';
import { call, send } from '../support/request.ts';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';

interface Event {
  readonly name: string;
  readonly id: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The events of a stream as they come. */
async function* stream(
  url: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): AsyncGenerator<Event> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(`${url}/ojs/v1${path}`, { headers, agent: false }, resolve).on('error', reject).end();
  });
  expect(response.statusCode).toBe(200);
  expect(response.headers['content-type']).toBe('text/event-stream');
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = field('data');
      if (data !== undefined) yield { name: field('event') ?? '', id: field('id') ?? '', data: JSON.parse(data) };
    }
  }
}

async function next(events: AsyncGenerator<Event>): Promise<Event> {
  const { value, done } = await events.next();
  if (done) throw new Error('The stream has ended.');
  return value;
}

async function started(url: string): Promise<string> {
  const { body } = await call<{ id: string }>(url, '/jobs', { type: 'a.b', args: [] });
  await call(url, '/workers/fetch', { queues: ['default'] });
  return body.id;
}

const put = (url: string, id: string, body: object) => call(url, `/jobs/${id}/progress`, body, { method: 'PUT' });

describe.each(storages)('streams of one job, $name', (storage) => {
  const it = testWith(() => serveClocked(storage.url()));

  it('the current progress, the following reports, the end, then nothing (ojs-progress §7.2)', async (server) => {
    const { url, bench } = server;
    const id = await started(url);
    const events = stream(url, `/jobs/${id}/progress/stream`);
    expect(await next(events)).toMatchObject({
      name: 'progress',
      data: { job_id: id, state: 'active', progress: null },
    });
    await send(url, {
      method: 'PUT',
      path: `/ojs/v1/jobs/${id}/progress`,
      body: '{"progress":0.1,"data":{\n"a":\r\n1}}',
    });
    expect(await next(events)).toMatchObject({ name: 'progress', data: { progress: 0.1, data: { a: 1 } } });
    bench.clock.advance(1_000);
    await put(url, id, { progress: 0.4 });
    expect(await next(events)).toMatchObject({ data: { progress: 0.4, updated_at: '2026-01-01T00:00:01.000Z' } });
    await call(url, '/workers/ack', { job_id: id });
    expect(await next(events)).toMatchObject({
      name: 'completed',
      id: 'end',
      data: { progress: 1, state: 'completed' },
    });
    expect(await events.next()).toMatchObject({ done: true });
    expect(bench.engine.subscriptions.followers).toBe(0);
  });

  it('a report without an event of its own is sent a second later (§6.2)', async (server) => {
    const id = await started(server.url);
    const events = stream(server.url, `/jobs/${id}/progress/stream`);
    await next(events);
    await put(server.url, id, { progress: 0.1 });
    expect((await next(events)).data.progress).toBe(0.1);
    await put(server.url, id, { progress: 0.2 });
    expect((await next(events)).data.progress).toBe(0.2);
    await events.return(undefined);
  });

  test.each([
    [
      'failed',
      (url: string, id: string) =>
        call(url, '/workers/nack', { job_id: id, error: { message: 'x', retryable: false } }),
    ],
    ['cancelled', (url: string, id: string) => call(url, `/jobs/${id}`, undefined, { method: 'DELETE' })],
  ] as const)('a job that is %s ends its stream with that', async (name, end) => {
    await using server = await serveClocked(storage.url());
    const id = await started(server.url);
    const events = stream(server.url, `/jobs/${id}/progress/stream`);
    await next(events);
    await end(server.url, id);
    expect((await next(events)).name).toBe(name);
    expect((await events.next()).done).toBe(true);
    // Whoever comes late is told the end at once; who has heard it does not come again.
    expect((await next(stream(server.url, `/jobs/${id}/progress/stream`))).name).toBe(name);
    const again = await send(server.url, {
      path: `/ojs/v1/jobs/${id}/progress/stream`,
      headers: { 'last-event-id': 'end' },
    });
    expect(again.status).toBe(204);
  });

  it('the result comes last, byte for byte, or the error (ojs-results §8.3)', async ({ url }) => {
    const id = await started(url);
    const events = stream(url, `/jobs/${id}/result/stream`);
    expect((await next(events)).name).toBe('progress');
    await call(url, '/workers/ack', { job_id: id, result: { total: 1 } });
    expect(await next(events)).toMatchObject({ name: 'result', data: { value: { total: 1 }, state: 'completed' } });
    expect((await events.next()).done).toBe(true);
    const other = await started(url);
    await call(url, '/workers/nack', { job_id: other, error: { type: 'T', message: 'x', retryable: false } });
    expect(await next(stream(url, `/jobs/${other}/result/stream`))).toMatchObject({
      name: 'error',
      data: { error: { type: 'T' } },
    });
    const ephemeral = await call<{ id: string }>(url, '/jobs', { type: 'a.b', args: [], result_ttl: 0 });
    await call(url, '/workers/fetch', { queues: ['default'] });
    await call(url, '/workers/ack', { job_id: ephemeral.body.id, result: 'secret' });
    expect((await next(stream(url, `/jobs/${ephemeral.body.id}/result/stream`))).data).toMatchObject({
      value: null,
      result: null,
    });
  });

  it('an unknown job is 404; without a log of events there are no streams', async (server) => {
    expectRefusal(await send(server.url, { path: `/ojs/v1/jobs/${newId()}/progress/stream` }), 404, 'not_found');
    await using silent = await serveClocked(storage.url(), { events: false });
    const id = await started(silent.url);
    expectRefusal(await send(silent.url, { path: `/ojs/v1/jobs/${id}/progress/stream` }), 422, 'unsupported');
  });

  test('a disconnected reader leaves nothing behind; a closing server ends the streams', async () => {
    const server = await serve({ storage: storage.url() });
    const id = await started(server.url);
    const gone = stream(server.url, `/jobs/${id}/progress/stream`);
    const stays = stream(server.url, `/jobs/${id}/progress/stream`);
    await next(gone);
    await next(stays);
    expect(server.engine.subscriptions.followers).toBe(2);
    await gone.return(undefined);
    await expect.poll(() => server.engine.subscriptions.followers).toBe(1);
    await server.close();
    expect((await stays.next()).done).toBe(true);
  });
});
