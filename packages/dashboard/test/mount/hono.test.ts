import { openEmbedded } from '@ojs-ts/server';
import { type Context, Hono } from 'hono';
import { expect, test } from 'vitest';
import { honoDashboard } from '../../src/hono.ts';
import { addressesOf, builtPages, exerciseMount, listeningWeb, script } from './support.ts';

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
  inner.all('/jobs/*', honoDashboard(engine, { pages: builtPages() }));
  const app = new Hono().basePath('/company');
  app.use('*', async (_context, next) => next());
  app.route('/ops', inner);
  for (const path of ['/company/ops/jobs', '/company/ops/jobs/', '/company/ops/jobs/queues/mail']) {
    const url = new URL(path, 'http://localhost');
    const page = await app.fetch(new Request(url));
    expect([path, (await addressesOf(page, url)).script.pathname]).toEqual([path, `/company/ops/jobs/${script}`]);
  }
});
