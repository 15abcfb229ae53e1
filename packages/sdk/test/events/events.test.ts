import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbedded, startServer } from '@ojs-ts/server';
import { describe, expect, test } from 'vitest';
import { Connection } from '../../src/connection/connection.ts';
import { follow } from '../../src/events/follow.ts';
import { followTimes } from '../../src/events/stream.ts';
import {
  type Answer,
  Client,
  DiscardError,
  type Event,
  EventType,
  JobNotFoundError,
  OJSError,
  type Transport,
  Worker,
} from '../../src/index.ts';
import { Faulty } from '../support/faulty.ts';
import { keepingLogger } from '../support/log.ts';
import { openTargets } from '../support/targets.ts';
import { openTunnel } from '../support/tunnel.ts';

const { embedded, server } = await openTargets();
let queues = 0;
const newQueue = () => `e${queues++}`;
const logger = keepingLogger();

/** A transport that knows calls only. */
function callsOnly(inner: Transport): Transport {
  return { call: (call, context) => inner.call(call, context), async [Symbol.asyncDispose]() {} };
}

async function take(events: AsyncIterable<Event>, count: number): Promise<Event[]> {
  const taken: Event[] = [];
  for await (const event of events) if (taken.push(event) === count) break;
  return taken;
}

const kinds = (events: readonly Event[]) => events.map(({ event }) => event);

