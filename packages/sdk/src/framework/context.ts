import type { NamesOf } from '@ojs-ts/core';
import { compact, type Meta } from '../json.ts';
import { known } from '../options/known.ts';

/**
 * What of a request its jobs carry in `meta` (ojs-framework-adapters §7.1). A field left out is taken from the
 * request's headers, where they have it.
 */
export interface RequestContext {
  /** `ojs.context.request_id`; default: the header X-Request-ID. */
  requestId?: string | undefined;
  /** `ojs.context.user_id`. */
  userId?: string | undefined;
  /** `tenant_id`. Not taken from a header: a client could choose it. */
  tenantId?: string | undefined;
  /** `ojs.context.locale`; default: the first of the header Accept-Language. */
  locale?: string | undefined;
  /** W3C Trace Context; default: the header. */
  traceparent?: string | undefined;
  tracestate?: string | undefined;
  /** Anything else, as it is. */
  meta?: Meta | undefined;
}

const contextNames: NamesOf<RequestContext> = {
  requestId: true,
  userId: true,
  tenantId: true,
  locale: true,
  traceparent: true,
  tracestate: true,
  meta: true,
};

/** Anybody can send headers; longer ones are left out. */
const maxLength = 512;

/**
 * The meta of a request's jobs. `header` reads a header by its lower-case name. @throws {OJSValidationError} for an
 * unknown name in what was given.
 */
export function metaOf(header: (name: string) => string | undefined, given: RequestContext = {}): Meta {
  known(given, contextNames, 'context');
  const short = (name: string) => {
    const value = header(name);
    return value !== undefined && value !== '' && value.length <= maxLength ? value : undefined;
  };
  return compact({
    'ojs.context.request_id': given.requestId ?? short('x-request-id'),
    'ojs.context.user_id': given.userId,
    tenant_id: given.tenantId,
    'ojs.context.locale': given.locale ?? short('accept-language')?.split(/[,;]/, 1)[0]?.trim(),
    traceparent: given.traceparent ?? short('traceparent'),
    tracestate: given.tracestate ?? short('tracestate'),
    ...given.meta,
  });
}

/** Reads headers as Node keeps them. */
export function nodeHeader(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): (name: string) => string | undefined {
  return (name) => {
    const value = headers[name];
    return typeof value === 'string' ? value : value?.[0];
  };
}
