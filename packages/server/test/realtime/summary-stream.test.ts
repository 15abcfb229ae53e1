import { grants, roles } from '@ojs-ts/core/access';
import type { EventSummary } from '@ojs-ts/core/events';
import { describe, expect, test } from 'vitest';
import type { QueueAccess } from '../../src/binding/access.ts';
import { openEmbedded, type RunningServer } from '../../src/index.ts';
import { SummaryStream } from '../../src/realtime/streams/summary-stream.ts';
import { serveClocked } from '../support/clocked.ts';
import { type Bench, bench, items, newJob, settled } from '../support/engine.ts';
import { newId } from '../support/ids.ts';
import { expectRefusal } from '../support/refusal.ts';
import { send } from '../support/request.ts';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';
import { followStream, idAt, openStream } from '../support/streams.ts';

const path = '/admin/events/summaries';
const empty: EventSummary = {
  count: 0,
  types: {},
  queues: [],
  jobs: [],
  workflows: [],
  crons: [],
  workers: [],
  truncated: false,
  gap: false,
};

/** A client whose rests end when the test says so. */
class Client implements Disposable {
  /** The id of the last summary. */
  id = '';
  readonly #frames: ReturnType<SummaryStream['follow']>;
  readonly #gone = new AbortController();
  #rest = Promise.withResolvers<void>();

  constructor({ engine }: Bench, cursor: string | null = null, access: Pick<QueueAccess, 'covers'> | null = null) {
    const rest = () => {
      this.#rest = Promise.withResolvers();
      return this.#rest.promise;
    };
    this.#frames = new SummaryStream(engine, rest).follow(access, cursor, this.#gone.signal);
  }

  async next(): Promise<EventSummary> {
    const { value } = await this.#frames.next();
    if (value === undefined) throw new Error('The stream has ended.');
    this.id = value.id;
    return JSON.parse(value.data);
  }

  rested(): void {
    this.#rest.resolve();
  }

  [Symbol.dispose](): void {
    this.#gone.abort();
    this.rested();
    void this.#frames.return(undefined);
  }
}

/** Resolves when everybody who followed before was handed this many events. */
async function handedOut({ engine }: Bench, count: number, change: () => Promise<unknown>): Promise<void> {
  const done = Promise.withResolvers<void>();
  let left = count;
  const { live, close } = engine.subscriptions.subscribe('all', { onEvent: () => --left === 0 && done.resolve() });
  await live;
  await change();
  await done.promise;
  close();
  await settled();
}

const push = (b: Bench, count: number) =>
  b.engine.jobs.push(items(Array.from({ length: count }, () => newJob(b.clock.now()))));