describe.each(['http', 'fetch', 'embedded', 'polling'] as const)('events over %s', (way) => {
  const isHttp = way === 'http' || way === 'fetch';
  const target = () => (isHttp ? server.url : way === 'embedded' ? embedded : callsOnly(embedded));
  const open = () => new Client(target(), { logger, ...(way === 'fetch' && { fetch }) });
  const followers = () => (isHttp ? server : embedded).engine.subscriptions.followers;

  async function working<T>(queue: string, work: () => Promise<T>): Promise<T> {
    const worker = new Worker(target(), { queues: [queue], handleSignals: false, logger });
    worker.register('test.job', () => 1);
    worker.register('job.fail', () => {
      throw new DiscardError('no');
    });
    return worker.runUntil(work);
  }

  test('the accessors describe each event in the life of a job', async () => {
    await using client = open();
    const queue = newQueue();
    const job = await client.enqueue('test.job', [], { queue });
    await working(queue, () => job.wait());
    const events = await take(
      client.events({ queue, after: '0', types: ['job.enqueued', 'job.started', 'job.completed'] }),
      3,
    );
    expect(kinds(events)).toEqual([EventType.JOB_ENQUEUED, EventType.JOB_STARTED, EventType.JOB_COMPLETED]);
    for (const event of events)
      expect(event).toMatchObject({ jobId: job.id, jobType: 'test.job', queue, id: expect.stringMatching(/^evt_/) });
    expect(events.map(({ state }) => state)).toEqual(['available', 'active', 'completed']);
    expect(events[2]?.timestamp).toBeInstanceOf(Date);
    const rest = await take(client.events({ queue, after: events[0]?.id ?? '', types: ['job.*'] }), 2);
    expect(kinds(rest)).toEqual(['job.started', 'job.completed']);
  });

  test('without types each event comes once, by its name in the catalogue', async () => {
    await using client = open();
    const queue = newQueue();
    const job = await client.enqueue('job.fail', [], { queue });
    await working(queue, () => job.wait().catch(() => {}));
    const events = await take(client.events({ queue, after: '0' }), 4);
    expect(kinds(events)).toEqual(['job.enqueued', 'job.started', 'job.failed', 'job.discarded']);
  });

  test('break ends the loop at once while the next event is pending', async () => {
    await using client = open();
    const events = client.events({ queue: newQueue() })[Symbol.asyncIterator]();
    const next = events.next();
    expect(await events.return?.()).toEqual({ done: true, value: undefined });
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test('aborting rejects the loop with the reason, closing the client ends it', async () => {
    const client = open();
    const aborted = new AbortController();
    const first = take(client.events({ queue: newQueue(), signal: aborted.signal }), 1);
    const second = take(client.events({ queue: newQueue() }), 1);
    aborted.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    await expect(take(client.events({ signal: AbortSignal.abort(new Error('never')) }), 1)).rejects.toThrow('never');
    await client.close();
    expect(await second).toEqual([]);
  });

  test('the loop over one job ends after its last event', async () => {
    await using client = open();
    const queue = newQueue();
    const job = await client.enqueue('test.job', [], { queue });
    await expect.poll(followers).toBe(0);
    const live = take(job.events(), 99);
    if (way !== 'polling') await expect.poll(followers).toBe(1);
    await working(queue, () => job.wait());
    expect(kinds(await live).slice(-2)).toEqual(['job.started', 'job.completed']);
    expect(kinds(await take(job.events(), 99)).at(-1)).toBe('job.completed');
    expect(kinds(await take(client.events({ jobId: job.id, types: ['job.progress'] }), 99))).toEqual([]);
    await expect(take(client.events({ jobId: '019539a4-b68c-7def-8000-1a2b3c4d5e6f' }), 1)).rejects.toBeInstanceOf(
      JobNotFoundError,
    );
  });

  test('missing events are reported as system.gap', async () => {
    await using client = open();
    const queue = newQueue();
    await client.enqueue('test.job', [], { queue });
    const [gap] = await take(client.events({ queue, after: '999999999', types: ['job.enqueued'] }), 1);
    expect(gap?.event).toBe(EventType.SYSTEM_GAP);
  });

  test.each([
    [{ queue: '' }, 'queue'],
    [{ queue: 'a', jobId: 'b' }, 'queue'],
    [{ types: ['Job Done'] }, 'types[0]'],
    [{ types: ['job.*.x'] }, 'types[0]'],
  ])('%j is refused', (options, path) => {
    const client = open();
    expect(() => client.events(options)).toThrow(
      expect.objectContaining({ issues: [expect.objectContaining({ path })] }),
    );
  });
});

describe('from now on', () => {
  test.each(['http', 'embedded'] as const)(
    '%s: also of a queue that nobody has used; break closes the connection',
    async (way) => {
      const { engine } = way === 'http' ? server : embedded;
      await using client = new Client(way === 'http' ? server.url : embedded, { logger });
      await expect.poll(() => engine.subscriptions.followers).toBe(0);
      const queue = newQueue();
      const two = take(client.events({ queue }), 2);
      await expect.poll(() => engine.subscriptions.followers).toBe(1);
      const jobs = [await client.enqueue('test.job', [], { queue }), await client.enqueue('test.job', [], { queue })];
      expect((await two).map(({ jobId }) => jobId)).toEqual(jobs.map(({ id }) => id));
      await expect.poll(() => engine.subscriptions.followers).toBe(0);
    },
  );

  test('polling survives an outage of any length without missing an event', async () => {
    const queue = newQueue();
    const wire = new Faulty(callsOnly(embedded));
    await using connection = new Connection(callsOnly(wire), { logger, requestRetry: false });
    const times = { ...followTimes, minPollMs: 1, maxPollMs: 2 };
    for (let n = 0; n < 3; n++) wire.spoil('event.list', 'before');
    const two = take(follow(connection, { queue, types: ['job.enqueued'] }, { times }), 2);
    await wire.until(() => wire.answers.some(({ call }) => call.operation === 'event.list'));
    await using straight = new Client(embedded, { logger });
    const first = await straight.enqueue('test.job', [], { queue });
    for (let n = 0; n < 3; n++) wire.spoil('event.list', 'before');
    const second = await straight.enqueue('test.job', [], { queue });
    expect((await two).map(({ jobId }) => jobId)).toEqual([first.id, second.id]);
    for (let n = 0; n < 3; n++) wire.spoil('job.get', 'before');
    const ofOne = take(follow(connection, { jobId: first.id, types: ['job.cancelled'] }, { times }), 1);
    await wire.until(() => wire.of('job.get').length > 3);
    await straight.cancelJob(first.id);
    expect(kinds(await ofOne)).toEqual(['job.cancelled']);
  });

  test('polling reports a job that ends right after a page was read', async () => {
    await using straight = new Client(embedded, { logger });
    const { id } = await straight.enqueue('test.job', [], { queue: newQueue() });
    const inner = callsOnly(embedded);
    const transport: Transport = {
      ...inner,
      async call(call, context) {
        if (call.operation === 'job.get') await straight.cancelJob(id);
        return inner.call(call, context);
      },
    };
    await using polling = new Client(transport, { logger });
    expect(kinds(await take(polling.events({ jobId: id, types: ['job.cancelled'] }), 1))).toEqual(['job.cancelled']);
  });

  test('polling skips events from before its start', async () => {
    const queue = newQueue();
    await using client = new Client(embedded, { logger });
    await client.enqueue('test.job', [], { queue });
    const atEnd = Promise.withResolvers<void>();
    const inner = callsOnly(embedded);
    const transport: Transport = {
      ...inner,
      async call(call, context) {
        const answer = await inner.call(call, context);
        if (call.operation === 'event.list') atEnd.resolve();
        return answer;
      },
    };
    await using polling = new Client(transport, { logger });
    const one = take(polling.events({ queue, types: ['job.enqueued'] }), 1);
    await atEnd.promise;
    const { id } = await client.enqueue('test.job', [], { queue });
    expect((await one).map(({ jobId }) => jobId)).toEqual([id]);
  });
});

describe('a stream that breaks', () => {
  test('the stream continues after a restart of the server without missing or repeating an event', async () => {
    const home = mkdtempSync(join(tmpdir(), 'ojs-events-'));
    const storage = `sqlite:${join(home, 'jobs.db')}`;
    let running = await startServer({ storage, port: 0, log: false });
    const port = Number(new URL(running.url).port);
    await using client = new Client(running.url, {
      logger,
      requestRetry: { maxRetries: 50, minBackoff: 10, maxBackoff: 50 },
    });
    const seen: string[] = [];
    const wanted = 60;
    const all = (async () => {
      for await (const event of client.events({ after: '0', queue: 'restarts', types: ['job.enqueued'] })) {
        if (seen.push(event.jobId ?? '') === wanted) break;
      }
    })();
    const ids: string[] = [];
    for (let round = 0; round < 3; round++) {
      for (let job = 0; job < wanted / 3; job++) {
        ids.push((await client.enqueue('test.job', [job], { queue: 'restarts' })).id);
        if (job === 10) {
          await running.close();
          running = await startServer({ storage, port, log: false });
        }
      }
    }
    await all;
    expect(seen).toEqual(ids);
    await running.close();
    rmSync(home, { recursive: true });
  });

  test('the stream continues after any number of resets', async () => {
    await using tunnel = await openTunnel(server.url);
    await using client = new Client(tunnel.url, { logger });
    await using straight = new Client(server.url, { logger });
    const queue = newQueue();
    const seen: string[] = [];
    const ids = [(await straight.enqueue('test.job', [], { queue })).id];
    for await (const event of client.events({ queue, after: '0', types: ['job.enqueued'] })) {
      seen.push(event.jobId ?? '');
      if (seen.length === 10) break;
      if (seen.length < ids.length) continue;
      ids.push((await straight.enqueue('test.job', [], { queue })).id);
      tunnel.cut();
      ids.push((await straight.enqueue('test.job', [], { queue })).id);
    }
    expect(seen).toEqual(ids.slice(0, 10));
    expect(tunnel.count).toBeGreaterThan(4);
  });

  test('a silent half-open connection is replaced', async () => {
    await using lively = await startServer({ storage: 'memory:', port: 0, log: false, realtime: { heartbeatMs: 20 } });
    await using tunnel = await openTunnel(lively.url);
    await using straight = new Client(lively.url, { logger });
    await using connection = new Connection(tunnel.url, { logger });
    const times = { ...followTimes, silenceMs: 300, minBackoffMs: 1, maxBackoffMs: 2 };
    const events = follow(connection, { types: ['job.enqueued'] }, { times })[Symbol.asyncIterator]();
    const first = events.next();
    await expect.poll(() => lively.engine.subscriptions.followers).toBe(1);
    const { id } = await straight.enqueue('test.job', []);
    expect((await first).value?.jobId).toBe(id);
    tunnel.freeze();
    const missed = await straight.enqueue('test.job', []);
    expect((await events.next()).value?.jobId).toBe(missed.id);
    await events.return?.();
  });

  test('events dropped for a slow reader are requested again', async () => {
    await using small = await startServer({
      storage: 'memory:',
      port: 0,
      log: false,
      realtime: { bufferSize: 4, ratePerSecond: 1 },
    });
    await using client = new Client(small.url, { logger });
    const all = take(client.events({ types: ['job.enqueued'] }), 40);
    await expect.poll(() => small.engine.subscriptions.followers).toBe(1);
    const jobs = await client.enqueueBatch(
      Array.from({ length: 40 }, (_, index) => ({ type: 'test.job', args: [index] })),
    );
    expect((await all).map(({ jobId }) => jobId)).toEqual(jobs.map(({ id }) => id));
  });

  test('an unreadable event is logged and skipped; a loop that throws gets no event twice', async () => {
    const log = keepingLogger();
    const chunks = [
      'event: job.enqueued\r\ndata: {"job',
      '_id":"1"}\r\n\r\n:x\r\ndata: nonsense\r\n\r\nevent: job.started\r\ndata: {"job_id":"2"}\r\nid: 9\r\n\r\n',
    ];
    const streams: (string | undefined)[] = [];
    const transport: Transport = {
      call: async () => ({ status: 200, text: '{}', headers: {} }),
      async stream({ lastEventId }) {
        streams.push(lastEventId);
        return { status: 200, text: '', headers: {}, chunks: ReadableStream.from(chunks) };
      },
      async [Symbol.asyncDispose]() {},
    };
    await using client = new Client(transport, { logger: log });
    const heard: (string | undefined)[] = [];
    const loop = async () => {
      for await (const event of client.events()) {
        heard.push(event.jobId);
        if (heard.length === 2) throw new Error('mine');
      }
    };
    await expect(loop()).rejects.toThrow('mine');
    expect(heard).toEqual(['1', '2']);
    expect(log.lines).toMatchObject([{ level: 'warn', message: 'stream event skipped: it could not be read' }]);
    expect(streams).toEqual([undefined]);
  });
});

describe('what a server refuses', () => {
  test.each(['queue', 'job'] as const)(
    'polling replaces a stream of a %s that stays broken, after the last event',
    async (what) => {
      const queue = newQueue();
      await using straight = new Client(embedded, { logger });
      const job = await straight.enqueue('test.job', [], { queue });
      let streams = 0;
      const transport: Transport = {
        call: (call, context) => embedded.call(call, context),
        async stream(call, context) {
          streams += 1;
          if (streams > 1) return { status: 404, text: '<html>no backend</html>', headers: {}, chunks: null };
          const answer = await embedded.stream(call, context);
          const first = async function* () {
            for await (const chunk of answer.chunks ?? []) {
              yield chunk;
              if (chunk.includes('job.started')) break;
            }
            // Told while nobody listens.
            await straight.cancelJob(job.id);
          };
          return { ...answer, chunks: first() };
        },
        async [Symbol.asyncDispose]() {},
      };
      await using client = new Client(transport, { logger });
      const [started] = await straight.enqueueBatch([{ type: 'test.job', args: [], queue }]);
      const events = take(
        client.events({ ...(what === 'job' ? { jobId: job.id } : { queue }), types: ['job.started', 'job.cancelled'] }),
        2,
      );
      await expect.poll(() => embedded.engine.subscriptions.followers).toBe(1);
      const worker = new Worker(embedded, { queues: [queue], handleSignals: false, logger, concurrency: 1 });
      worker.register(
        'test.job',
        (ctx) => new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve(1))),
      );
      void started;
      const stopped = worker.start();
      expect(kinds(await events)).toEqual(['job.started', 'job.cancelled']);
      await worker.stop({ timeout: 0 });
      await stopped;
    },
  );

  const refusing = (answer: Omit<Answer, 'headers'>): Transport => ({
    call: (call, context) => embedded.call(call, context),
    stream: async () => ({ ...answer, headers: {}, chunks: null }),
    async [Symbol.asyncDispose]() {},
  });

  test.each([
    ['no such path', { status: 404, text: '<html>not found</html>' }],
    ['a page instead of a stream', { status: 200, text: '<html>hello</html>' }],
    ['not implemented', { status: 501, text: '' }],
  ])('%s: the log is polled', async (_, answer) => {
    await using client = new Client(refusing(answer), { logger });
    const queue = newQueue();
    const { id } = await client.enqueue('test.job', [], { queue });
    const [event] = await take(client.events({ queue, after: '0' }), 1);
    expect(event?.jobId).toBe(id);
  });

  test('a missing permission and a missing event log reject the loop', async () => {
    await using client = new Client(refusing({ status: 403, text: '{"error":{"code":"forbidden","message":"no"}}' }), {
      logger,
    });
    await expect(take(client.events(), 1)).rejects.toMatchObject({ statusCode: 403 });
    await using silent = await openEmbedded('memory:', { events: false });
    await using deaf = new Client(silent, { logger });
    await expect(take(deaf.events(), 1)).rejects.toBeInstanceOf(OJSError);
    await expect(take(deaf.events(), 1)).rejects.toThrow('keeps no log');
  });
});
