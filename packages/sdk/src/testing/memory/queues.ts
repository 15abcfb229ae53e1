import {
  expectedQueueName,
  historyOf,
  isQueueName,
  type JobRecord,
  json,
  missingName,
  type PlainReply,
  ProtocolError,
  queueEventEntry,
  stateName,
} from '@ojs-ts/core';
import { type Answers, pageOf, param, type Request } from './reply.ts';
import type { QueueRow, Table } from './table.ts';

const hourMs = 3_600_000;
const dayMs = 86_400_000;

export function queueAnswers(table: Table): Answers {
  return {
    'queue.list': (call) => {
      const queues = [...table.queues.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      const { items, pagination } = pageOf(call, queues);
      return json({ queues: items.map(shown), pagination });
    },
    'queue.get': (call) => {
      const name = nameOf(call);
      const queue = table.queues.get(name);
      if (queue === undefined)
        throw new ProtocolError('not_found', 'There is no queue with this name.', { queue: name });
      const counts = countsOf(table, name);
      const state = queue.paused ? 'paused' : 'active';
      return json({ ...shown(queue), state, queue: { ...shown(queue), ...counts }, counts, ...counts });
    },
    'queue.stats': (call) => stats(table, nameOf(call)),
    'queue.pause': (call) => pause(table, call, true),
    'queue.resume': (call) => pause(table, call, false),
  };
}

function stats(table: Table, name: string): PlainReply {
  const counts = countsOf(table, name);
  const paused = table.queues.get(name)?.paused ?? false;
  const depth = counts.available + counts.scheduled + counts.retryable;
  const figures = figuresOf(
    [...table.rows.values()].filter(({ queue }) => queue === name),
    table.now,
  );
  return json({
    queue: { name, ...counts, paused },
    status: paused ? 'paused' : 'active',
    stats: { queue: name, depth, max_depth: null, ...counts, ...figures },
    name,
    ...counts,
    paused,
    computed_at: new Date(table.now).toISOString(),
  });
}

/** A paused queue still accepts jobs; pausing an unknown queue creates it. */
function pause(table: Table, call: Request, paused: boolean): PlainReply {
  const name = nameOf(call);
  const warnings = table.queues.has(name) ? [] : missingName('queue', name, call.query, table.queues.keys());
  const queue = table.queue(name);
  if (queue.paused !== paused)
    table.log.add(queueEventEntry(paused ? 'queue.paused' : 'queue.resumed', name), table.now);
  table.queues.set(name, { ...queue, paused });
  const at = paused ? 'paused_at' : 'resumed_at';
  return json({
    queue: { name, paused },
    name,
    status: paused ? 'paused' : 'active',
    paused,
    [at]: new Date(table.now).toISOString(),
    ...(warnings.length > 0 && { warnings }),
  });
}

function figuresOf(jobs: readonly JobRecord[], now: number): object {
  const ends = jobs.flatMap(({ state, finishedAt }) =>
    stateName(state) === 'completed' && finishedAt !== null ? [finishedAt] : [],
  );
  const failures = jobs.flatMap((job) => historyOf(job).flatMap(({ kind, at }) => (kind === 'failed' ? [at] : [])));
  const today = now - (now % dayMs);
  return {
    completed_last_hour: ends.filter((at) => at > now - hourMs).length,
    failed_last_hour: failures.filter((at) => at > now - hourMs).length,
    completed_today: ends.filter((at) => at >= today).length,
    failed_today: failures.filter((at) => at >= today).length,
    avg_duration_ms: 0,
    avg_wait_ms: 0,
    throughput_per_second: 0,
  };
}

function countsOf(table: Table, name: string) {
  const counts = {
    available: 0,
    active: 0,
    scheduled: 0,
    retryable: 0,
    pending: 0,
    completed: 0,
    discarded: 0,
    cancelled: 0,
    dead_letter: 0,
  };
  for (const { queue, state, deadLetter } of table.rows.values()) {
    if (queue !== name) continue;
    counts[stateName(state)] += 1;
    if (deadLetter) counts.dead_letter += 1;
  }
  return counts;
}

function shown({ name, paused, createdAt }: QueueRow): object {
  return { name, status: paused ? 'paused' : 'active', paused, created_at: new Date(createdAt).toISOString() };
}

function nameOf(call: Request): string {
  const name = param(call, 'name');
  if (isQueueName(name)) return name;
  throw ProtocolError.invalid([{ path: 'name', message: `must be ${expectedQueueName}` }]);
}
