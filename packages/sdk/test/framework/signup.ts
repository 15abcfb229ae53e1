import { type Embedded, openEmbedded } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import type { OjsApp, OjsAppOptions } from '../../src/framework/app.ts';
import { Client, type WorkerOptions } from '../../src/index.ts';
import { Worker } from '../../src/worker/worker.ts';
import { keepingLogger } from '../support/log.ts';

/** What a framework answers to a request of the test. */
export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** An application of the framework, with the routes that {@link exerciseFramework} asks for. */
export interface App extends AsyncDisposable {
  post(path: '/signup', body: unknown, headers?: Record<string, string>): Promise<Reply>;
  get(path: '/health'): Promise<Reply>;
}

export type OpenApp = (options: OjsAppOptions) => Promise<App>;

/** The handler of POST /signup. Its status is the route's. */
export async function signup(ojs: OjsApp, body: unknown): Promise<{ status: number; id: string }> {
  const { outcome } = body as { outcome: 'well' | 'refused' | 'broken' | 'rolled back' };
  // As a database would be: the scope must outlive it.
  await new Promise((resolve) => setImmediate(resolve));
  await ojs.client.enqueue('audit.log', ['signup'], { queue: 'now' });
  let id = '';
  const transaction = async () => {
    id = await ojs.enqueueAfterCommit('mail.welcome', [7], { queue: 'later', meta: { own: true } });
    if (outcome === 'rolled back') throw new Error('rolled back');
  };
  if (outcome === 'rolled back') await ojs.commit(transaction).catch(() => {});
  else await transaction();
  if (outcome === 'broken') throw new Error('broken');
  return { status: outcome === 'refused' ? 422 : 201, id };
}

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

/** What every framework's helper must do. The application's `context` says user 7. */
export function exerciseFramework(name: string, open: OpenApp): void {
  const serving = async (
    work: (app: App, client: Client, embedded: Embedded) => Promise<void>,
    options: OjsAppOptions = {},
  ) => {
    const embedded = await openEmbedded('memory:');
    const client = new Client(embedded);
    try {
      await using app = await open({ target: embedded, logger: keepingLogger(), ...options });
      await work(app, client, embedded);
    } finally {
      await embedded[Symbol.asyncDispose]();
    }
  };
  const waiting = async (client: Client, queue: string) => (await client.queueStats(queue)).available;

  test(`${name}: jobs carry the request’s context in meta; deferred jobs are sent after a successful response`, () =>
    serving(async (app, client) => {
      const headers = { 'x-request-id': 'req-1', 'accept-language': 'de-DE,de;q=0.9', traceparent, tracestate: 'a=1' };
      const reply = await app.post('/signup', { outcome: 'well' }, headers);
      expect(reply.status).toBe(201);
      const { id } = reply.body as { id: string };
      await app[Symbol.asyncDispose]();
      const context = {
        'ojs.context.request_id': 'req-1',
        'ojs.context.locale': 'de-DE',
        'ojs.context.user_id': '7',
        traceparent,
        tracestate: 'a=1',
      };
      expect((await client.getJob(id)).meta).toEqual({ ...context, own: true });
      expect(await waiting(client, 'now')).toBe(1);
    }));

  test.each(['refused', 'broken', 'rolled back'])(
    `${name}: a request that ends %s drops its deferred jobs`,
    (outcome) =>
      serving(async (app, client) => {
        const reply = await app.post('/signup', { outcome });
        expect(reply.status).toBe(outcome === 'refused' ? 422 : outcome === 'broken' ? 500 : 201);
        await app[Symbol.asyncDispose]();
        expect(await waiting(client, 'now')).toBe(1);
        expect(await waiting(client, 'later')).toBe(0);
      }),
  );

  test(`${name}: concurrent requests have separate contexts`, () =>
    serving(async (app, client) => {
      const ids = ['a', 'b', 'c', 'd'];
      const replies = await Promise.all(
        ids.map((id) => app.post('/signup', { outcome: 'well' }, { 'x-request-id': id })),
      );
      await app[Symbol.asyncDispose]();
      for (const [index, { body }] of replies.entries()) {
        expect((await client.getJob((body as { id: string }).id)).meta['ojs.context.request_id']).toBe(ids[index]);
      }
    }));

  test(`${name}: the health route reports server and worker`, async () => {
    let worker: Worker | undefined;
    const embedded = await openEmbedded('memory:');
    try {
      const options: WorkerOptions = { handleSignals: false, logger: keepingLogger() };
      worker = new Worker(embedded, options);
      await using app = await open({ target: embedded, worker, logger: keepingLogger() });
      await worker.ready;
      const well = await app.get('/health');
      expect(well).toMatchObject({
        status: 200,
        body: { status: 'ok', server: 'ok', worker: { ok: true, state: 'running' } },
      });
      await app[Symbol.asyncDispose]();
      expect(worker.state).toBe('idle');
    } finally {
      await worker?.stop();
      await embedded[Symbol.asyncDispose]();
    }
    await using alone = await open({ target: 'http://127.0.0.1:1', logger: keepingLogger(), requestRetry: false });
    expect(await alone.get('/health')).toMatchObject({
      status: 503,
      body: { status: 'unavailable', server: 'unavailable' },
    });
  });
}

/** Asks an application that listens. */
export async function ask(
  url: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const init =
    body === undefined
      ? {}
      : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } };
  const response = await fetch(new URL(path, url), init);
  const text = await response.text();
  return {
    status: response.status,
    body: response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text,
  };
}
