import { ProtocolError } from '@ojs-ts/core';
import type { JobRecord } from '@ojs-ts/core/job';
import { StoreDamaged, StoreUnwritable } from '../../storage/unavailable.ts';
import {
  type Api,
  type Attributes,
  failed,
  kind,
  type Link,
  loadApi,
  type OtelContext,
  registeredTracer,
  type Span,
  type SpanContext,
  type Tracer,
} from './otel-api.ts';
import { enqueueSpanOf, spanContextIn } from './trace-context.ts';

/** ojs-distributed-tracing §3. */
const scope = 'openjobspec.org/ojs';
/** The number of links of a span that the SDKs of OpenTelemetry keep by default. */
const maxLinks = 128;

/** A span of a request, from its first header to the end of its answer. */
export interface RequestSpan {
  /** The spans of the work are below this one. */
  run<T>(work: () => T): T;
  /** @param error what kind of error the answer was; null for none. */
  end(attributes: Attributes, error: string | null): void;
}

/** The spans of the server. Without a provider nothing is made. */
export interface Tracing {
  readonly isOn: boolean;
  /** Null if spans are not recorded. */
  request(name: string, attributes: Attributes, headers: Readonly<Record<string, unknown>>): RequestSpan | null;
  /** Work of the server itself (ojs-observability §6.3). */
  span<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** A call to the store, below its caller or linked to its callers. */
  storageCall<T>(name: string, isRemote: boolean, attributes: Attributes, work: () => Promise<T>): Promise<T>;
  /** The work belongs to no caller: a timer otherwise keeps the span of the call that set it. */
  detached<T>(work: () => T): T;
  /** Returns the span of the current caller; undefined without a caller. */
  caller(): SpanContext | undefined;
  /** The work is done for several callers at once: its spans are below a single one, else linked to each. */
  serve<T>(callers: readonly (SpanContext | undefined)[], work: () => T): T;
  /** Links the span of the caller to the spans that enqueued the jobs. */
  about(jobs: readonly (Pick<JobRecord, 'envelope'> | null)[]): void;
}

export const noTracing: Tracing = {
  isOn: false,
  request: () => null,
  span: (_, work) => work(),
  storageCall: (_, __, ___, work) => work(),
  detached: (work) => work(),
  caller: () => undefined,
  serve: (_, work) => work(),
  about() {},
};

/** By the provider that the process has registered until now. */
export async function openTracing(): Promise<Tracing> {
  const api = await loadApi();
  const tracer = api && registeredTracer(api, scope);
  return api === null || tracer === null ? noTracing : new OtelTracing(api, tracer);
}

class OtelTracing implements Tracing {
  readonly isOn = true;
  readonly #api: Api;
  readonly #tracer: Tracer;
  /** In a context: what the next span is linked to. */
  readonly #links: symbol;

  constructor(api: Api, tracer: Tracer) {
    this.#api = api;
    this.#tracer = tracer;
    this.#links = api.createContextKey('ojs links');
  }

  request(name: string, attributes: Attributes, headers: Readonly<Record<string, unknown>>): RequestSpan {
    const { context, trace } = this.#api;
    const active = context.active();
    // The instrumentation of HTTP has made a server span already, and has read the headers.
    const isInside = trace.getSpanContext(active) !== undefined;
    const parent = isInside ? active : this.#callerIn(headers, active);
    const span = this.#tracer.startSpan(name, { kind: isInside ? kind.internal : kind.server, attributes }, parent);
    const inside = trace.setSpan(parent, span);
    return {
      run: (work) => context.with(inside, work),
      end(last, error) {
        span.setAttributes(error === null ? last : { ...last, 'error.type': error });
        if (error !== null) span.setStatus({ code: failed });
        span.end();
      },
    };
  }

  /** By the registered propagator, else as W3C Trace Context. */
  #callerIn(headers: Readonly<Record<string, unknown>>, active: OtelContext): OtelContext {
    const { propagation, trace } = this.#api;
    const extracted = propagation.extract(active, headers);
    if (trace.getSpanContext(extracted) !== undefined) return extracted;
    const sent = spanContextIn(this.#api, headers);
    return sent === undefined ? extracted : trace.setSpanContext(extracted, sent);
  }

  span<T>(name: string, work: () => Promise<T>): Promise<T> {
    return this.#around(name, kind.internal, { 'messaging.system': 'ojs' }, work);
  }

  storageCall<T>(name: string, isRemote: boolean, attributes: Attributes, work: () => Promise<T>): Promise<T> {
    return this.#around(name, isRemote ? kind.client : kind.internal, attributes, work);
  }

  async #around<T>(name: string, kind: number, attributes: Attributes, work: () => Promise<T>): Promise<T> {
    const { context, trace } = this.#api;
    const active = context.active();
    const links = active.getValue(this.#links);
    const options = { kind, attributes, ...(isLinks(links) && { links: [...links] }) };
    const span = this.#tracer.startSpan(name, options, active);
    try {
      return await context.with(trace.setSpan(active, span).setValue(this.#links, undefined), work);
    } catch (error) {
      fail(span, error);
      throw error;
    } finally {
      span.end();
    }
  }

  detached<T>(work: () => T): T {
    return this.#api.context.with(this.#api.ROOT_CONTEXT, work);
  }

  caller(): SpanContext | undefined {
    return this.#api.trace.getSpanContext(this.#api.context.active());
  }

  serve<T>(callers: readonly (SpanContext | undefined)[], work: () => T): T {
    const { context, trace, ROOT_CONTEXT } = this.#api;
    const known = new Map<string, SpanContext>();
    for (const caller of callers) if (caller !== undefined && known.size < maxLinks) known.set(caller.spanId, caller);
    const [first] = known.values();
    if (first === undefined) return this.detached(work);
    if (known.size === 1) return context.with(trace.setSpanContext(ROOT_CONTEXT, first), work);
    const links = [...known.values()].map((one): Link => ({ context: one }));
    return context.with(ROOT_CONTEXT.setValue(this.#links, links), work);
  }

  about(jobs: readonly (Pick<JobRecord, 'envelope'> | null)[]): void {
    const span = this.#api.trace.getSpan(this.#api.context.active());
    if (!span?.isRecording()) return;
    for (const job of jobs.slice(0, maxLinks)) {
      const enqueued = job === null ? undefined : enqueueSpanOf(this.#api, job);
      if (enqueued !== undefined) span.addLink?.({ context: enqueued });
    }
  }
}

function isLinks(value: unknown): value is readonly Link[] {
  return Array.isArray(value);
}

function fail(span: Span, error: unknown): void {
  span.setAttributes({ 'error.type': errorCode(error) });
  span.setStatus({ code: failed, message: error instanceof Error ? error.message : String(error) });
}

/** Why a call failed, in one of few words: a label, never the text of the error. */
export function errorCode(error: unknown): string {
  if (error instanceof ProtocolError) return error.code;
  if (error instanceof StoreUnwritable) return error.reason;
  if (error instanceof StoreDamaged) return 'damaged';
  return error instanceof Error && 'retryable' in error && error.retryable === true ? 'unavailable' : 'error';
}
