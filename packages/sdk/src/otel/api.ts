import { OJSError } from '../errors.ts';

// The parts of OpenTelemetry in use, as structural types: the SDK's types also compile without its packages.

export interface OtelContext {
  getValue(key: symbol): unknown;
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

export interface Span {
  spanContext(): SpanContext;
  setAttributes(attributes: Attributes): unknown;
  addEvent(name: string, attributes?: Attributes): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  recordException(exception: Error): void;
  end(): void;
}

export interface SpanOptions {
  kind: number;
  attributes: Attributes;
  links?: { context: SpanContext }[];
}

export interface Tracer {
  startSpan(name: string, options: SpanOptions, context: OtelContext): Span;
}

export interface MetricOptions {
  description: string;
  unit: string;
  advice?: { explicitBucketBoundaries: number[] };
}

export interface Counter {
  add(value: number, attributes: Attributes): void;
}

export interface Histogram {
  record(value: number, attributes: Attributes): void;
}

export interface Meter {
  createCounter(name: string, options: MetricOptions): Counter;
  createUpDownCounter(name: string, options: MetricOptions): Counter;
  createHistogram(name: string, options: MetricOptions): Histogram;
}

export interface TracerProvider {
  getTracer(name: string, version?: string): object;
}

export interface MeterProvider {
  getMeter(name: string, version?: string): object;
}

/** The exports of `@opentelemetry/api` that are used. */
export interface Api {
  readonly context: {
    active(): OtelContext;
    with<T>(context: OtelContext, work: () => T): T;
  };
  readonly trace: {
    getTracerProvider(): TracerProvider;
    setSpan(context: OtelContext, span: Span): OtelContext;
    getSpanContext(context: OtelContext): SpanContext | undefined;
    setSpanContext(context: OtelContext, spanContext: SpanContext): OtelContext;
  };
  readonly metrics: { getMeterProvider(): MeterProvider };
  readonly propagation: {
    inject(context: OtelContext, carrier: Record<string, unknown>): void;
    extract(context: OtelContext, carrier: Record<string, unknown>): OtelContext;
  };
  createTraceState(text: string): TraceState;
}

/** The numbers of `SpanKind` and `SpanStatusCode`. */
export const kind = { producer: 3, consumer: 4 } as const;
export const status = { ok: 1, error: 2 } as const;

const missing =
  '@ojs-ts/sdk/otel needs the package @opentelemetry/api (1.3 or later), which is not installed: ' +
  'run `npm install @opentelemetry/api`.';

/** @throws {OJSError} if the package is known to be missing; otherwise {@link loadApi} reports it. */
export function requireApi(): void {
  // A bundler may remove `resolve`. Then the package is in the bundle, or loading it fails.
  const { resolve } = import.meta;
  if (typeof resolve !== 'function') return;
  try {
    resolve('@opentelemetry/api');
  } catch (error) {
    rethrow(error);
  }
}

export async function loadApi(): Promise<Api> {
  try {
    return await import('@opentelemetry/api');
  } catch (error) {
    return rethrow(error);
  }
}

function rethrow(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') throw new OJSError(missing, { cause: error });
  throw error;
}

export function tracerOf(provider: TracerProvider, name: string, version: string): Tracer {
  const tracer = provider.getTracer(name, version);
  if (isTracer(tracer)) return tracer;
  throw new OJSError('tracerProvider.getTracer() gave no tracer: expected an object with startSpan().');
}

export function meterOf(provider: MeterProvider, name: string, version: string): Meter {
  const meter = provider.getMeter(name, version);
  if (isMeter(meter)) return meter;
  throw new OJSError(
    'meterProvider.getMeter() gave no meter: expected an object with createCounter() and createHistogram().',
  );
}

function isTracer(value: object): value is Tracer {
  return 'startSpan' in value && typeof value.startSpan === 'function';
}

function isMeter(value: object): value is Meter {
  return ['createCounter', 'createUpDownCounter', 'createHistogram'].every(
    (name) => name in value && typeof Reflect.get(value, name) === 'function',
  );
}