describe.each(storages)('summaries of events, $name', ({ url }) => {
  test('an empty one at once, then what happened: jobs, workflows, crons, workers', async () => {
    await using server = await serveClocked(url());
    const { bench: b } = server;
    await b.push();
    using stream = await followStream(server.url, path);
    expect(stream.headers).toMatchObject({ 'content-type': 'text/event-stream' });
    const [first] = await stream.events.take(1);
    expect(first).toEqual({ event: 'summary', id: idAt(1), data: empty });
    const id = await b.push({ queue: 'mail' });
    expect((await stream.events.take(1))[0]).toEqual({
      event: 'summary',
      id: idAt(2),
      data: { ...empty, count: 1, types: { 'job.enqueued': 1 }, queues: ['mail'], jobs: [id] },
    });
    const entry = (kind: string, subject: string, queue: string) =>
      `["${kind}","${subject}",null,"${queue}",null,null,0,null,null,null,{}]`;
    await b.engine.storage.record(
      [
        entry('workflow.started', 'flow', ''),
        entry('cron.triggered', 'nightly', 'mail'),
        entry('worker.quiet', 'w1', ''),
      ],
      b.clock.now(),
    );
    expect((await stream.events.take(1))[0]).toMatchObject({
      id: idAt(5),
      data: { count: 3, queues: ['mail'], jobs: [], workflows: ['flow'], crons: ['nightly'], workers: ['w1'] },
    });
    expect(server.errors).toEqual([]);
  });

  test('the first event after a quiet time goes out at once, the next ones together after the rest', async () => {
    await using b = await bench(url());
    using client = new Client(b);
    await client.next();
    client.rested();
    const atOnce = client.next();
    await handedOut(b, 1, () => b.push());
    expect(await atOnce).toMatchObject({ count: 1, truncated: false });
    let isSent = false;
    const merged = client.next().finally(() => {
      isSent = true;
    });
    await handedOut(b, 1, () => b.push());
    await handedOut(b, 2, () => push(b, 2));
    expect(isSent).toBe(false);
    client.rested();
    expect(await merged).toMatchObject({ count: 3, types: { 'job.enqueued': 3 }, queues: ['q'] });
  });

  test('a slow client gets one summary of all that it missed', async () => {
    await using b = await bench(url());
    using client = new Client(b);
    await client.next();
    client.rested();
    for (let count = 0; count < 3; count++) await handedOut(b, 100, () => push(b, 100));
    const summary = await client.next();
    expect(summary).toMatchObject({ count: 300, types: { 'job.enqueued': 300 }, truncated: true, gap: false });
    expect(new Set(summary.jobs).size).toBe(200);
    expect(client.id).toEqual(idAt(300));
  });

  test('a client that returns gets what happened since', async () => {
    await using server = await serveClocked(url());
    const { bench: b } = server;
    const stream = await followStream(server.url, path);
    await stream.events.take(1);
    await b.push();
    const [seen] = await stream.events.take(1);
    stream[Symbol.dispose]();
    const missed = [await b.push(), await b.push()];
    for (const [query, headers] of [
      ['', { 'last-event-id': String(seen?.id) }],
      [`?last_event_id=${seen?.id}`, {}],
    ] as const) {
      using again = await followStream(server.url, `${path}${query}`, headers);
      expect((await again.events.take(1))[0]).toMatchObject({
        id: idAt(3),
        data: { count: 2, jobs: missed, gap: false },
      });
    }
    using nothing = await followStream(server.url, path, { 'last-event-id': '3' });
    expect((await nothing.events.take(1))[0]).toMatchObject({ id: idAt(3), data: empty });
    await b.push();
    expect((await nothing.events.take(1))[0]).toMatchObject({ id: idAt(4), data: { count: 1 } });
  });

  test('a gap: deleted events, an unknown id, an emptied store', async () => {
    await using b = await bench(url(), { retention: { eventsMs: 1_000 } });
    for (let count = 0; count < 3; count++) await b.push();
    b.clock.advance(2_000);
    await b.engine.upkeep.run();
    await b.push();
    for (const [cursor, count] of [
      ['1', 1],
      ['x', 0],
      ['99', 0],
      ['evt_019b76da-a800-7000-8000-000000000001', 0],
    ] as const) {
      using client = new Client(b, cursor);
      expect(await client.next()).toMatchObject({ count, truncated: false, gap: true });
      expect(client.id).toEqual(idAt(4));
    }
    using client = new Client(b, '3');
    expect(await client.next()).toMatchObject({ count: 1, gap: false });
    client.rested();
    const emptied = client.next();
    await b.engine.storage.clear();
    await b.push();
    expect(await emptied).toMatchObject({ count: 1, gap: true });
    expect(client.id).toEqual(idAt(1));
  });

  test('a token for some queues gets these only, and nothing that has no queue', async () => {
    await using server = await serve({ storage: url() });
    using stream = await followStream(server.url, path, await tokenOf(server, ['mine', 'my.*']));
    expect((await stream.events.take(1))[0]).toMatchObject({ data: empty });
    const now = Date.now();
    const jobs = ['other', 'mine', 'my.mail', 'mine-not'].map((queue) => newJob(now, { queue }));
    await server.engine.storage.record(['["worker.quiet","w1",null,"",null,null,0,null,null,null,{}]'], now);
    await server.engine.jobs.push(items(jobs));
    expect((await stream.events.take(1))[0]).toMatchObject({
      data: { count: 2, queues: ['mine', 'my.mail'], jobs: [jobs[1]?.id, jobs[2]?.id], workers: [] },
    });
  });
});

test('beyond 10,000 events a client that returns gets a truncated summary', async () => {
  await using b = await bench('memory:');
  const record = (kind: string, count: number) =>
    b.engine.storage.record(
      Array.from({ length: count }, () => `["${kind}",null,null,"q",null,null,0,null,null,null,null]`),
      b.clock.now(),
    );
  await record('queue.paused', 10_001);
  using whole = new Client(b, '1');
  const types = { 'queue.paused': 10_000 };
  expect(await whole.next()).toEqual({ ...empty, count: 10_000, types, queues: ['q'] });
  await record('queue.resumed', 1);
  using client = new Client(b, '1');
  expect(await client.next()).toEqual({
    ...empty,
    count: 10_000,
    types: { 'queue.paused': 9_999, 'queue.resumed': 1 },
    queues: ['q'],
    truncated: true,
  });
  expect(client.id).toEqual(idAt(10002));
});

