import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import type { GuardedTransport } from '@ojs-ts/core';
import { Client } from '@ojs-ts/sdk';
import { type Embedded, openEmbedded } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import type { Authorize, DashboardOptions } from '../../src/index.ts';

/** An application of a framework with the dashboard at `/ops/jobs`. */
export interface App extends AsyncDisposable {
  /** @param path below the origin of the application. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

export type OpenApp = (engine: GuardedTransport, options: DashboardOptions<never>, headerOf: HeaderOf) => Promise<App>;
/** Makes `authorize` for the framework's own request. */
export type HeaderOf = <R>(header: (request: R, name: string) => string | undefined) => Authorize<R>;

export const script = 'assets/index-B7x.js';

/** What a build leaves, in small. */
export function builtPages(): URL {
  const folder = mkdtempSync(join(tmpdir(), 'ojs-dashboard-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(
    join(folder, 'index.html'),
    `<!doctype html><meta name="ojs-api-root" content="../"><link rel="stylesheet" href="./assets/index-A1.css"><script type="module" crossorigin src="./${script}"></script>`,
  );
  writeFileSync(join(folder, 'assets/index-A1.css'), 'body{}');
  writeFileSync(join(folder, script), `export const text = '${'jobs '.repeat(400)}';\n`);
  return pathToFileURL(`${folder}/`);
}

/** Serves at an address of this machine. */
export async function listening(handler: RequestListener): Promise<App & { readonly origin: string }> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  return {
    origin,
    fetch: (path, init) => fetch(`${origin}${path}`, init),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Serves a handler of the Fetch standard, as the runtimes of Hono and Next.js do. */
export function listeningWeb(handler: (request: Request) => Promise<Response>): Promise<App> {
  return listening(async (request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const { method = 'GET', headers, url } = request;
    const hasBody = headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined;
    const asked = new Request(`http://${headers.host}${url}`, {
      method,
      headers: Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
      signal: gone.signal,
      ...(hasBody && method !== 'GET' && { body: new ReadableStream(webSource(request)), duplex: 'half' }),
    });
    const answer = await handler(asked).catch(() => new Response(null, { status: 500 }));
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body === null) response.end();
    else await pipeline(Readable.from(answer.body), response).catch(() => {});
  });
}

function webSource(body: Readable) {
  const chunks = body.iterator({ destroyOnReturn: false });
  return {
    async pull(controller: ReadableStreamDefaultController<Uint8Array>) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  };
}

/** Who the header `x-user` names. */
const authorizeBy: HeaderOf = (header) => (request) => {
  const user = header(request, 'x-user') ?? 'admin';
  switch (user) {
    case 'nobody':
      return false;
    case 'admin':
      return true;
    case 'alice':
      return { roles: ['viewer'], name: 'alice' };
    case 'mail':
      return { roles: ['operator'], queues: ['mail'], name: 'mail' };
    case 'support':
      return { roles: ['inspector'], redact: ['args[0].card'] };
    default:
      throw new Error(`nobody is called ${user}`);
  }
};

/** What the pages send with everything that is no GET. */
export const own = { 'x-ojs-csrf': '1', 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' };

const api = '/ops/jobs/ojs/v1';

/** The members of answers that the tests look at. */
export interface Answered {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
  readonly job: { readonly id: string; readonly args: unknown };
  readonly items: readonly unknown[];
  readonly implementation: { readonly name: string };
}

export async function read(answer: Response): Promise<Answered> {
  return JSON.parse(await answer.text());
}

/** The addresses of a page as a browser sees them: of its script, of the root of the pages, and of the API. */
export async function addressesOf(page: Response, url: URL): Promise<{ script: URL; root: URL; apiRoot: URL }> {
  const html = await page.text();
  const src = /<script [^>]*src="([^"]*)"/.exec(html)?.[1] ?? 'no script';
  const meta = /<meta name="ojs-api-root" content="([^"]*)">/.exec(html)?.[1] ?? 'no API';
  const address = new URL(src, url);
  const root = new URL('..', address);
  return { script: address, root, apiRoot: new URL(meta, root) };
}

