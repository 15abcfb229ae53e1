import { type OperationName, uuidv7 } from '@ojs-ts/core';
import type { Connection } from './connection.ts';
import { compact, dateOf, isWire, listOf, numberOf, textOf, type Wire, wireOf } from './json.ts';
import type { CallOptions } from './options.ts';
import { type PageQuery, readPage } from './page.ts';

/** A queue as the server lists it. */
export interface Queue {
  readonly name: string;
  readonly status: 'active' | 'paused';
  readonly paused: boolean;
  readonly createdAt?: Date;
}

const counts = ['available', 'active', 'scheduled', 'retryable', 'pending', 'completed', 'discarded', 'cancelled'] as const;
/** Our name of a figure and its name on the wire. */
const rates = {
  completedLastHour: 'completed_last_hour',
  failedLastHour: 'failed_last_hour',
  avgDurationMs: 'avg_duration_ms',
  avgWaitMs: 'avg_wait_ms',
  throughputPerSecond: 'throughput_per_second',
} as const;

/** A figure that the server does not tell is 0. */
export interface QueueStats extends Readonly<Record<(typeof counts)[number] | keyof typeof rates, number>> {
  readonly queue: string;
  readonly status: 'active' | 'paused';
  readonly computedAt?: Date;
}

/** Takes `{queue: {name, paused}, status}` and the flat form (digest §3.2). */
export function readQueue(raw: Wire): Queue {
  const inner = wireOf(raw.queue) ?? raw;
  const paused = inner.paused === true || raw.paused === true || textOf(raw.status) === 'paused' || inner.status === 'paused';
  return compact({ name: textOf(inner.name) ?? '', status: statusOf(paused), paused, createdAt: dateOf(inner.created_at) });
}

/** Takes the three shapes in use (X20): `stats`, `queue`, and the top level. */
export function readQueueStats(raw: Wire): QueueStats {
  const places = [wireOf(raw.stats), wireOf(raw.queue), raw];
  const figure = (name: string) => places.map((place) => numberOf(place?.[name])).find((value) => value !== undefined) ?? 0;
  const { name, paused } = readQueue(raw);
  return compact({
    queue: name,
    status: statusOf(paused),
    computedAt: dateOf(raw.computed_at),
    available: figure('available'),
    active: figure('active'),
    scheduled: figure('scheduled'),
    retryable: figure('retryable'),
    pending: figure('pending'),
    completed: figure('completed'),
    discarded: figure('discarded'),
    cancelled: figure('cancelled'),
    completedLastHour: figure(rates.completedLastHour),
    failedLastHour: figure(rates.failedLastHour),
    avgDurationMs: figure(rates.avgDurationMs),
    avgWaitMs: figure(rates.avgWaitMs),
    throughputPerSecond: figure(rates.throughputPerSecond),
  });
}

/** All of them, over every page. */
export async function listQueues(connection: Connection, options: CallOptions): Promise<Queue[]> {
  const first: PageQuery = { limit: 200, offset: undefined, cursor: undefined };
  const load = (query: PageQuery) => connection.call({ operation: 'queue.list', query: { ...query } }, options);
  return Array.fromAsync(await readPage(first, load, (body) => listOf(body.queues).filter(isWire).map(readQueue)));
}

/** Reads a queue, or changes it under a key, so that a repeated call changes it once. */
export function onQueue(connection: Connection, operation: OperationName, name: string, options: CallOptions): Promise<Wire> {
  const key = operation === 'queue.stats' ? {} : { idempotencyKey: uuidv7() };
  return connection.call({ operation, params: { name }, ...key }, options, { queue: name });
}

function statusOf(paused: boolean): 'active' | 'paused' {
  return paused ? 'paused' : 'active';
}
