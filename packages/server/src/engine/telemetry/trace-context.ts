import { isObject } from '@ojs-ts/core';
import type { JobRecord } from '@ojs-ts/core/job';
import type { Api, SpanContext } from './otel-api.ts';

/** W3C Trace Context §3.2. A later version may append fields. */
const traceparent = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;

/** The span that `traceparent` and `tracestate` name, in headers or in the meta of a job. */
export function spanContextIn(api: Api, carrier: Readonly<Record<string, unknown>>): SpanContext | undefined {
  const { traceparent: text, tracestate: state } = carrier;
  const parts = typeof text === 'string' ? traceparent.exec(text) : null;
  if (parts === null) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = parts;
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(typeof state === 'string' && { traceState: api.createTraceState(state) }),
  };
}

/** The span that enqueued the job (ojs-observability §5.1). */
export function enqueueSpanOf(api: Api, { envelope }: Pick<JobRecord, 'envelope'>): SpanContext | undefined {
  if (!envelope.includes('"traceparent"')) return undefined;
  const read: unknown = JSON.parse(envelope);
  const meta = isObject(read) ? read.meta : undefined;
  return isObject(meta) ? spanContextIn(api, meta) : undefined;
}
