import { openEmbedded } from '@ojs-ts/server';
import { type Context, Hono } from 'hono';
import { expect, test } from 'vitest';
import { honoDashboard } from '../../src/hono.ts';
import { addressesOf, builtPages, exerciseMount, listeningWeb, read, script } from './support.ts';

exerciseMount('hono', async (engine, options, authorizeBy) => {
  const app = new Hono();
  const authorize = authorizeBy((context: Context, name) => context.req.header(name));
  app.all('/ops/jobs/*', honoDashboard(engine, { ...options, authorize }));
  app.onError((_error, context) => context.body(null, 500));
  return listeningWeb(async (request) => app.fetch(request));
});

test('in an application that is a route of another, with a base path and middleware before', async () => {
  await using engine = await openEmbedded('memory:');
  const inner = new Hono();
  inner.all('/jobs/*', honoDashboard(engine, { pages: builtPages(), authorize: () => true }));
  const app = new Hono().basePath('/company');
  app.use('*', async (_context, next) => next());
  app.route('/ops', inner);
  for (const path of ['/company/ops/jobs', '/company/ops/jobs/', '/company/ops/jobs/queues/mail']) {
    const url = new URL(path, 'http://localhost');
    const page = await app.fetch(new Request(url));
    expect([path, (await addressesOf(page, url)).script.pathname]).toEqual([path, `/company/ops/jobs/${script}`]);
  }
});

test('without authorize it answers to this machine only, and only where the runtime tells who asks', async () => {
  await using engine = await openEmbedded('memory:');
  const app = new Hono();
  app.all('/jobs/*', honoDashboard(engine, { pages: builtPages() }));
  const ask = async (env?: object) => {
    const answer = await app.fetch(new Request('http://localhost/jobs/ojs/v1/queues'), env);
    return [answer.status, answer.status === 200 ? '' : (await read(answer)).error.message];
  };
  const node = (remoteAddress: string) => ({ incoming: { socket: { remoteAddress } } });
  const deno = (hostname: string) => ({ remoteAddr: { hostname } });
  const bun = (address: string) => ({ requestIP: () => ({ address }) });
  for (const env of [node('127.0.0.1'), node('::ffff:127.0.0.1'), deno('::1'), bun('127.0.0.1')])
    expect(await ask(env)).toEqual([200, '']);
  for (const env of [node('192.0.2.2'), deno('192.0.2.2'), bun('192.0.2.2')])
    expect(await ask(env)).toEqual([403, expect.stringContaining('answers to this machine only')]);
  for (const env of [undefined, {}, node('')]) expect((await ask(env))[0]).toBe(403);
  expect((await ask())[1]).toContain('does not learn from which machine');
});