test('a client that leaves no longer follows the log', async () => {
  await using server = await serve();
  const streams = await Promise.all([1, 2].map(() => followStream(server.url, path)));
  for (const stream of streams) await stream.events.take(1);
  expect(server.engine.subscriptions.followers).toBe(2);
  for (const stream of streams) stream[Symbol.dispose]();
  await expect.poll(() => server.engine.subscriptions.followers).toBe(0);
});

test('the stream needs a log of events, takes no other parameters, and counts as one of its client', async () => {
  await using silent = await serve({ events: false });
  expectRefusal(await send(silent.url, { path: `/ojs/v1${path}` }), 422, 'unsupported');
  await using server = await serve({ realtime: { connectionsPerClient: 1 } });
  expectRefusal(await send(server.url, { path: `/ojs/v1${path}?queue=q` }), 400, 'invalid_request');
  using _ = await followStream(server.url, path);
  expectRefusal(await send(server.url, { path: `/ojs/v1${path}` }), 429, 'rate_limited');
});

test('the stream ends with the server', async () => {
  const server = await serve();
  using stream = await followStream(server.url, path);
  await stream.events.take(1);
  await server.close();
  expect(await stream.events.rest()).toEqual([]);
});

test.each(roles)('the role %s may open the stream if it may list events', async (role) => {
  await using server = await serve();
  using stream = await openStream(server.url, path, await tokenOf(server, ['*'], role));
  expect(stream.status).toBe(grants({ roles: [role] }, 'inspect') ? 200 : 403);
});

describe('summaries of an embedded engine', () => {
  test('have the text of HTTP, continue after an id, and end with the engine', async () => {
    const embedded = await openEmbedded('memory:');
    const first = await embedded.stream({ channel: 'summaries' });
    expect(first).toMatchObject({ status: 200, headers: { 'content-type': 'text/event-stream' } });
    const chunks = first.chunks?.[Symbol.asyncIterator]();
    expect((await chunks?.next())?.value).toBe('retry: 3000\nid: \n\n');
    expect((await chunks?.next())?.value).toBe(`id: 0\nevent: summary\ndata: ${JSON.stringify(empty)}\n\n`);
    const id = newId();
    await embedded.engine.jobs.push(items([newJob(Date.now(), { id })]));
    expect((await chunks?.next())?.value).toContain(`"jobs":["${id}"]`);
    const again = await embedded.stream({ channel: 'summaries', lastEventId: '0' });
    const texts: string[] = [];
    for await (const text of again.chunks ?? []) {
      texts.push(text);
      if (texts.length === 2) break;
    }
    expect(texts[1]).toContain(`"jobs":["${id}"]`);
    await expect.poll(() => embedded.engine.subscriptions.followers).toBe(1);
    const rest = chunks?.next();
    await embedded[Symbol.asyncDispose]();
    expect(await rest).toEqual({ done: true, value: undefined });
  });

  test('are refused as over HTTP', async () => {
    await using embedded = await openEmbedded('memory:', { events: false });
    expect(await embedded.stream({ channel: 'summaries' })).toMatchObject({ status: 422, chunks: null });
    await using other = await openEmbedded('memory:');
    expect(await other.stream({ channel: 'summaries', query: { queue: 'q' } })).toMatchObject({ status: 400 });
  });

  test('end with the signal of their caller', async () => {
    await using embedded = await openEmbedded('memory:');
    const gone = new AbortController();
    const { chunks } = await embedded.stream({ channel: 'summaries' }, { signal: gone.signal });
    const read = (async () => {
      for await (const text of chunks ?? []) if (text.includes('summary')) gone.abort(new Error('enough'));
    })();
    await expect(read).rejects.toThrow('enough');
    await expect.poll(() => embedded.engine.subscriptions.followers).toBe(0);
  });
});

async function tokenOf(
  { engine }: RunningServer,
  queues: readonly string[],
  role: (typeof roles)[number] = 'viewer',
): Promise<Readonly<Record<string, string>>> {
  const { token } = await engine.tokens.create({
    name: 'reader',
    roles: [role],
    queues,
    expiresAt: null,
    createdBy: 'test',
  });
  return { authorization: `Bearer ${token}` };
}
