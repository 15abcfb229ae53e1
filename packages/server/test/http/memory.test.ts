import { once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { InFlight } from '../../src/engine/in-flight.ts';
import { heapSize, memoryLimits } from '../../src/engine/memory-limits.ts';
import { RequestBodies } from '../../src/http/request-bodies.ts';
import { newId } from '../support/ids.ts';
import { expectRefusal } from '../support/refusal.ts';
import { call, open, parseResponse, send, untilClosed } from '../support/request.ts';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';

const mebibyte = 1_048_576;
/** An answer has 1 MiB of jobs, requests in flight have 4 MiB. */
const memoryMb = 64;

interface Listed {
  readonly jobs: readonly { readonly id: string; readonly args: readonly string[] }[];
  readonly total: number;
  readonly pagination: { readonly has_more: boolean; readonly next_cursor?: string; readonly count: number };
}

function job(size: number) {
  return { id: newId(), type: 'a.b', args: ['x'.repeat(size)] };
}

interface Fetched {
  readonly id: string;
  readonly parent_results: readonly (string | null)[];
  readonly x_parent_results_left_out?: Readonly<Record<string, string>>;
}

describe.each(storages)('answers, $name', ({ url }) => {
  const it = testWith(() => serve({ storage: url(), memoryMb }));

  it('a fetch hands out what fits, at least one job, and the next fetch goes on', async (server) => {
    const jobs = Array.from({ length: 5 }, () => job(400_000));
    for (const one of jobs) await call(server.url, '/jobs', one);
    const fetchOnce = async (count: number) =>
      (await call<Listed>(server.url, '/workers/fetch', { queues: ['default'], count })).body.jobs;
    const taken = [await fetchOnce(10), await fetchOnce(10), await fetchOnce(10), await fetchOnce(10)];
    expect(taken.map(({ length }) => length)).toEqual([2, 2, 1, 0]);
    expect(taken.flat().map(({ id }) => id)).toEqual(jobs.map(({ id }) => id));
    for (const { args } of taken.flat()) expect(args[0]?.length).toBe(400_000);
  });

  it('fetches at once share what an answer may have, and each gets a job', async (server) => {
    for (let count = 0; count < 8; count++) await call(server.url, '/jobs', job(800_000));
    // On PostgreSQL a claim passes rows that another one has locked, and would answer empty if it did not wait.
    const fetchOne = () =>
      call<Listed>(server.url, '/workers/fetch', { queues: ['default'], count: 9, wait_ms: 10_000 });
    const fetched = await Promise.all(Array.from({ length: 8 }, fetchOne));
    expect(fetched.map(({ status, body }) => [status, body.jobs.length])).toEqual(Array(8).fill([200, 1]));
    expect(new Set(fetched.flatMap(({ body }) => body.jobs.map(({ id }) => id))).size).toBe(8);
  });

  it('a page by cursor is shorter and says so, one by offset keeps its length', async (server) => {
    const jobs = Array.from({ length: 7 }, () => job(400_000));
    for (const one of jobs) await call(server.url, '/jobs', one);
    const ids = jobs.map(({ id }) => id).reverse();
    const list = async (query: string) => (await call<Listed>(server.url, `/jobs?${query}`)).body;
    for (const filter of ['', '&args=xxx']) {
      const whole = await list(`limit=1000${filter}`);
      expect(whole.jobs.map(({ id }) => id)).toEqual(ids);
      expect(whole.pagination).toMatchObject({ count: 7, has_more: false });
      const second = await list(`page=2&per_page=3${filter}`);
      expect(second.jobs.map(({ id }) => id)).toEqual(ids.slice(3, 6));
      expect(second.pagination).toMatchObject({ count: 3, has_more: true });
    }
    const first = await list('limit=1');
    const found: string[][] = [];
    for (let cursor = first.pagination.next_cursor; cursor !== undefined; ) {
      const { jobs, pagination } = await list(`limit=1000&cursor=${cursor}`);
      found.push(jobs.map(({ id }) => id));
      expect(pagination).toMatchObject({ count: jobs.length, has_more: pagination.next_cursor !== undefined });
      cursor = pagination.next_cursor;
    }
    expect(found).toEqual([ids.slice(1, 3), ids.slice(3, 5), ids.slice(5)]);
  });

  it('a large answer arrives whole and with its length, characters of two UTF-16 units too', async (server) => {
    for (const begin of ['', 'x']) {
      const text = `${begin}${'😀'.repeat(200_000)}`;
      const id = newId();
      await call(server.url, '/jobs', { id, type: 'a.b', args: [text] });
      const read = await send(server.url, { path: `/ojs/v1/jobs/${id}` });
      expect(JSON.parse(read.text).job.args[0] === text).toBe(true);
      expect(Number(read.headers['content-length'])).toBe(Buffer.byteLength(read.text));
    }
  });

  it('a callback is given as many results as an answer may have, and the jobs of the others', async (server) => {
    const jobs = Array.from({ length: 3 }, () => ({ type: 'a.b', args: [] }));
    const callbacks = { on_complete: { type: 'a.c', args: [] } };
    await call(server.url, '/workflows', { type: 'batch', jobs, callbacks });
    // A busy server starts the callback after it has answered the last ack.
    const fetching = { queues: ['default'], wait_ms: 60_000 };
    const fetchOnce = async () =>
      (await call<{ jobs: readonly Fetched[] }>(server.url, '/workers/fetch', fetching)).body.jobs[0];
    const ids: (string | undefined)[] = [];
    for (let count = 0; count < 3; count++) {
      const job_id = (await fetchOnce())?.id;
      await call(server.url, '/workers/ack', { job_id, result: 'z'.repeat(600_000) });
      ids.push(job_id);
    }
    const callback = await fetchOnce();
    expect(callback?.parent_results.map((one) => one?.length ?? one)).toEqual([null, null, 600_000]);
    expect(callback?.x_parent_results_left_out).toEqual({ '/0': ids[0], '/1': ids[1] });
  });

  it('many large results are one answer', async (server) => {
    const ids: string[] = [];
    for (let count = 0; count < 12; count++) {
      const { id } = job(0);
      await call(server.url, '/jobs', { id, type: 'a.b', args: [] });
      await call(server.url, '/workers/fetch', { queues: ['default'] });
      await call(server.url, '/workers/ack', { job_id: id, result: 'y'.repeat(900_000) });
      ids.push(id);
    }
    const unknown = newId();
    const { body } = await call<{ results: Record<string, { result: string } | null> }>(server.url, '/jobs/results', {
      ids: [...ids, unknown],
    });
    expect(Object.keys(body.results)).toEqual([...ids, unknown]);
    for (const id of ids) expect(body.results[id]?.result.length).toBe(900_000);
    expect(body.results[unknown]).toBeNull();
  });
});

/** A request whose body never comes. */
async function stalled(url: string, path: string, length: number, more = ''): Promise<Socket> {
  const socket = await open(url);
  socket.write(
    `POST /ojs/v1${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n{`,
  );
  return socket;
}

describe('requests in flight', () => {
  test('beyond the budget they wait; acks go on meanwhile; whoever sends nothing makes room', async () => {
    await using server = await serve({ memoryMb });
    const { id } = job(0);
    await call(server.url, '/jobs', { id, type: 'a.b', args: [] });
    await call(server.url, '/workers/fetch', { queues: ['default'] });
    const held = await Promise.all(
      [2 * mebibyte, 2 * mebibyte - 10].map((length) => stalled(server.url, '/jobs/batch', length)),
    );
    const dropped = held.map(untilClosed);
    let isIn = false;
    const waiting = call(server.url, '/jobs', job(500_000)).finally(() => {
      isIn = true;
    });
    const acked = await call(server.url, '/workers/ack', { job_id: id, result: 'z'.repeat(900_000) });
    expect([acked.status, isIn]).toEqual([200, false]);
    expect((await waiting).status).toBe(201);
    await Promise.race(dropped);
  });

  test('a request that finds no room in time is 503 with Retry-After, an ack never', async () => {
    const bodies = new RequestBodies(
      { requests: new InFlight(10_000), settlementRequests: new InFlight(10_000) },
      () => false,
    );
    const admit = (name: 'job.enqueue' | 'worker.ack') => {
      const request = new IncomingMessage(new Socket());
      request.headers['content-length'] = '9000';
      return bodies.admit(name, request, new ServerResponse(request), null);
    };
    await admit('job.enqueue');
    await expect(admit('job.enqueue')).rejects.toMatchObject({
      code: 'backend_unavailable',
      details: { retry_after: 1 },
    });
    await admit('worker.ack');
  });

  test('one token cannot take the budget of another', async () => {
    await using server = await serve({ memoryMb, tokens: ['enqueue:first-secret', 'enqueue:other-secret'] });
    const as = (secret: string) => `authorization: Bearer ${secret}\r\n`;
    const held = await stalled(server.url, '/jobs/batch', 2 * mebibyte, as('first-secret'));
    const post = (secret: string) =>
      send(server.url, {
        method: 'POST',
        path: '/ojs/v1/jobs',
        headers: { authorization: `Bearer ${secret}` },
        body: JSON.stringify(job(500_000)),
      });
    // The other token's request is answered, so the first one's body was let in before.
    expect((await post('other-secret')).status).toBe(201);
    const refused = await post('first-secret');
    expectRefusal(refused, 429, 'rate_limited');
    expect(refused.headers['retry-after']).toBe('1');
    held.destroy();
  });

  test('a body of very many values is 413 before it is read', async () => {
    await using server = await serve({ memoryMb });
    const body = `{"type":"chain","steps":[${'[],'.repeat(1_000_000)}[]]}`;
    expectRefusal(
      await send(server.url, { method: 'POST', path: '/ojs/v1/workflows', body }),
      413,
      'envelope_too_large',
    );
  });
});

test('what waits enters in its turn, one item whatever its size, and gives up in time', async () => {
  const inFlight = new InFlight(10);
  const leave = await inFlight.enter(100);
  const order: number[] = [];
  const entered = [6, 6, 1].map(async (bytes, index) => {
    const done = await inFlight.enter(bytes);
    order.push(index);
    return done;
  });
  expect(inFlight.tryAdd(1)).toBeNull();
  await expect(inFlight.enter(1, 0)).rejects.toMatchObject({ code: 'backend_unavailable' });
  leave();
  leave();
  const first = await entered[0];
  expect(order).toEqual([0]);
  first?.();
  await Promise.all(entered);
  expect(order).toEqual([0, 1, 2]);
  expect(inFlight.room).toBe(3);
});

test('budgets follow the heap', () => {
  expect(memoryLimits(256 * mebibyte)).toMatchObject({ answer: 4 * mebibyte, answers: 16 * mebibyte });
  // What V8 says on Node 24 and on Node 22.
  expect([448, 304].map((limit) => heapSize(limit * mebibyte) / mebibyte)).toEqual([256, 152]);
  expect(memoryLimits(1)).toMatchObject({ answer: mebibyte });
});

test('a client that goes away in the middle of a streamed answer leaves nothing behind', async () => {
  await using server = await serve({ memoryMb });
  for (let count = 0; count < 30; count++) await call(server.url, '/jobs', job(900_000));
  const socket = await open(server.url);
  socket.write('GET /ojs/v1/jobs?limit=1000 HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const [first] = (await once(socket, 'data')) as [Buffer];
  expect(parseResponse(first.toString('latin1')).status).toBe(200);
  expect(server.engine.answers.room).toBeLessThan(server.engine.memory.answers);
  socket.destroy();
  await expect.poll(() => server.engine.answers.room).toBe(server.engine.memory.answers);
});
