import type { Worker } from '@ojs-ts/core/schemas';
import { hasType, type Summary } from '../../live/summary.ts';

export interface Description {
  readonly hostname: string;
  readonly pid: string;
  readonly queues: readonly string[];
  readonly labels: readonly string[];
  readonly version: string;
  readonly startedAt: number | null;
  /** How many jobs it runs at once; null if it does not say so. */
  readonly slots: number | null;
}

/** Reads a worker's own description. Any program can be a worker, so nothing about it is certain. */
export function describe({ hostname, pid, queues, labels, version, started_at, concurrency }: Worker): Description {
  const startedAt = Date.parse(textOf(started_at));
  return {
    hostname: textOf(hostname),
    pid: textOf(pid),
    queues: textsOf(queues),
    labels: textsOf(labels),
    version: textOf(version),
    startedAt: Number.isNaN(startedAt) ? null : startedAt,
    slots: typeof concurrency === 'number' ? concurrency : null,
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(textOf).filter((text) => text !== '') : [];
}

/** A heartbeat comes every 5 seconds; a worker is stale after 30 without any, by default. Milliseconds. */
const lateMs = 15_000;

export function isLate({ state, last_heartbeat_at }: Worker, now: number): boolean {
  return state !== 'stale' && last_heartbeat_at !== null && now - Date.parse(last_heartbeat_at) > lateMs;
}

/** Reports whether a worker has come, gone or become quiet. Heartbeats change the answers too, and are too many. */
export function hasWorkers(summary: Summary): boolean {
  return hasType(summary, 'worker.started', 'worker.quiet', 'worker.stopped');
}
