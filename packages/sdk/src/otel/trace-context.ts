import type { Meta } from '../json.ts';
import type { Api, OtelContext, SpanContext } from './api.ts';

/** W3C Trace Context §3.2. A later version may append fields. */
const traceparent = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;

/** The span context in `meta` (ojs-observability §5.1); undefined if there is none, or a malformed one. */
export function spanContextIn(api: Api, meta: Meta, key = 'traceparent'): SpanContext | undefined {
  const text = meta[key];
  const parts = typeof text === 'string' ? traceparent.exec(text) : null;
  if (parts === null) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = parts;
  const state =
    key === 'traceparent' && typeof meta.tracestate === 'string' ? api.createTraceState(meta.tracestate) : undefined;
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(state && { traceState: state }),
  };
}

/**
 * The meta for a job that the active span of `context` enqueues: W3C Trace Context, and baggage if a propagator for it
 * is set.
 */
export function metaWith(api: Api, meta: Meta, context: OtelContext): Meta {
  const span = api.trace.getSpanContext(context);
  if (span === undefined || /^0*$/.test(span.traceId)) return meta;
  const { tracestate: _, ...rest } = meta;
  const flags = (span.traceFlags & 0xff).toString(16).padStart(2, '0');
  const state = span.traceState?.serialize();
  const carrier: Record<string, unknown> = {};
  api.propagation.inject(context, carrier);
  return {
    ...rest,
    traceparent: `00-${span.traceId}-${span.spanId}-${flags}`,
    ...(state && { tracestate: state }),
    ...(typeof carrier.baggage === 'string' && carrier.baggage !== '' && { baggage: carrier.baggage }),
  };
}

/** Only the baggage: the trace itself is linked, not continued (ojs-observability §5.2, ojs-distributed-tracing §9). */
export function withBaggage(api: Api, context: OtelContext, meta: Meta): OtelContext {
  return typeof meta.baggage === 'string' ? api.propagation.extract(context, { baggage: meta.baggage }) : context;
}
