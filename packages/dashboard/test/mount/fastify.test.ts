import { openEmbedded } from '@ojs-ts/server';
import fastify, { type FastifyRequest } from 'fastify';
import { expect, test } from 'vitest';
import { fastifyDashboard } from '../../src/fastify.ts';
import { builtPages, exerciseMount, readUntil } from './support.ts';

exerciseMount('fastify', async (engine, options, authorizeBy) => {
  const app = fastify();
  const authorize = authorizeBy((request: FastifyRequest, name) => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : undefined;
  });
  await app.register(fastifyDashboard<FastifyRequest>, { prefix: '/ops/jobs', engine, ...options, authorize });
  app.post('/echo', async ({ body }) => body);
  const origin = await app.listen({ port: 0, host: '127.0.0.1' });
  return { fetch: (path, init) => fetch(`${origin}${path}`, init), [Symbol.asyncDispose]: () => app.close() };
});

test('the parsers of the application stay as they are, and its close ends the streams', async () => {
  await using engine = await openEmbedded('memory:');
  const app = fastify();
  await app.register(fastifyDashboard<FastifyRequest>, { prefix: '/ops/jobs', engine, pages: builtPages() });
  app.post('/echo', async ({ body }) => body);
  const origin = await app.listen({ port: 0, host: '127.0.0.1' });
  const headers = { 'content-type': 'application/json' };
  const echo = await fetch(`${origin}/echo`, { method: 'POST', headers, body: '{"a":[1]}' });
  expect(await echo.json()).toEqual({ a: [1] });
  const stream = await fetch(`${origin}/ops/jobs/ojs/v1/events/stream`);
  const reader = stream.body?.getReader();
  if (reader === undefined) throw new Error('the stream has no body');
  await readUntil(reader, /^id: /m);
  await app.close();
  expect((await reader.read()).done).toBe(true);
});
