import { errorFingerprint, type JobRecord, State, Terminal } from '@ojs-ts/core/job';
import { isIn, limitGroupOf, overdueAt } from '@ojs-ts/core/lifecycle';
import { columnsOf } from '../../rows.ts';
import type { Row } from '../../sql/restore.ts';
import { readyQueueOf } from '../limits/limit-deltas.ts';

/** Columns that an unfinished job has in both of its tables, and columns of every table of a state. */
const everywhere = ['queue', 'type', 'trace', 'workflow', 'node', 'cron', 'unique_key', 'limits'];
const state = [
  ...['id', 'number', 'claim', 'attempt', 'lease_required', 'run_at', 'texts', 'worker', 'enqueued_at', 'started_at'],
  'unique_at',
];
const columns = {
  jobs: [
    ...['id', 'number', 'created_at', 'timeout_ms', 'heartbeat_ms', 'visibility_ms', 'expires_at', 'later_expires_at'],
    ...['deadline_at', 'priority', 'policy', 'envelope', ...everywhere],
  ],
  ready: [...state, ...everywhere, 'expires_at', 'place', 'priority', 'ready_queue'],
  due: [...state, ...everywhere, 'expires_at', 'state', 'fingerprint'],
  active: [...state, ...everywhere, 'due_at', 'lease_ms', 'lease_until', 'beat_at'],
  ended: [...state, 'state', 'finished_at', 'dead_letter', 'queue', 'type', 'unique_key', 'fingerprint'],
  texts: ['number', 'result', 'progress', 'checkpoint', 'history'],
};

/** The rows of a job by table: its constant part, its state, its texts. */
export function jobRows(number: number, place: number | null, job: JobRecord): readonly (readonly [string, Row])[] {
  const { queue, limits, node, uniqueKey, createdAt, result, progress, checkpoint, history } = job;
  const texts = [result, progress, checkpoint, history || null].some((text) => text !== null);
  const all: Row = {
    ...columnsOf(job),
    ...{ number, place, texts, due_at: overdueAt(job), ready_queue: readyQueueOf(queue, limitGroupOf(limits)) },
    ...{ limits: limits.length === 0 ? null : JSON.stringify(limits), fingerprint: errorFingerprint(job) },
    ...{
      workflow: node?.workflow ?? null,
      node: node?.index ?? null,
      unique_at: uniqueKey === null ? null : createdAt,
    },
  };
  const tables = ['jobs', tableOf(job), ...(texts ? (['texts'] as const) : [])] as const;
  return tables.map((table) => [table, Object.fromEntries(columns[table].map((name) => [name, all[name]]))]);
}

function tableOf({ state }: JobRecord): 'ready' | 'due' | 'active' | 'ended' {
  if (isIn(state, Terminal)) return 'ended';
  if (state === State.active) return 'active';
  return state === State.available ? 'ready' : 'due';
}
