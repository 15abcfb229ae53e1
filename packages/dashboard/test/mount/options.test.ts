import { Client } from '@ojs-ts/sdk';
import { openEmbedded } from '@ojs-ts/server';
import { afterEach, expect, test, vi } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { expressDashboard } from '../../src/express.ts';
import { fastifyDashboard } from '../../src/fastify.ts';
import { honoDashboard } from '../../src/hono.ts';
import { dashboardHandler } from '../../src/index.ts';
import { nextDashboard } from '../../src/next.ts';
import { builtPages, read } from './support.ts';

afterEach(() => void vi.unstubAllEnvs());

const pages = builtPages();

test.each(['production', 'staging', '', undefined])(
  'with NODE_ENV %s no mount starts without authorize',
  async (mode) => {
    vi.stubEnv('NODE_ENV', mode);
    await using engine = await openEmbedded('memory:');
    const message = /authorize is missing, and NODE_ENV is (?:.|\n)*\{ authorize: \(request\) => /;
    expect(() => dashboardHandler(engine, { pages })).toThrow(message);
    expect(() => expressDashboard(engine, { pages })).toThrow(message);
    expect(() => honoDashboard(engine, { pages })).toThrow(message);
    expect(() => nextDashboard(engine, { pages })).toThrow(message);
    const { default: fastify } = await import('fastify');
    const app = fastify();
    await expect(app.register(fastifyDashboard, { engine, pages }).ready()).rejects.toThrow(message);
    expect(() => dashboardHandler(engine, { pages, authorize: () => false })).not.toThrow();
  },
);

const it = testWith(() => openEmbedded('memory:'));

it('a wrong option is an error that names the right one', async (engine) => {
  const given = { pages, authorise: () => true };
  expect(() => dashboardHandler(engine, given)).toThrow('unknown option authorise. Did you mean authorize?');
  expect(() => dashboardHandler(engine, { pages, bodyLimit: 0 })).toThrow('bodyLimit must be a whole number of bytes');
  expect(() => dashboardHandler(engine, { pages: new URL('file:///nowhere/') })).toThrow('npm run setup');
});

it('a transport that would not hold a caller to its roles is refused', async (engine) => {
  const foreign = { call: engine.call.bind(engine), [Symbol.asyncDispose]: async () => {} };
  // @ts-expect-error the compiler refuses it, too
  expect(() => dashboardHandler(foreign, { pages })).toThrow('holds callers to their roles');
});

test.each([
  ['a role that does not exist', '"operater"', 'unknown role operater. Did you mean operator?'],
  ['nothing', 'null', 'expected true, false, a role or { roles }, got null'],
  ['a path that cannot be hidden', '{"roles":["viewer"],"redact":["args"]}', 'args in redact is no path'],
  ['the name of a token', '{"roles":["viewer"],"name":"token_0123456789abcdef"}', 'is how the holder of a token is'],
  ['an empty name', '{"roles":["viewer"],"name":""}', 'name must have 1 to 255 characters'],
])('authorize that answers %s is an error', async (_name, answer, message) => {
  await using engine = await openEmbedded('memory:');
  const authorize = () => JSON.parse(answer);
  const handler = dashboardHandler(engine, { pages, authorize });
  await expect(handler(new Request('http://localhost/'), { path: '/', segment: '' })).rejects.toThrow(message);
});

const ownHeaders = { 'x-ojs-csrf': '1', 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' };

it('visitors without a name share idempotency keys with their own rights only', async (engine) => {
  const authorize = (request: Request) =>
    ({ roles: ['operator'], queues: [request.headers.get('x-queue') ?? ''] }) as const;
  const handler = dashboardHandler(engine, { pages, authorize });
  const send = async (queue: string, path: string, body: object) => {
    const headers = { ...ownHeaders, 'x-queue': queue, 'idempotency-key': 'one' };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    return handler(new Request(`http://localhost${path}`, init), { path, segment: '' });
  };
  const jobOf = (queue: string) => ({ type: 'a.b', args: [], options: { queue } });
  const first = await read(await send('qa', '/ojs/v1/jobs', jobOf('qa')));
  expect((await send('qb', '/ojs/v1/jobs', jobOf('qb'))).status).toBe(201);
  const cancel = { job_ids: [first.job.id] };
  expect((await send('qa', '/ojs/v1/jobs/bulk/cancel', cancel)).status).toBe(200);
  expect((await send('qa', '/ojs/v1/jobs/bulk/cancel', cancel)).status).toBe(200);
  expect((await send('qb', '/ojs/v1/jobs/bulk/cancel', cancel)).status).toBe(403);
});

it('a visitor has no key in common with one whose name begins with this name and a colon', async (engine) => {
  const authorize = (request: Request) => ({ roles: ['admin'], name: request.headers.get('x-user') ?? '' }) as const;
  const handler = dashboardHandler(engine, { pages, authorize });
  const send = async (user: string, key: string) => {
    const headers = { ...ownHeaders, 'x-user': user, 'idempotency-key': key };
    const init = { method: 'POST', headers, body: '{"type":"a.b","args":[]}' };
    const path = '/ojs/v1/jobs';
    return (await read(await handler(new Request(`http://localhost${path}`, init), { path, segment: '' }))).job.id;
  };
  const first = await send('x', 'y:k');
  expect(await send('x:y', 'k')).not.toBe(first);
  expect(await send('x%3Ay', 'k')).not.toBe(await send('x:y', 'k'));
});

it('two visitors with the same idempotency key are two calls', async (engine) => {
  const authorize = (request: Request) => ({ roles: ['admin'], name: request.headers.get('x-user') ?? 'x' }) as const;
  const handler = dashboardHandler(engine, { pages, authorize });
  const send = async (user: string) => {
    const headers = {
      'x-user': user,
      'x-ojs-csrf': '1',
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/json',
      'idempotency-key': 'one',
    };
    const init = { method: 'POST', headers, body: '{"type":"a.b","args":[]}' };
    const path = '/ojs/v1/jobs';
    const answer = await handler(new Request(`http://localhost${path}`, init), { path, segment: '' });
    return (await read(answer)).job.id;
  };
  const first = await send('ann');
  expect(await send('ann')).toBe(first);
  expect(await send('bob')).not.toBe(first);
  expect((await new Client(engine).queueStats('default')).available).toBe(2);
});

it('without authorize a Fetch handler answers only to a connection of this machine that it is told of', async (engine) => {
  const handler = dashboardHandler(engine, { pages });
  const path = '/ojs/v1/queues';
  const status = async (host: string, peer?: string) =>
    (await handler(new Request(`http://${host}${path}`), { path, segment: '', peer })).status;
  expect(await status('localhost')).toBe(403);
  expect(await status('localhost', '192.0.2.2')).toBe(403);
  expect(await status('evil.example', '127.0.0.1')).toBe(403);
  expect(await status('localhost', '127.0.0.1')).toBe(200);
});

test('Next.js needs authorize in development, because it tells nobody who is connected', async () => {
  vi.stubEnv('NODE_ENV', 'development');
  await using engine = await openEmbedded('memory:');
  expect(() => nextDashboard(engine, { pages })).toThrow('authorize is missing. next dev listens to the network');
});

it('a refused stream of a visitor is in the audit log', async (engine) => {
  const authorize = (request: Request) =>
    request.headers.has('x-admin') || ({ roles: ['viewer'], queues: ['mail'], name: 'ann' } as const);
  const handler = dashboardHandler(engine, { pages, authorize });
  const ask = async (path: string, headers: Record<string, string> = {}) =>
    handler(new Request(`http://localhost${path}`, { headers }), { path, segment: '' });
  expect((await ask('/ojs/v1/events/stream')).status).toBe(403);
  await expect
    .poll(async () => JSON.parse(await (await ask('/ojs/v1/admin/audit', { 'x-admin': '1' })).text()).items)
    .toMatchObject([{ event_type: 'authorization.denied', principal: 'ann', detail: { stream: 'all' } }]);
});
