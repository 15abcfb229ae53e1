import fastify, { type FastifyRequest } from 'fastify';
import { expect, test } from 'vitest';
import { fastifyOjs } from '../../src/fastify/index.ts';
import { isOjsError } from '../../src/index.ts';
import { ask, exerciseFramework, signup } from './signup.ts';

exerciseFramework('fastify', async (options) => {
  const app = fastify();
  await app.register(fastifyOjs, { ...options, health: '/health', context: () => ({ userId: '7' }) });
  app.post('/signup', async (request: FastifyRequest, reply) => {
    const { status, id } = await signup(app.ojs, request.body);
    reply.code(status);
    return { id };
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    post: (path, body, headers) => ask(url, path, body, headers),
    get: (path) => ask(url, path),
    [Symbol.asyncDispose]: () => app.close(),
  };
});

test('without a header the request id is that of Fastify', async () => {
  const { openEmbedded } = await import('@ojs-ts/server');
  await using embedded = await openEmbedded('memory:');
  const app = fastify({ genReqId: () => 'own-id' });
  await app.register(fastifyOjs, { target: embedded });
  app.get('/', async () => (await app.ojs.client.enqueue('a.b', [])).meta);
  expect((await app.inject('/')).json()).toEqual({ 'ojs.context.request_id': 'own-id' });
  await app.close();
});

test('the error handler of the guide hides errors of the OJS server from clients of the application', async () => {
  const target = {
    call: async () => ({
      status: 403,
      headers: {},
      text: '{"error":{"code":"permission_denied","message":"refused"}}',
    }),
    async [Symbol.asyncDispose]() {},
  };
  const app = fastify();
  await app.register(fastifyOjs, { target });
  app.setErrorHandler((error, _request, reply) => {
    if (isOjsError(error)) return reply.code(503).send({ message: 'Jobs cannot be enqueued for now.' });
    return reply.send(error);
  });
  app.get('/', async () => app.ojs.client.enqueue('a.b', []));
  const answer = await app.inject('/');
  expect([answer.statusCode, answer.json()]).toEqual([503, { message: 'Jobs cannot be enqueued for now.' }]);
  await app.close();
});
