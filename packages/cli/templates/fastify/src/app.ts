import { fastifyOjs } from '@ojs-ts/sdk/fastify';
import { type FastifyInstance, fastify } from 'fastify';
import { emailWelcome } from './jobs.ts';

const signUp = {
  type: 'object',
  properties: { to: { type: 'string' }, name: { type: 'string' } },
  required: ['to', 'name'],
} as const;

/** The web application. It enqueues jobs; the worker is a process of its own. */
export async function buildApp(logger = false): Promise<FastifyInstance> {
  const app = fastify({ logger });
  await app.register(fastifyOjs, { health: '/health' });

  app.post<{ Body: { to: string; name: string } }>('/welcome', { schema: { body: signUp } }, async (request, reply) => {
    const { to, name } = request.body;
    const { id } = await app.ojs.client.enqueue(emailWelcome, [to, name]);
    return reply.code(202).send({ id });
  });

  app.get<{ Params: { id: string } }>('/welcome/:id', async (request) => {
    const { id, state, result } = await app.ojs.client.getJob(emailWelcome, request.params.id);
    return { id, state, result };
  });

  return app;
}
