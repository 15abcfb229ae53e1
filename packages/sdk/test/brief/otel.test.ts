import { type RunningServer, startServer } from '@ojs-ts/server';
import { metrics, SpanKind, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as ojs from '../../src/index.ts';
import { opentelemetryMiddleware } from '../../src/otel/index.ts';
import { keepingLogger } from '../support/log.ts';

// The brief's OpenTelemetry.

const spans = new InMemorySpanExporter();
const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const myTracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const myMeterProvider = new MeterProvider({
  readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
});
let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ storage: 'sqlite:', port: 0, log: false });
});
afterAll(async () => {
  trace.disable();
  metrics.disable();
  await myMeterProvider.shutdown();
  await server.close();
});

/** A job that completes and one that fails; answers their ids. */
async function working(middleware: ojs.ExecutionMiddleware): Promise<readonly [string, string]> {
  await using client = new ojs.Client(server.url);
  const worker = new ojs.Worker(server.url, { queues: ['email'], handleSignals: false, logger: keepingLogger() });
  worker.middleware(middleware);
  worker.register('email.send', ({ args: [fails] }) => {
    if (fails) throw new Error('no');
  });
  const jobs = await client.enqueueBatch([
    { type: 'email.send', args: [false], queue: 'email', retry: { maxAttempts: 1 } },
    { type: 'email.send', args: [true], queue: 'email', retry: { maxAttempts: 1 } },
  ]);
  await worker.runUntil(() => Promise.allSettled(jobs.map((job) => job.wait())));
  return [jobs[0].id, jobs[1].id];
}

async function points() {
  await myMeterProvider.forceFlush();
  const all =
    exporter
      .getMetrics()
      .at(-1)
      ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
  return new Map(all.map(({ descriptor, dataPoints }) => [descriptor.name, { unit: descriptor.unit, dataPoints }]));
}

test('explicit providers: a CONSUMER span for each job, the metrics and the attributes of the tables', async () => {
  const [id] = await working(
    opentelemetryMiddleware({ tracerProvider: myTracerProvider, meterProvider: myMeterProvider }),
  );
  const span = spans.getFinishedSpans().find(({ attributes }) => attributes['ojs.job.id'] === id);
  expect(spans.getFinishedSpans()).toHaveLength(2);
  expect(span?.kind).toBe(SpanKind.CONSUMER);
  expect(span?.attributes).toMatchObject({
    'messaging.system': 'ojs',
    'messaging.operation': 'process',
    'ojs.job.type': 'email.send',
    'ojs.job.id': id,
    'ojs.job.queue': 'email',
    'ojs.job.attempt': 1,
  });
  const metrics = await points();
  expect(metrics.get('ojs.job.completed')?.dataPoints.map(({ value }) => value)).toEqual([1]);
  expect(metrics.get('ojs.job.failed')?.dataPoints.map(({ value }) => value)).toEqual([1]);
  expect(metrics.get('ojs.job.duration')).toMatchObject({ unit: 's' });
});

test('global tracer/meter providers', async () => {
  spans.reset();
  trace.setGlobalTracerProvider(myTracerProvider);
  metrics.setGlobalMeterProvider(myMeterProvider);
  await working(opentelemetryMiddleware());
  await working(
    opentelemetryMiddleware({ tracerProvider: trace.getTracerProvider(), meterProvider: metrics.getMeterProvider() }),
  );
  expect(spans.getFinishedSpans()).toHaveLength(4);
});
