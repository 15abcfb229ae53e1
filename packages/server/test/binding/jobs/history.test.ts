// ojs-execution-history: what the server says of a job's past, and its purge.

import { type ManualClock, manualClock } from '@ojs-ts/core';
import { historyOf, State } from '@ojs-ts/core/job';
import type { HistoryEvent } from '@ojs-ts/core/lifecycle';
import type { OperationName } from '@ojs-ts/core/operations';
import { describe, expect, test } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { type EmbeddedOptions, openEmbedded } from '../../../src/index.ts';
import { newId } from '../../support/ids.ts';
import { send } from '../../support/request.ts';
import { serve } from '../../support/server.ts';
import { storages } from '../../support/storages.ts';

const start = Date.UTC(2026, 0, 1);

interface Page {
  readonly events: readonly HistoryEvent[];
  readonly next_cursor: string | null;
  readonly total: number;
}

/** A server of its own by a clock that only the test moves. */
class Asked implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly embedded: Awaited<ReturnType<typeof openEmbedded>>;

  static async open(url: string, options: EmbeddedOptions = {}): Promise<Asked> {
    const clock = manualClock(start);
    return new Asked(clock, await openEmbedded(url, { clock, upkeep: 'manual', ...options }));
  }

  private constructor(clock: ManualClock, embedded: Asked['embedded']) {
    this.clock = clock;
    this.embedded = embedded;
  }

  async call<T>(
    operation: OperationName,
    body?: object,
    params: Readonly<Record<string, string>> = {},
    query: Readonly<Record<string, string | number>> = {},
  ): Promise<T> {
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await this.embedded.call({ operation, params, query, ...text });
    if (answer.status >= 300) throw new Error(`${operation}: ${answer.status} ${answer.text}`);
    return JSON.parse(answer.text);
  }

  async push(options: object = {}): Promise<string> {
    const id = newId();
    await this.call('job.enqueue', { id, type: 'a.b', args: ['ä', 1], options });
    return id;
  }

  async fetch(worker = 'w1'): Promise<void> {
    await this.call('worker.fetch', { queues: ['default'], worker_id: worker });
  }

  fail(id: string, message: string): Promise<unknown> {
    return this.call('worker.nack', { job_id: id, error: { code: 'oops', type: 'Oops', message } });
  }

  async pass(seconds: number): Promise<void> {
    this.clock.advance(seconds * 1_000);
    await this.embedded.engine.upkeep.run();
  }

  history(id: string, query: Readonly<Record<string, string | number>> = {}): Promise<Page> {
    return this.call('job.history', undefined, { id }, query);
  }

  /** Each event as its second, what happened, and by whom; `~` marks a time that the job does not keep. */
  async told(id: string): Promise<readonly string[]> {
    const { events } = await this.history(id);
    return events.map(({ event_type: type, timestamp, actor, data, metadata }) => {
      const second = (Date.parse(timestamp) - start) / 1_000;
      const what = type === 'job.state_changed' ? `${data.from} to ${data.to}` : type.slice('job.'.length);
      const detail = type === 'job.attempt_failed' ? ` ${data.attempt}: ${data.error}` : '';
      return `${metadata?.reconstructed ? '~' : ''}${second} ${what}${detail}${actor ? ` by ${actor.type}` : ''}`;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.embedded[Symbol.asyncDispose]();
  }
}

const retry = { max_attempts: 2, initial_interval: 'PT10S', jitter: false };

describe.each(storages)('the history of a job on $name', ({ url }) => {
  const it = testWith(() => Asked.open(url()));

  it('has each attempt and each change of its state, with the data of ojs-execution-history §3.1', async (a) => {
    const id = await a.push({ retry });
    a.clock.advance(1_000);
    await a.fetch();
    a.clock.advance(2_000);
    await a.fail(id, 'no route');
    await a.pass(10);
    a.clock.advance(1_000);
    await a.fetch('w2');
    a.clock.advance(4_000);
    await a.call('worker.ack', { job_id: id });
    expect(await a.told(id)).toEqual([
      '0 created by client',
      '1 available to active by system',
      '1 attempt_started by worker',
      '3 attempt_failed 1: no route by worker',
      '3 active to retryable by worker',
      '13 retryable to available by system',
      '14 available to active by system',
      '14 attempt_started by worker',
      '18 attempt_completed by worker',
      '18 active to completed by worker',
    ]);
    const { events, total, next_cursor: next } = await a.history(id);
    expect([total, next]).toEqual([10, null]);
    expect(events[0]).toEqual({
      id: expect.stringMatching(/^evt_[0-9a-f-]{36}$/),
      job_id: id,
      event_type: 'job.created',
      timestamp: '2026-01-01T00:00:00.000Z',
      actor: { type: 'client' },
      data: { queue: 'default', type: 'a.b', args_size_bytes: 8, state: 'available' },
    });
    expect(events.map(({ data }) => data).filter(({ attempt }) => attempt !== undefined)).toEqual([
      { worker_id: 'w1', attempt: 1 },
      { error: 'no route', error_type: 'Oops', error_code: 'oops', will_retry: true, attempt: 1 },
      { worker_id: 'w2', attempt: 2 },
      { duration_ms: 4_000, attempt: 2 },
    ]);
    expect(events.at(-2)?.actor).toEqual({ type: 'worker', id: 'w2' });
    expect(new Set(events.map((event) => event.id)).size).toBe(10);
    expect((await a.history(id)).events).toEqual(events);
  });

  it('tells how a job ended: without attempts left, expired, cancelled, discarded, and taken back', async (a) => {
    const scheduled = await a.push({ delay_until: '2026-01-01T00:00:05Z' });
    const expiring = await a.push({ delay_until: '2026-01-01T01:00:00Z', expires_at: '2026-01-01T00:00:07Z' });
    const pending = await a.push({ pending: true });
    await a.pass(7);
    await a.call('job.cancel', undefined, { id: scheduled });
    await a.call('job.activate', undefined, { id: pending });
    await a.fetch();
    await a.call('job.discard', undefined, { id: pending });
    const failed = await a.push({ retry: { max_attempts: 1, on_exhaustion: 'dead_letter' } });
    await a.fetch();
    await a.fail(failed, 'for good');
    await a.pass(1);
    await a.call('deadLetter.retry', undefined, { id: failed });
    expect(await a.told(scheduled)).toEqual([
      '0 created by client',
      '7 scheduled to available by system',
      '7 cancelled',
      '7 available to cancelled',
    ]);
    expect(await a.told(expiring)).toEqual([
      '0 created by client',
      '7 scheduled to discarded by system',
      '7 discarded by system',
    ]);
    expect(await a.told(pending)).toEqual([
      '0 created by client',
      '7 pending to available',
      '7 available to active by system',
      '7 attempt_started by worker',
      '7 active to discarded',
      '7 discarded',
    ]);
    expect(await a.told(failed)).toEqual([
      '7 created by client',
      '7 available to active by system',
      '7 attempt_started by worker',
      '7 attempt_failed 1: for good by worker',
      '7 active to discarded by worker',
      '7 discarded by system',
      '8 discarded to available',
    ]);
    expect((await a.history(failed)).events.find(({ event_type: type }) => type === 'job.discarded')?.data).toEqual({
      total_attempts: 1,
      last_error: 'for good',
    });
  });

  it('a lease that ends, and a claim that comes back, are attempts too', async (a) => {
    const id = await a.push({ retry });
    await a.call('worker.fetch', { queues: ['default'], worker_id: 'w1', visibility_timeout_ms: 1_000 });
    await a.pass(1);
    await a.fetch();
    await a.call('worker.nack', { job_id: id, requeue: true, error: { code: 'requeue', message: 'Not now' } });
    const told = await a.told(id);
    expect(told.slice(0, 6)).toEqual([
      '0 created by client',
      '0 available to active by system',
      '0 attempt_started by worker',
      '1 attempt_failed 1: The lease ended before the worker answered. by system',
      '1 active to available by system',
      '~1 available to active by system',
    ]);
  });

  it('is read in pages, by a cursor', async (a) => {
    const id = await a.push();
    await a.fetch();
    await a.call('worker.ack', { job_id: id });
    const all = (await a.history(id)).events;
    const pages: HistoryEvent[][] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Page = await a.history(id, { limit: 2, ...(cursor !== '' && { cursor }) });
      pages.push([...page.events]);
      expect(page.total).toBe(all.length);
      cursor = page.next_cursor;
    }
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat()).toEqual(all);
    await expect(a.history(id, { cursor: 'evt_other' })).rejects.toThrow('400');
    await expect(a.history(newId())).rejects.toThrow('404');
  });

  it('a purge deletes it with the errors of the job, once the job has ended; the rest of the job stays', async (a) => {
    const done = await a.push({ retry });
    await a.fetch();
    await a.fail(done, 'a name');
    await a.pass(10);
    const purge = (id: string) => a.call('job.purgeHistory', undefined, { id });
    await expect(purge(done)).rejects.toThrow('409');
    await a.fetch();
    await expect(purge(done)).rejects.toThrow('409');
    await a.call('worker.ack', { job_id: done, result: { kept: true } });
    const before = await a.call<{ job: Readonly<Record<string, unknown>> }>('job.get', undefined, { id: done });
    const statistics = () => a.call<object>('queue.stats', undefined, { name: 'default' });
    await a.pass(5);
    const counted = await statistics();
    expect(await purge(done)).toEqual({ deleted: true, events_deleted: 10 });
    expect(await purge(done)).toEqual({ deleted: false, events_deleted: 0 });
    expect(await a.told(done)).toEqual(['15 purged']);
    const { errors: _, retry_delay_ms: __, ...rest } = before.job;
    expect((await a.call<{ job: object }>('job.get', undefined, { id: done })).job).toEqual(rest);
    expect(await statistics()).toEqual(counted);

    const letter = await a.push({ retry: { max_attempts: 1, on_exhaustion: 'dead_letter' } });
    await a.fetch();
    await a.fail(letter, 'a name');
    await purge(letter);
    const [record] = await a.embedded.engine.storage.jobs.get([letter]);
    expect(record).toMatchObject({ deadLetter: true, finishedAt: start + 15_000 });
    expect(historyOf(record ?? { history: '' })).toEqual([
      { kind: 'purged', at: start + 15_000, from: State.discarded },
    ]);
    expect(await a.call('job.explain', undefined, { id: letter })).toMatchObject({ state: 'discarded' });
    await a.pass(1);
    await a.call('deadLetter.retry', undefined, { id: letter });
    await a.fetch();
    expect(await a.told(letter)).toEqual([
      '15 purged',
      '16 discarded to available',
      '16 available to active by system',
      '16 attempt_started by worker',
    ]);
    await expect(purge(newId())).rejects.toThrow('404');
  });

  test('over HTTP; the manifest announces it', async () => {
    await using server = await serve({ storage: url() });
    const id = newId();
    const post = (path: string, body: object) =>
      send(server.url, { method: 'POST', path: `/ojs/v1${path}`, body: JSON.stringify(body) });
    await post('/jobs', { id, type: 'a.b', args: [] });
    await send(server.url, { method: 'DELETE', path: `/ojs/v1/jobs/${id}` });
    const path = `/ojs/v1/jobs/${id}/history`;
    const read = await send(server.url, { path: `${path}?limit=1` });
    expect([read.status, JSON.parse(read.text)]).toMatchObject([
      200,
      { events: [{ event_type: 'job.created' }], total: 3 },
    ]);
    const purged = await send(server.url, { method: 'DELETE', path });
    expect([purged.status, JSON.parse(purged.text)]).toEqual([200, { deleted: true, events_deleted: 3 }]);
    const manifest = await send(server.url, { path: '/ojs/manifest' });
    const { extensions, retention } = JSON.parse(manifest.text);
    expect(extensions.experimental).toContainEqual({
      name: 'execution-history',
      uri: 'urn:ojs:ext:execution-history',
      version: '0.1.0',
    });
    expect(retention.history).toEqual({ max_age: 'PT720H', max_count: 1_000 });
  });
});

