import type { NamesOf } from '@ojs-ts/core';
import { compact, type Meta } from '../json.ts';
import { checkNames } from '../options/check-names.ts';

/**
 * The part of a request's context that its jobs carry in `meta` (ojs-framework-adapters §7.1). An omitted field is read
 * from the request's headers, if they have it.
 */
export interface RequestContext {
  /** Becomes `ojs.context.request_id`. Default: the header X-Request-ID. */
  requestId?: string | undefined;
  /** Becomes `ojs.context.user_id`. */
  userId?: string | undefined;
  /** Becomes `tenant_id`. Never read from a header, because a client could choose it. */
  tenantId?: string | undefined;
  /** Becomes `ojs.context.locale`. Default: the first language of the header Accept-Language. */
  locale?: string | undefined;
  /** W3C Trace Context. Default: the header of the same name. */
  traceparent?: string | undefined;
  tracestate?: string | undefined;
  /** Other fields for `meta`, unchanged. */
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

/** Clients control the headers: longer values are left out. Characters. */
const maxLength = 512;

/**
 * The meta for a request's jobs. `header` reads a header by its lower-case name.
 * @throws {OJSValidationError} for an unknown name in `given`.
 */
export function metaOf(header: (name: string) => string | undefined, given: RequestContext = {}): Meta {
  checkNames(given, contextNames, 'context');
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

/** Reads headers in the form that Node keeps them. */
export function nodeHeader(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): (name: string) => string | undefined {
  return (name) => {
    const value = headers[name];
    return typeof value === 'string' ? value : value?.[0];
  };
}
