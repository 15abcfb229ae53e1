import type { NamesOf } from '@ojs-ts/core';
import { checkNames } from '../options/check-names.ts';
import { sdkVersion } from '../version.ts';
import { type Api, type Counter, type Histogram, loadApi, meterOf, requireApi, type Tracer, tracerOf } from './api.ts';

/** The providers of spans and metrics. Their types are structural. */
export interface OpenTelemetryOptions {
  /** Default: the global provider at the time of the first job. */
  tracerProvider?: { getTracer(name: string, version?: string): object } | undefined;
  /** Default: the global provider at the time of the first job. */
  meterProvider?: { getMeter(name: string, version?: string): object } | undefined;
}

const telemetryNames: NamesOf<OpenTelemetryOptions> = { tracerProvider: true, meterProvider: true };

/** ojs-observability §8. The labels `queue` and `type` have few values; ids are never labels. */
export interface Instruments {
  readonly enqueued: Counter;
  readonly enqueueDuration: Histogram;
  readonly completed: Counter;
  readonly failed: Counter;
  readonly retried: Counter;
  readonly duration: Histogram;
  readonly queueTime: Histogram;
  readonly busy: Counter;
}

export interface Telemetry {
  readonly api: Api;
  readonly tracer: Tracer;
  readonly instruments: Instruments;
}

/** ojs-distributed-tracing §3. */
const scope = 'openjobspec.org/ojs';
const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const queueTimeBuckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600];

/**
 * Opens the providers at the first job.
 * @throws {OJSError} at once if `@opentelemetry/api` is missing.
 */
export function telemetryOf(options: OpenTelemetryOptions): () => Promise<Telemetry> {
  checkNames(options, telemetryNames);
  requireApi();
  let opened: Promise<Telemetry> | undefined;
  return () => {
    opened ??= open(options);
    return opened;
  };
}

async function open({ tracerProvider, meterProvider }: OpenTelemetryOptions): Promise<Telemetry> {
  const api = await loadApi();
  const meter = meterOf(meterProvider ?? api.metrics.getMeterProvider(), scope, sdkVersion);
  const counter = (name: string, description: string, unit = '{job}') =>
    meter.createCounter(name, { description, unit });
  const seconds = (name: string, description: string, explicitBucketBoundaries: number[]) =>
    meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries } });
  return {
    api,
    tracer: tracerOf(tracerProvider ?? api.trace.getTracerProvider(), scope, sdkVersion),
    instruments: {
      enqueued: counter('ojs.job.enqueued', 'Jobs enqueued'),
      enqueueDuration: seconds('ojs.job.enqueue_duration', 'Time to complete an enqueue', durationBuckets),
      completed: counter('ojs.job.completed', 'Jobs completed successfully'),
      failed: counter('ojs.job.failed', 'Jobs that failed'),
      retried: counter('ojs.job.retried', 'Executions after the first'),
      duration: seconds('ojs.job.duration', 'Job execution duration', durationBuckets),
      queueTime: seconds('ojs.job.queue_time', 'Time from enqueue to the first start', queueTimeBuckets),
      busy: meter.createUpDownCounter('ojs.workers.busy', { description: 'Jobs that run now', unit: '{job}' }),
    },
  };
}