const hour = 3_600;

test('leaves out events beyond their retention and their number; a cursor among them still works', async () => {
  await using a = await Asked.open('memory:', { history: { rules: ['queue=default:1d'], maxEventsPerJob: 4 } });
  const id = await a.push();
  a.clock.advance(20 * hour * 1_000);
  await a.fetch();
  await a.call('worker.ack', { job_id: id });
  const whole = ['available to active', 'attempt_started', 'attempt_completed', 'active to completed'];
  const words = async () => (await a.told(id)).map((line) => line.replace(/^\d+ | by \w+$/g, ''));
  // Of five events the newest four.
  expect(await words()).toEqual(whole);
  const { next_cursor: cursor } = await a.history(id, { limit: 1 });
  a.clock.advance(5 * hour * 1_000);
  expect(await words()).toEqual(whole);
  expect((await a.history(id, { cursor: cursor ?? '' })).events).toHaveLength(3);
  a.clock.advance(20 * hour * 1_000);
  expect(await a.history(id)).toEqual({ events: [], next_cursor: null, total: 0 });
  expect((await a.history(id, { cursor: cursor ?? '' })).events).toEqual([]);
});

test('turned off, every history is empty, the manifest does not name it, and a purge still deletes', async () => {
  await using server = await serve({ engine: { history: { enabled: false } } });
  const id = newId();
  const body = JSON.stringify({ id, type: 'a.b', args: [], parent_id: newId(), root_id: newId() });
  const pushed = await send(server.url, { method: 'POST', path: '/ojs/v1/jobs', body });
  // §5: kept as sent.
  expect(JSON.parse(pushed.text).job).toMatchObject({ parent_id: JSON.parse(body).parent_id });
  expect(JSON.parse(pushed.text).warnings).toBeUndefined();
  await send(server.url, { method: 'DELETE', path: `/ojs/v1/jobs/${id}` });
  const path = `/ojs/v1/jobs/${id}/history`;
  expect(JSON.parse((await send(server.url, { path })).text)).toEqual({ events: [], next_cursor: null, total: 0 });
  expect((await send(server.url, { path: `/ojs/v1/jobs/${newId()}/history` })).status).toBe(404);
  expect(JSON.parse((await send(server.url, { method: 'DELETE', path })).text)).toMatchObject({ events_deleted: 3 });
  const manifest = await send(server.url, { path: '/ojs/manifest' });
  expect(manifest.text).not.toContain('history');
  const headers = { 'ojs-requires-extension': 'urn:ojs:ext:execution-history' };
  expect((await send(server.url, { path: '/ojs/v1/health', headers })).status).toBe(422);
});

test('a viewer sees the whole history, which has no arguments or results', async () => {
  await using server = await serve({ tokens: ['root-secret'] });
  const grant = { name: 't', queues: ['*'], expiresAt: null, createdBy: null };
  await server.engine.tokens.create({ ...grant, roles: ['admin'] });
  const { token } = await server.engine.tokens.create({ ...grant, roles: ['viewer'] });
  const id = newId();
  const body = JSON.stringify({ id, type: 'a.b', args: ['secret'] });
  const root = { authorization: 'Bearer root-secret' };
  expect((await send(server.url, { method: 'POST', path: '/ojs/v1/jobs', headers: root, body })).status).toBe(201);
  const path = `/ojs/v1/jobs/${id}/history`;
  const { text } = await send(server.url, { path, headers: { authorization: `Bearer ${token}` } });
  expect(JSON.parse(text)).toMatchObject({ events: [{ data: { type: 'a.b', state: 'available' } }] });
  expect(text).not.toContain('secret');
});
