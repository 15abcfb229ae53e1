import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { GuardedTransport } from '@ojs-ts/core';
import { Mount } from './mount/mount.ts';
import { nodeRequest } from './mount/node.ts';
import type { DashboardOptions } from './mount/options.ts';
import { depthOf, placeOf } from './mount/request.ts';

export type { Authorize, DashboardOptions, Visitor } from './mount/options.ts';

/** The members of a Fastify 4 or 5 request that the dashboard uses. */
export interface FastifyRequestLike {
  readonly raw: IncomingMessage;
  readonly url: string;
  readonly ip: string;
}

/** The members of Fastify's reply that the dashboard uses. */
export interface FastifyReplyLike {
  readonly raw: ServerResponse;
  code(status: number): unknown;
  headers(values: Readonly<Record<string, string>>): unknown;
  send(payload?: unknown): unknown;
}

/** The members of a Fastify instance that the dashboard uses. */
export interface FastifyLike<Q extends FastifyRequestLike> {
  readonly prefix: string;
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    type: string,
    parser: (request: Q, payload: IncomingMessage, done: (error: Error | null, body?: unknown) => void) => void,
  ): unknown;
  addHook(name: 'preClose', hook: () => Promise<void>): unknown;
  route(route: {
    method: string[];
    url: string;
    handler: (request: Q, reply: FastifyReplyLike) => Promise<unknown>;
  }): unknown;
}

/** Options of {@link fastifyDashboard}. */
export interface FastifyDashboardOptions<Q> extends DashboardOptions<Q> {
  /** From `openEmbedded()`. */
  readonly engine: GuardedTransport;
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
/** Fastify reads these options of `register` itself, and passes them on. */
const ofFastify: ReadonlySet<string> = new Set(['prefix', 'logLevel', 'logSerializers']);

/**
 * A Fastify plugin: `await app.register(fastifyDashboard, { prefix: '/ops/jobs', engine, authorize })`. The body
 * parsers of the application do not apply to it. Its streams end when the application closes.
 * @throws TypeError for wrong options, and outside of development without `authorize`.
 */
export async function fastifyDashboard<Q extends FastifyRequestLike>(
  fastify: FastifyLike<Q>,
  { engine, ...rest }: FastifyDashboardOptions<Q>,
): Promise<void> {
  const options: DashboardOptions<Q> = Object.fromEntries(
    Object.entries(rest).filter(([name]) => !ofFastify.has(name)),
  );
  const mount = new Mount(engine, options);
  const depth = depthOf(fastify.prefix);
  fastify.removeAllContentTypeParsers();
  // The mount reads the body itself, as text.
  fastify.addContentTypeParser('*', (_request, _payload, done) => done(null));
  fastify.addHook('preClose', async () => mount.close());
  const handler = async (request: Q, reply: FastifyReplyLike) => {
    const place = placeOf(request.url.split('?', 1)[0] ?? '/', depth);
    const { status, headers, body } = await mount.answer(
      nodeRequest(request.raw, reply.raw, place, { request, address: request.ip }),
    );
    reply.code(status);
    reply.headers(headers);
    // Bytes, because Fastify would add a character set to the media type of a text.
    if (typeof body === 'string') return reply.send(Buffer.from(body));
    if (body === null || body instanceof Uint8Array) return reply.send(body ?? undefined);
    return reply.send(Readable.from(body));
  };
  for (const url of ['/', '/*']) fastify.route({ method: methods, url, handler });
}
