import type { JobContext } from '../worker/execution/context.ts';
import type { EnqueueMiddleware, ExecutionMiddleware } from './types.ts';

/** The W3C Trace Context in the `meta` of a job (ojs-observability §4.1, OBS-001). */
export interface TraceContext {
  /** `00-TRACE_ID-SPAN_ID-FLAGS`. */
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** A version, 32 and 16 hexadecimal digits that are not all zero, flags (W3C Trace Context §3.2). */
const form = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/** The key of the context in `ctx.locals`. */
export const traceContextKey: unique symbol = Symbol.for('@ojs-ts/sdk.traceContext');

/**
 * Puts the trace context of the caller into `meta`, unless the request has one (ojs-observability §4.1).
 * @param current returns the current context, or undefined.
 */
export function traceContextEnqueueMiddleware(current: () => TraceContext | undefined): EnqueueMiddleware {
  return async function traceContext(request, next) {
    const context = request.meta?.traceparent === undefined ? current() : undefined;
    if (context !== undefined && form.test(context.traceparent)) {
      const { traceparent, tracestate } = context;
      request.meta = {
        ...request.meta,
        traceparent,
        ...(tracestate !== undefined && tracestate !== '' && { tracestate }),
      };
    }
    return next(request);
  };
}

/**
 * Reads the trace context of a job for {@link traceContextOf}. A malformed context counts as none.
 * @param restore runs the inner middleware and the handler in the context, for example with `AsyncLocalStorage.run`.
 */
export function traceContextMiddleware(
  restore?: <T>(context: TraceContext, inside: () => Promise<T>) => Promise<T>,
): ExecutionMiddleware {
  return async function traceContext(context, next) {
    const found = readTraceContext(context.meta);
    if (found === undefined) return await next();
    context.locals.set(traceContextKey, found);
    return restore === undefined ? await next() : await restore(found, () => next());
  };
}

/** The trace context of the execution; undefined if the job has none, or without the middleware. */
export function traceContextOf(context: JobContext): TraceContext | undefined {
  const found = context.locals.get(traceContextKey);
  return typeof found === 'object' && found !== null ? readTraceContext({ ...found }) : undefined;
}

function readTraceContext(meta: Readonly<Record<string, unknown>>): TraceContext | undefined {
  const { traceparent, tracestate } = meta;
  if (typeof traceparent !== 'string' || !form.test(traceparent)) return undefined;
  return { traceparent, ...(typeof tracestate === 'string' && { tracestate }) };
}
