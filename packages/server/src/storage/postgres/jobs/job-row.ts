import type { EventSubject } from '@ojs-ts/core/events';
import type { JobRecord } from '@ojs-ts/core/job';
import type { Mutable } from '@ojs-ts/core/lifecycle';
import { type Cells, flag, integer, integerOrNull, readTexts, state, text, textOrNull } from '../../cells.ts';
import { positions } from '../../columns.ts';

/** The part of a job that a change reads: without the long texts and what never changes. */
export type NarrowJob = EventSubject &
  Mutable &
  Pick<JobRecord, 'claim' | 'leaseRequired' | 'heartbeatMs' | 'deadlineAt' | 'limits' | 'node'>;

const names = `number, id, state, claim, attempt, priority, run_at, enqueued_at, started_at, beat_at, finished_at,
  dead_letter, lease_ms, lease_until, timeout_ms, heartbeat_ms, deadline_at, queue, type, worker, trace, limits,
  workflow, node, lease_required, visibility_ms, expires_at, later_expires_at, created_at, cron, unique_key, result,
  progress, checkpoint, history, policy, envelope, texts`;
const { list, at } = positions(names);
/** The columns of `ojs.whole` that {@link readJob} reads. */
export const jobColumns = list;

/** core's `sizeOf` in bytes, which PostgreSQL knows without reading the texts. */
export const size = ['envelope', 'history', 'policy', 'result', 'progress', 'checkpoint']
  .map((name) => `coalesce(octet_length(${name}), 0)`)
  .join(' + ');

/** Up to so many bytes a text is read with many other rows: they are then a few megabytes. */
export const longest = 16_384;
/** PostgreSQL knows the length of a text without reading it: only short ones are fetched, others are empty. */
export const short = (name: string) => `CASE WHEN octet_length(${name}) > ${longest} THEN '' ELSE ${name} END`;

/** As {@link jobColumns}, for decisions, which need no long envelope and no long checkpoint: those are empty. */
export const decisionColumns = positions(names, { envelope: short('envelope'), checkpoint: short('checkpoint') }).list;

export interface JobRow {
  /** Order of creation. */
  readonly number: number;
  readonly job: JobRecord;
  /** True if it has a row in `texts`. */
  readonly hasTexts: boolean;
}

const noLimits: readonly string[] = [];

export function readJob(cells: Cells): JobRow {
  const limits = textOrNull(cells[at.limits]);
  const workflow = textOrNull(cells[at.workflow]);
  return {
    number: integer(cells[at.number]),
    hasTexts: flag(cells[at.texts]),
    job: {
      id: text(cells[at.id]),
      state: state(cells[at.state]),
      claim: integer(cells[at.claim]),
      leaseRequired: flag(cells[at.lease_required]),
      attempt: integer(cells[at.attempt]),
      priority: integer(cells[at.priority]),
      runAt: integer(cells[at.run_at]),
      enqueuedAt: integerOrNull(cells[at.enqueued_at]),
      startedAt: integerOrNull(cells[at.started_at]),
      beatAt: integerOrNull(cells[at.beat_at]),
      finishedAt: integerOrNull(cells[at.finished_at]),
      deadLetter: flag(cells[at.dead_letter]),
      leaseMs: integerOrNull(cells[at.lease_ms]),
      leaseUntil: integerOrNull(cells[at.lease_until]),
      timeoutMs: integer(cells[at.timeout_ms]),
      heartbeatMs: integer(cells[at.heartbeat_ms]),
      deadlineAt: integerOrNull(cells[at.deadline_at]),
      queue: text(cells[at.queue]),
      type: text(cells[at.type]),
      worker: textOrNull(cells[at.worker]),
      trace: textOrNull(cells[at.trace]),
      limits: limits === null ? noLimits : readTexts(limits),
      node: workflow === null ? null : { workflow, index: integer(cells[at.node]) },
      visibilityMs: integerOrNull(cells[at.visibility_ms]),
      expiresAt: integerOrNull(cells[at.expires_at]),
      laterExpiresAt: integerOrNull(cells[at.later_expires_at]),
      createdAt: integer(cells[at.created_at]),
      cron: textOrNull(cells[at.cron]),
      uniqueKey: textOrNull(cells[at.unique_key]),
      result: textOrNull(cells[at.result]),
      progress: textOrNull(cells[at.progress]),
      checkpoint: textOrNull(cells[at.checkpoint]),
      history: text(cells[at.history]),
      policy: textOrNull(cells[at.policy]),
      envelope: text(cells[at.envelope]),
    },
  };
}
