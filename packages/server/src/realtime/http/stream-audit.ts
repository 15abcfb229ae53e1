import type { FastifyRequest } from 'fastify';
import { auditStreamRefusal, type Caller } from '../../binding/audit.ts';
import type { Binding } from '../../binding/binding.ts';
import { addressOf } from '../../http/proxies.ts';

export function callerOf(request: FastifyRequest): Caller {
  const owner = request.holder?.name;
  return { address: addressOf(request), requestId: request.id, ...(owner !== undefined && { owner }) };
}

/** The path of a stream, with its placeholders. */
export function urlOf({ routeOptions }: FastifyRequest): string {
  return routeOptions.url ?? '';
}

/** Enters a refusal of a stream into the audit log, as the binding does for calls. */
export function streamAudit(engine: Binding['engine']) {
  return async <T>(request: FastifyRequest, work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      auditStreamRefusal(engine, callerOf(request), urlOf(request), error);
      throw error;
    }
  };
}
