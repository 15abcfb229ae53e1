import { afterAll, beforeAll, expect } from 'vitest';
import type { RunningServer } from '../../../src/index.ts';
import { type CuttingProxy, cuttingProxy } from '../cutting-proxy.ts';
import { newId } from '../ids.ts';
import { call, type Request, type Response, send } from '../request.ts';
import { serve } from '../server.ts';

export interface Job {
  readonly id: string;
  readonly queue: string;
  readonly x_lease: string;
  readonly attempt: number;
}

/** An answer without what belongs to it alone. */
export interface Plain {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

function plain({ status, headers, text }: Response): Plain {
  const { date, 'x-request-id': requestId, 'keep-alive': keepAlive, connection, ...kept } = headers;
  const body: unknown = JSON.parse(text, (name, value: unknown) =>
    name === 'request_id' || name === 'server_time' ? undefined : value,
  );
  return { status, headers: kept, body };
}

export function post(path: string, body: unknown, key?: string): Request {
  const headers = key === undefined ? {} : { 'idempotency-key': key };
  return { method: 'POST', path: `/ojs/v1${path}`, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
}

/**
 * Calls of a server whose first answer is cut off, so that they come twice. To be made where tests are declared; it
 * starts and ends with them.
 */
export function repeats(storage: string) {
  let server: RunningServer;
  let proxy: CuttingProxy;

  beforeAll(async () => {
    server = await serve({ storage });
    proxy = await cuttingProxy(server.url);
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await server.close();
  });

  /** Sends the request through the cut, then again; both answers, without what belongs to a single answer. */
  async function twice(request: Request): Promise<{ readonly first: Plain; readonly second: Plain }> {
    const cut = proxy.cutNext();
    await expect(send(proxy.url, request)).rejects.toThrow();
    const swallowed = await cut;
    return { first: plain(swallowed), second: plain(await send(proxy.url, request)) };
  }

  async function enqueue(patch: Readonly<Record<string, unknown>> = {}): Promise<Job> {
    const id = newId();
    // What the server does by itself is told too: no job of a test becomes available again while another one counts the
    // events.
    const options = { queue: `q-${id}`, retry: { initial_interval: 'PT1H', max_interval: 'PT1H' }, ...patch };
    await call(server.url, '/jobs', { id, type: 'a.b', args: [], options });
    return { id, queue: options.queue, x_lease: '', attempt: 0 };
  }

  /**
   * A job that the worker has. One whose worker's heartbeats do not list it is taken back in time: a test with
   * heartbeats has a worker of its own.
   */
  async function fetched(patch: Readonly<Record<string, unknown>> = {}, worker_id = 'w1'): Promise<Job> {
    const { queue } = await enqueue(patch);
    const { body } = await call<{ jobs: readonly Job[] }>(server.url, '/workers/fetch', { queues: [queue], worker_id });
    const job = body.jobs[0];
    if (!job) throw new Error('The fetch got no job.');
    return job;
  }

  /**
   * How many events there are, but for those of heartbeats and workers: each of these is news, the repeated one too.
   */
  async function events(): Promise<number> {
    const { body } = await call<{ events: readonly { type: string }[] }>(server.url, '/events?limit=1000');
    return body.events.filter(({ type }) => type !== 'job.heartbeat' && !type.startsWith('worker.')).length;
  }

  /** The repeat has the same answer and has changed nothing: no event more. */
  async function expectRepeatable(request: Request, status: number, changes: number): Promise<Plain> {
    const before = await events();
    const { first, second } = await twice(request);
    expect(first.status, JSON.stringify(first.body)).toBe(status);
    expect(second).toEqual(first);
    expect((await events()) - before).toBe(changes);
    return second;
  }

  /** The repeat is answered with another status, and has changed nothing. */
  async function expectHarmless(
    request: Request,
    statuses: readonly [number, number],
    changes: number,
  ): Promise<readonly [Plain, Plain]> {
    const before = await events();
    const { first, second } = await twice(request);
    expect([first.status, second.status], JSON.stringify([first.body, second.body])).toEqual(statuses);
    expect((await events()) - before).toBe(changes);
    return [first, second];
  }

  async function dead(): Promise<Job> {
    const job = await fetched({ retry: { max_attempts: 1, on_exhaustion: 'dead_letter' } });
    await call(server.url, '/workers/nack', { job_id: job.id, error: { message: 'no' }, x_lease: job.x_lease });
    return job;
  }

  return {
    ask: <T = Record<string, unknown>>(path: string, sent?: unknown) => call<T>(server.url, path, sent),
    /** Many at once, none of them cut off. */
    send: (request: Request) => send(server.url, request),
    twice,
    enqueue,
    fetched,
    dead,
    events,
    expectRepeatable,
    expectHarmless,
  };
}
