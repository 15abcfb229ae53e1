import { context, metrics, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CBaggagePropagator } from '@opentelemetry/core';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DiscardError, type Handler, SnoozeError } from '../../src/index.ts';
import { opentelemetryEnqueueMiddleware, opentelemetryMiddleware } from '../../src/otel/index.ts';
import { type Bench, gate, openBench } from '../support/bench.ts';
import { sender } from '../support/chains.ts';

const spans = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const tracer = tracerProvider.getTracer('test');
let exporter: InMemoryMetricExporter;
let meterProvider: MeterProvider;
let bench: Bench;

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CBaggagePropagator());
});

afterAll(() => {
  context.disable();
  propagation.disable();
});

beforeEach(async () => {
  spans.reset();
  exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  meterProvider = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
  });
  bench = await openBench();
});

afterEach(async () => {
  await bench[Symbol.asyncDispose]();
  await meterProvider.shutdown();
});

interface Point {
  readonly name: string;
  readonly unit: string;
  readonly attributes: object;
  readonly value: unknown;
}

async function points(): Promise<Point[]> {
  await meterProvider.forceFlush();
  return (exporter.getMetrics().at(-1)?.scopeMetrics ?? []).flatMap(({ metrics: all }) =>
    all.flatMap(({ descriptor: { name, unit }, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({ name, unit, attributes, value })),
    ),
  );
}

function spanNamed(name: string): ReadableSpan {
  const found = spans.getFinishedSpans().filter((span) => span.name === name);
  expect(found).toHaveLength(1);
  return found[0]!;
}

/** Runs one job of the type to its end. */
async function run(handler: Handler, request: object = {}): Promise<string> {
  const send = sender(bench.embedded, opentelemetryEnqueueMiddleware({ tracerProvider, meterProvider }));
  const worker = bench.worker({ queues: ['email'] });
  const { opened, open } = gate();
  worker.middleware(opentelemetryMiddleware({ tracerProvider, meterProvider })).register('email.send', async (ctx) => {
    try {
      return await handler(ctx);
    } finally {
      open();
    }
  });
  const job = await send({
    type: 'email.send',
    args: ['secret'],
    queue: 'email',
    retry: { maxAttempts: 2 },
    ...request,
  });
  await worker.runUntil(opened);
  return job?.id ?? '';
}

describe('spans', () => {
  test('a PRODUCER and a CONSUMER span, linked through meta, with the attributes of the brief and of ojs-observability', async () => {
    let meta: Record<string, unknown> = {};
    const id = await tracer.startActiveSpan('request', async (request) => {
      const jobId = await run((ctx) => {
        meta = ctx.meta;
        tracer.startSpan('inside').end();
      });
      request.end();
      return jobId;
    });
    const enqueue = spanNamed('email enqueue');
    const process = spanNamed('email process');
    const request = spanNamed('request').spanContext();
    expect(enqueue.kind).toBe(SpanKind.PRODUCER);
    expect(enqueue.parentSpanContext?.spanId).toBe(request.spanId);
    expect(enqueue.status.code).toBe(SpanStatusCode.OK);
    expect(enqueue.attributes).toEqual({
      'messaging.system': 'ojs',
      'messaging.operation': 'publish',
      'messaging.operation.type': 'publish',
      'messaging.destination.name': 'email',
      'messaging.message.id': id,
      'ojs.job.id': id,
      'ojs.job.type': 'email.send',
      'ojs.job.queue': 'email',
      'ojs.job.state': 'available',
    });
    const { traceId, spanId } = enqueue.spanContext();
    expect(meta).toEqual({ traceparent: `00-${traceId}-${spanId}-01` });
    expect(process.kind).toBe(SpanKind.CONSUMER);
    expect(process.links.map((link) => link.context)).toEqual([{ traceId, spanId, traceFlags: 1, isRemote: true }]);
    expect(process.attributes).toMatchObject({
      'messaging.system': 'ojs',
      'messaging.operation': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'email',
      'messaging.message.id': id,
      'ojs.job.id': id,
      'ojs.job.type': 'email.send',
      'ojs.job.queue': 'email',
      'ojs.job.attempt': 1,
      'ojs.job.priority': 0,
      'ojs.job.state': 'completed',
    });
    expect(process.instrumentationScope.name).toBe('openjobspec.org/ojs');
    expect(spanNamed('inside').parentSpanContext?.spanId).toBe(process.spanContext().spanId);
    expect(
      JSON.stringify(
        spans.getFinishedSpans().map(({ attributes, events, status }) => ({ attributes, events, status })),
      ),
    ).not.toContain('secret');
  });

  test('a worker that has no trace of its own begins a new one: the job is no child of the request', async () => {
    const worker = bench.worker({ queues: ['email'] });
    const { opened, open } = gate();
    worker.middleware(opentelemetryMiddleware({ tracerProvider, meterProvider })).register('email.send', () => open());
    const running = worker.runUntil(opened);
    const send = sender(bench.embedded, opentelemetryEnqueueMiddleware({ tracerProvider, meterProvider }));
    await send({ type: 'email.send', args: [], queue: 'email' });
    await running;
    const process = spanNamed('email process');
    expect(process.parentSpanContext).toBeUndefined();
    expect(process.spanContext().traceId).not.toBe(spanNamed('email enqueue').spanContext().traceId);
  });

  test('the trace that meta names is the parent where no span is active; tracestate and baggage travel along', async () => {
    let seen: Record<string, unknown> = {};
    let baggage: string | undefined;
    const id = '4bf92f3577b34da6a3ce929d0e0e4736';
    await run(
      (ctx) => {
        seen = ctx.meta;
        baggage = propagation.getActiveBaggage()?.getEntry('tenant')?.value;
      },
      {
        meta: {
          traceparent: `00-${id}-00f067aa0ba902b7-01`,
          tracestate: 'ojs=p:8;r:62',
          user: 7,
          baggage: 'tenant=acme',
        },
      },
    );
    const enqueue = spanNamed('email enqueue');
    expect(enqueue.spanContext().traceId).toBe(id);
    expect(enqueue.parentSpanContext?.spanId).toBe('00f067aa0ba902b7');
    expect(seen).toEqual({
      traceparent: `00-${id}-${enqueue.spanContext().spanId}-01`,
      tracestate: 'ojs=p:8;r:62',
      user: 7,
      baggage: 'tenant=acme',
    });
    expect(baggage).toBe('acme');
    expect(spanNamed('email process').links[0]?.context.traceState?.serialize()).toBe('ojs=p:8;r:62');
  });

  test('the origin of a workflow is a second link', async () => {
    const origin = '00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01';
    await run(() => {}, { meta: { 'ojs.workflow.trace_origin': origin } });
    expect(spanNamed('email process').links.map((link) => link.context.spanId)).toEqual([
      spanNamed('email enqueue').spanContext().spanId,
      'bbbbbbbbbbbbbbbb',
    ]);
  });

  test.each([
    '',
    'x',
    '00-0',
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    7,
  ])('a traceparent %j that cannot be read is no link', async (traceparent) => {
    const worker = bench.worker({ queues: ['email'] });
    const { opened, open } = gate();
    worker.middleware(opentelemetryMiddleware({ tracerProvider, meterProvider })).register('email.send', () => open());
    await bench.client.enqueue('email.send', [], { queue: 'email', meta: { traceparent } });
    await worker.runUntil(opened);
    expect(spanNamed('email process').links).toEqual([]);
  });

  test('a failure is recorded with its type, message and attempt, and thrown on', async () => {
    await run(() => {
      throw new TypeError('no such template');
    });
    const process = spanNamed('email process');
    expect(process.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no such template' });
    expect(process.attributes).toMatchObject({
      'error.type': 'TypeError',
      'error.message': 'no such template',
      'ojs.job.error.attempt': 1,
      'ojs.job.state': 'retryable',
    });
    expect(process.events[0]?.attributes).toMatchObject({
      'exception.type': 'TypeError',
      'exception.message': 'no such template',
    });
  });

  test('a refused enqueue sets its span to error', async () => {
    const send = sender(bench.embedded, opentelemetryEnqueueMiddleware({ tracerProvider, meterProvider }));
    const request = { type: 'email.send', args: [], unique: { keys: ['type' as const] } };
    await send(request);
    spans.reset();
    await expect(send(request)).rejects.toThrow('has the same unique key');
    const enqueue = spanNamed('default enqueue');
    expect(enqueue.status.code).toBe(SpanStatusCode.ERROR);
    expect(enqueue.attributes['error.type']).toBe('duplicate');
  });

  test('a timeout ends the span while the handler still runs', async () => {
    const { opened, open } = gate();
    const { opened: handlerMayEnd, open: endHandler } = gate();
    const worker = bench.worker({ queues: ['email'] });
    worker.middleware(opentelemetryMiddleware({ tracerProvider, meterProvider })).register('email.send', (ctx) => {
      ctx.signal.addEventListener('abort', () => open(), { once: true });
      return handlerMayEnd;
    });
    await bench.client.enqueue('email.send', [], { queue: 'email', timeoutMs: 20, retry: { maxAttempts: 1 } });
    await worker.runUntil(async () => {
      await opened;
      await new Promise((resolve) => setImmediate(resolve));
      expect(spanNamed('email process').attributes).toMatchObject({
        'error.type': 'timeout',
        'ojs.job.state': 'discarded',
      });
      endHandler();
    });
    expect((await points()).find(({ name }) => name === 'ojs.job.failed')?.value).toBe(1);
    expect((await points()).some(({ name }) => name === 'ojs.job.completed')).toBe(false);
  });
});

describe('metrics', () => {
  test('completed, duration in seconds, queue time, enqueued; labels are queue and type', async () => {
    await run(() => 'done');
    const all = await points();
    const labels = { queue: 'email', type: 'email.send' };
    expect(all).toContainEqual({ name: 'ojs.job.enqueued', unit: '{job}', attributes: labels, value: 1 });
    expect(all).toContainEqual({ name: 'ojs.job.completed', unit: '{job}', attributes: labels, value: 1 });
    expect(all).toContainEqual({ name: 'ojs.workers.busy', unit: '{job}', attributes: { queue: 'email' }, value: 0 });
    const histogram = (name: string) => all.find((point) => point.name === name);
    expect(histogram('ojs.job.duration')).toMatchObject({
      unit: 's',
      attributes: { ...labels, state: 'completed' },
      value: {
        count: 1,
        buckets: { boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300] },
      },
    });
    expect(histogram('ojs.job.queue_time')).toMatchObject({ unit: 's', attributes: labels, value: { count: 1 } });
    expect(histogram('ojs.job.enqueue_duration')).toMatchObject({
      unit: 's',
      attributes: { queue: 'email' },
      value: { count: 1 },
    });
    expect(all.map(({ name }) => name)).not.toContain('ojs.job.failed');
  });

  test('a failed execution is retryable or discarded by its attempts', async () => {
    await run(() => {
      throw new DiscardError('never');
    });
    const all = await points();
    expect(all).toContainEqual({
      name: 'ojs.job.failed',
      unit: '{job}',
      attributes: { queue: 'email', type: 'email.send' },
      value: 1,
    });
    expect(all.find(({ name }) => name === 'ojs.job.duration')?.attributes).toMatchObject({ state: 'discarded' });
  });

  test('a snoozed job counts as neither failed nor completed', async () => {
    await run(() => {
      throw new SnoozeError('1h');
    });
    const names = (await points()).map(({ name }) => name);
    expect(names).not.toContain('ojs.job.failed');
    expect(names).not.toContain('ojs.job.completed');
    expect(spanNamed('email process').status.code).toBe(SpanStatusCode.UNSET);
    expect(spanNamed('email process').attributes['ojs.job.state']).toBe('retryable');
  });
});

test('without options the global providers are used', async () => {
  trace.setGlobalTracerProvider(tracerProvider);
  metrics.setGlobalMeterProvider(meterProvider);
  try {
    await sender(bench.embedded, opentelemetryEnqueueMiddleware())({ type: 'email.send', args: [] });
    expect(spanNamed('default enqueue').kind).toBe(SpanKind.PRODUCER);
    expect((await points()).map(({ name }) => name)).toContain('ojs.job.enqueued');
  } finally {
    trace.disable();
    metrics.disable();
  }
});

test('a provider without a tracer is an error', async () => {
  const send = sender(
    bench.embedded,
    opentelemetryEnqueueMiddleware({ tracerProvider: { getTracer: () => ({}) }, meterProvider }),
  );
  await expect(send({ type: 'email.send', args: [] })).rejects.toThrow('tracerProvider.getTracer() gave no tracer');
});