/** Reads a stream until its text has something; the reader stays open. */
export async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, wanted: RegExp): Promise<string> {
  const decoder = new TextDecoder();
  for (let text = ''; ; ) {
    if (wanted.test(text)) return text;
    const { done, value } = await reader.read();
    if (done) throw new Error(`the stream has ended after ${text}`);
    text += decoder.decode(value, { stream: true });
  }
}

/** What every framework's mount must do. */
export function exerciseMount(name: string, open: OpenApp): void {
  const pages = builtPages();
  const serving = async (
    work: (app: App, engine: Embedded, streams: readonly AbortSignal[]) => Promise<void>,
    options: DashboardOptions<never> = {},
  ) => {
    const engine = await openEmbedded('memory:');
    const streams: AbortSignal[] = [];
    // The engine itself; the signals of its streams tell when they end.
    const watched: GuardedTransport = {
      honorsGrants: true,
      call: (call, context) => engine.call(call, context),
      stream: (call, context) => {
        if (context?.signal) streams.push(context.signal);
        return engine.stream(call, context);
      },
      [Symbol.asyncDispose]: async () => {},
    };
    try {
      await using app = await open(watched, { pages, ...options }, authorizeBy);
      await work(app, engine, streams);
    } finally {
      await engine[Symbol.asyncDispose]();
    }
  };

  test(`${name}: the pages work at every depth below the prefix, with and without its slash`, () =>
    serving(async (app) => {
      for (const path of ['', '/', '/queues', '/queues/', '/queues/mail?tab=limits', '/jobs/1/graph']) {
        const page = await app.fetch(`/ops/jobs${path}`);
        expect([path, page.status, page.headers.get('content-type')]).toEqual([path, 200, 'text/html; charset=utf-8']);
        expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
        const { script: address, root, apiRoot } = await addressesOf(page, new URL(page.url));
        expect([path, address.pathname]).toEqual([path, `/ops/jobs/${script}`]);
        expect([root.pathname, apiRoot.pathname]).toEqual(['/ops/jobs/', '/ops/jobs/']);
      }
      const file = await app.fetch(`/ops/jobs/${script}`);
      expect([file.status, file.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8']);
      expect(await file.text()).toContain('jobs jobs');
      const again = { headers: { 'if-none-match': file.headers.get('etag') ?? '' } };
      expect((await app.fetch(`/ops/jobs/${script}`, again)).status).toBe(304);
      expect((await app.fetch('/ops/jobs/assets/old.js')).status).toBe(404);
      expect((await app.fetch('/ops/jobs/', { method: 'HEAD' })).status).toBe(200);
      expect((await app.fetch('/ops/jobs/', { method: 'POST', headers: own })).status).toBe(405);
    }));

  test(`${name}: a call of the API keeps every number as it was sent`, () =>
    serving(async (app) => {
      const body = '{"type":"a.b","args":[12345678901234567890,1.0]}';
      const sent = await app.fetch(`${api}/jobs`, { method: 'POST', headers: own, body });
      expect([sent.status, sent.headers.get('content-type')]).toEqual([201, 'application/openjobspec+json']);
      expect(sent.headers.get('x-request-id')).toMatch(/^req_/);
      const { job } = JSON.parse(await sent.text());
      const known = await app.fetch(`${api}/jobs/${job.id}`);
      expect(await known.text()).toContain('[12345678901234567890,1.0]');
      const listed = await app.fetch(`${api}/admin/jobs?queue=default&type=a.b`);
      expect((await read(listed)).items).toHaveLength(1);
      const manifest = await app.fetch('/ops/jobs/ojs/manifest');
      expect((await read(manifest)).implementation.name).toBe('ojs-ts');
    }));

  test(`${name}: the session says who may do what; there is no login`, () =>
    serving(async (app) => {
      const session = async (user: string) =>
        (await app.fetch('/ops/jobs/session', { headers: { 'x-user': user } })).json();
      expect(await session('alice')).toMatchObject({
        required: true,
        authenticated: true,
        principal: 'alice',
        roles: ['viewer'],
        rights: ['inspect', 'read', 'list'],
        queues: ['*'],
        sees_arguments: false,
        docs_url: expect.stringMatching(/^https:/),
        mode: 'mounted',
      });
      expect(await session('nobody')).toMatchObject({ authenticated: false, rights: [], queues: [] });
      const login = await app.fetch('/ops/jobs/session', { method: 'POST', headers: own, body: '{"token":"x"}' });
      expect([login.status, login.headers.get('allow')]).toEqual([405, 'GET']);
      expect((await read(login)).error.message).toContain('no login of its own');
    }));

  test(`${name}: whom authorize refuses sees nothing; a role does no more than its rights`, () =>
    serving(async (app, engine) => {
      const as = (user: string) => ({ headers: { ...own, 'x-user': user } });
      const page = await app.fetch('/ops/jobs/', as('nobody'));
      expect([page.status, page.headers.get('content-type')]).toEqual([403, 'text/plain; charset=utf-8']);
      const refused = await app.fetch(`${api}/queues`, as('nobody'));
      expect([refused.status, (await read(refused)).error.code]).toEqual([401, 'unauthenticated']);
      const denied = await app.fetch(`${api}/queues/mail/pause`, { method: 'POST', ...as('alice') });
      expect([denied.status, (await read(denied)).error.message]).toEqual([
        403,
        'This call needs the right `operate` (role operator or admin). The caller has the role viewer.',
      ]);
      const paused = await app.fetch(`${api}/queues/mail/pause`, { method: 'POST', ...as('mail') });
      expect(paused.status).toBe(200);
      const foreign = await app.fetch(`${api}/queues/default/pause`, { method: 'POST', ...as('mail') });
      expect(foreign.status).toBe(403);
      const { items } = JSON.parse((await engine.call({ operation: 'audit.list' })).text);
      expect(
        items.map(({ event_type, principal, outcome }: Record<string, unknown>) => [event_type, principal, outcome]),
      ).toEqual([
        ['authorization.denied', 'mail', 'failure'],
        ['queue.paused', 'mail', 'success'],
        ['authorization.denied', 'alice', 'failure'],
      ]);
    }));

  test(`${name}: arguments are shown to whom may see them`, () =>
    serving(async (app, engine) => {
      const { id } = await new Client(engine).enqueue('a.b', [{ card: '4111', name: 'Ann' }]);
      const args = async (user: string) =>
        (await read(await app.fetch(`${api}/jobs/${id}`, { headers: { 'x-user': user } }))).job.args;
      expect(await args('alice')).toEqual([]);
      expect(await args('support')).toEqual([{ card: '[redacted]', name: 'Ann' }]);
      expect(await args('admin')).toEqual([{ card: '4111', name: 'Ann' }]);
    }));

  test(`${name}: no page of another origin changes anything`, () =>
    serving(async (app) => {
      const body = '{"type":"a.b","args":[]}';
      const status = async (headers: Record<string, string>) =>
        (
          await app.fetch(`${api}/jobs`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...headers },
            body,
          })
        ).status;
      expect(await status({ 'sec-fetch-site': 'same-origin' })).toBe(403);
      expect(await status({ 'x-ojs-csrf': '1' })).toBe(403);
      expect(await status({ 'x-ojs-csrf': '1', 'sec-fetch-site': 'same-site' })).toBe(403);
      expect(await status({ 'x-ojs-csrf': '1', 'sec-fetch-site': 'cross-site' })).toBe(403);
      expect(await status({ 'x-ojs-csrf': '1', origin: 'https://evil.example' })).toBe(403);
      expect(await status({ 'x-ojs-csrf': '1', 'sec-fetch-site': 'same-origin' })).toBe(201);
      const { origin } = new URL((await app.fetch('/ops/jobs/')).url);
      expect(await status({ 'x-ojs-csrf': '1', origin })).toBe(201);
      const foreign = { headers: { 'sec-fetch-site': 'cross-site' } };
      expect((await app.fetch(`${api}/queues`, foreign)).status).toBe(403);
    }));

  test(`${name}: what is not there, and what workers do, is 404`, () =>
    serving(async (app) => {
      const asked = async (method: string, path: string) => {
        const answer = await app.fetch(`/ops/jobs/ojs${path}`, { method, headers: own });
        const { error } = await read(answer);
        return [answer.status, error?.code, error?.hint];
      };
      const routes = 'A mounted dashboard has the routes under /ojs/v1 of a server, except those for workers.';
      expect(await asked('GET', '/v1/nothing')).toEqual([404, 'not_found', routes]);
      expect(await asked('POST', '/v1/workers/fetch')).toEqual([404, 'not_found', routes]);
      expect(await asked('PUT', '/v1/queues')).toEqual([404, 'not_found', 'This path takes GET, POST.']);
      // Fastify refuses such a path itself.
      expect((await asked('GET', '/v1/jobs/%E0%A4'))[0]).toBe(400);
      expect((await asked('GET', '/v1/jobs/01a22351-4e62-7868-9a3e-5f9525f8a381')).slice(0, 2)).toEqual([
        404,
        'not_found',
      ]);
    }));

  test(`${name}: a body that is too large, of another kind or no UTF-8 is refused`, () =>
    serving(
      async (app) => {
        const sent = async (body: RequestInit['body'], type = 'application/json') => {
          const init = { method: 'POST', headers: { ...own, 'content-type': type }, body: body ?? null };
          const answer = await app.fetch(`${api}/jobs`, init);
          return [answer.status, (await read(answer)).error.code];
        };
        const large = `{"type":"a.b","args":["${'x'.repeat(2_000)}"]}`;
        expect(await sent(large)).toEqual([413, 'envelope_too_large']);
        const pieces = new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode(large));
            controller.close();
          },
        });
        const streamed = { method: 'POST', headers: own, body: pieces, duplex: 'half' } as const;
        expect((await app.fetch(`${api}/jobs`, streamed)).status).toBe(413);
        expect(await sent('{}', 'text/plain')).toEqual([400, 'invalid_request']);
        expect(await sent(new Uint8Array([0x22, 0xff, 0x22]))).toEqual([400, 'invalid_payload']);
        expect(await sent('{"type":')).toEqual([400, 'invalid_payload']);
      },
      { bodyLimit: 1_000 },
    ));

  test(`${name}: a stream delivers events as they happen, and ends with its client`, () =>
    serving(async (app, engine, streams) => {
      const client = new Client(engine);
      await client.enqueue('a.b', [], { queue: 'mail' });
      const left = new AbortController();
      const all = await app.fetch(`${api}/events/stream`, { signal: left.signal });
      expect([all.status, all.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
      const reader = all.body?.getReader();
      if (reader === undefined) throw new Error('the stream has no body');
      await readUntil(reader, /^id: [\d.]+$/m);
      await client.enqueue('a.b', [], { queue: 'mail' });
      expect(await readUntil(reader, /"a\.b"/)).toContain('event: job.');
      const signal = streams[0];
      const ended = new Promise((resolve) => signal?.addEventListener('abort', resolve));
      left.abort();
      await reader.cancel().catch(() => {});
      await ended;
      const summaries = await app.fetch(`${api}/admin/events/summaries`, { headers: { 'x-user': 'mail' } });
      const summary = summaries.body?.getReader();
      if (summary === undefined) throw new Error('the stream has no body');
      await readUntil(summary, /"count":0/);
      await client.enqueue('a.b', [], { queue: 'other' });
      await client.enqueue('a.b', [], { queue: 'mail' });
      expect(await readUntil(summary, /"queues":\["mail"\]/)).not.toContain('other');
      await summary.cancel();
      const denied = await app.fetch(`${api}/events/stream`, { headers: { 'x-user': 'mail' } });
      expect(denied.status).toBe(403);
      await denied.text();
      const own = await app.fetch(`${api}/queues/mail/events`, { headers: { 'x-user': 'mail', 'last-event-id': '1' } });
      const one = own.body?.getReader();
      if (one === undefined) throw new Error('the stream has no body');
      await readUntil(one, /"a\.b"/);
      await one.cancel();
    }));

  test(`${name}: an error of authorize is the application's`, () =>
    serving(async (app) => {
      const answer = await app.fetch('/ops/jobs/', { headers: { 'x-user': 'ghost' } }).catch(() => null);
      expect(answer?.status ?? 500).toBe(500);
    }));
}
