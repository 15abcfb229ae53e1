import type { JobContext } from '../worker/context.ts';
import type { EnqueueMiddleware, ExecutionMiddleware } from './types.ts';

/** W3C Trace Context, as it stands in a job's meta (ojs-observability §4.1, OBS-001). */
export interface TraceContext {
  /** `00-` trace id, span id, flags. */
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** A version, 32 and 16 hexadecimal digits that are not all zero, flags (W3C Trace Context §3.2). */
const form = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/** Under what the execution middleware leaves the context, in `ctx.locals`. */
export const traceContextKey: unique symbol = Symbol.for('@ojs-ts/sdk.traceContext');

/** Puts the context of whoever enqueues into `meta`. One that the request has already stays. @param current answers the context of now, or undefined. */
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
 * Takes the context out of a job's `meta` and leaves it where {@link traceContextOf} finds it; what is malformed counts as none.
 * @param restore makes it the context of now around the inside, such as `AsyncLocalStorage.run` or a tracer's own means do.
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

/** Of the execution; undefined where the job came without, or the middleware is not there. */
export function traceContextOf(context: JobContext): TraceContext | undefined {
  const found = context.locals.get(traceContextKey);
  return typeof found === 'object' && found !== null ? readTraceContext({ ...found }) : undefined;
}

function readTraceContext(meta: Readonly<Record<string, unknown>>): TraceContext | undefined {
  const { traceparent, tracestate } = meta;
  if (typeof traceparent !== 'string' || !form.test(traceparent)) return undefined;
  return { traceparent, ...(typeof tracestate === 'string' && { tracestate }) };
}
