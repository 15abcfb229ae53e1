// The parts of OpenTelemetry in use, as structural types: declarations of this package also compile without its
// packages.

export interface OtelContext {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): OtelContext;
}

export interface SpanContext {
  traceId: string;
  spanId: string;
  traceFlags: number;
  isRemote?: boolean;
  traceState?: TraceState;
}

export interface TraceState {
  serialize(): string;
}

export type Attributes = Record<string, string | number | boolean>;

export interface Link {
  context: SpanContext;
}

export interface Span {
  isRecording(): boolean;
  setAttributes(attributes: Attributes): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  /** Since version 1.9 of the API. */
  addLink?(link: Link): unknown;
  end(): void;
}

export interface SpanOptions {
  kind: number;
  attributes: Attributes;
  links?: Link[];
}

export interface Tracer {
  startSpan(name: string, options: SpanOptions, context: OtelContext): Span;
}

/** The exports of `@opentelemetry/api` that are used. */
export interface Api {
  readonly ROOT_CONTEXT: OtelContext;
  readonly context: {
    active(): OtelContext;
    with<T>(context: OtelContext, work: () => T): T;
  };
  readonly trace: {
    getTracerProvider(): object;
    getSpan(context: OtelContext): Span | undefined;
    setSpan(context: OtelContext, span: Span): OtelContext;
    getSpanContext(context: OtelContext): SpanContext | undefined;
    setSpanContext(context: OtelContext, spanContext: SpanContext): OtelContext;
  };
  readonly propagation: { extract(context: OtelContext, carrier: unknown): OtelContext };
  createTraceState(text: string): TraceState;
  createContextKey(description: string): symbol;
}

/** The numbers of `SpanKind` and `SpanStatusCode`. */
export const kind = { internal: 0, server: 1, client: 2 } as const;
export const failed = 2;

/** Null where `@opentelemetry/api` is not installed. */
export async function loadApi(): Promise<Api | null> {
  try {
    return await import('@opentelemetry/api');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return null;
    throw error;
  }
}

/** Null where the process has registered no provider: then the API hands out spans that go nowhere. */
export function registeredTracer(api: Api, name: string): Tracer | null {
  const provider = api.trace.getTracerProvider();
  // The API's own provider wraps the registered one.
  if (!('getDelegateTracer' in provider) || typeof provider.getDelegateTracer !== 'function') return null;
  const tracer: unknown = provider.getDelegateTracer(name);
  return isTracer(tracer) ? tracer : null;
}

function isTracer(value: unknown): value is Tracer {
  return typeof value === 'object' && value !== null && 'startSpan' in value && typeof value.startSpan === 'function';
}
