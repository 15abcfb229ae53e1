import { isUuidv7 } from '@ojs-ts/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Warn } from './connections.ts';
import { addressOf } from './proxies.ts';

/**
 * A line for every answered request. The route has its placeholders instead of values, and the query is left out: both
 * may hold values that must not be in a log.
 */
export function addAccessLog(app: FastifyInstance, write: Warn): void {
  app.addHook('onResponse', async (request, reply) => {
    write(
      {
        method: request.method,
        route: request.routeOptions.url ?? null,
        status: reply.statusCode,
        duration_ms: Math.round(reply.elapsedTime * 10) / 10,
        bytes: bytesOf(reply),
        request_id: request.id,
        principal: request.holder?.name ?? null,
        source_ip: addressOf(request),
        job_id: jobOf(request),
      },
      'request',
    );
  });
}

/** Null for a stream, whose length is not known before its end. */
function bytesOf(reply: FastifyReply): number | null {
  const length = reply.getHeader('content-length');
  return length === undefined ? null : Number(length);
}

function jobOf({ params, routeOptions: { url = '' } }: FastifyRequest): string | null {
  if (!url.includes('/jobs/:id') || typeof params !== 'object' || params === null || !('id' in params)) return null;
  const { id } = params;
  return typeof id === 'string' && isUuidv7(id) ? id : null;
}
