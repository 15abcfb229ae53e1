import { type JobRecord, State } from '@ojs-ts/core/job';
import { type Cells, flag, integer, integerOrNull, readTexts, text, textOrNull } from '../../cells.ts';
import { columns, positions } from '../../columns.ts';
import { indexJoin } from '../connection/sql.ts';
import { longest, short, size } from '../jobs/job-row.ts';
import type { LockedJob } from '../jobs/locked-job.ts';

/** An available job and its place in its ready queue. */
export interface Ready {
  readonly held: LockedJob<JobRecord>;
  readonly place: number;
  /** By core's `sizeOf`, of a job whose long texts were left out; null if they are there. */
  readonly leftOut: number | null;
}

const isLong = `octet_length(envelope) > ${longest} OR octet_length(checkpoint) > ${longest}`;

/** The joins of an available job with other tables. */
export const readyJoins = `JOIN ojs.jobs AS job ON ${indexJoin('job.id', 'ready.id')}
  LEFT JOIN ojs.texts AS text ON ${indexJoin('text.number', 'CASE WHEN ready.texts THEN ready.number END')}`;

/**
 * The columns that {@link readReady} expects: without those that are alike in all available jobs, or that a start
 * overwrites. Long texts are left out, so that a claim reads no more of them than it hands out.
 */
const { list, at } = positions(
  `number, place, id, claim, attempt, priority, run_at, enqueued_at, timeout_ms, heartbeat_ms, visibility_ms,
  expires_at, later_expires_at, deadline_at, created_at, queue, type, worker, started_at, trace, limits, workflow, node,
  cron, unique_key, result, progress, checkpoint, history, policy, envelope, size, texts, lease_required`,
  {
    number: 'ready.number',
    id: 'ready.id',
    priority: 'ready.priority',
    expires_at: 'ready.expires_at',
    queue: 'ready.queue',
    type: 'ready.type',
    trace: 'ready.trace',
    limits: 'ready.limits',
    workflow: 'ready.workflow',
    node: 'ready.node',
    cron: 'ready.cron',
    unique_key: 'ready.unique_key',
    checkpoint: short('checkpoint'),
    envelope: short('envelope'),
    size: `CASE WHEN ${isLong} THEN ${size} END`,
  },
);
export const readyColumns = list;

/** The texts that {@link readyColumns} leave out. */
export const longTexts = columns({ id: text, envelope: text, checkpoint: textOrNull }).from(
  'ojs.whole WHERE id = ANY ($1::uuid[])',
);

const noLimits: readonly string[] = [];

export function readReady(cells: Cells): Ready {
  const limits = textOrNull(cells[at.limits]);
  const workflow = textOrNull(cells[at.workflow]);
  const result = textOrNull(cells[at.result]);
  const job: JobRecord = {
    id: text(cells[at.id]),
    type: text(cells[at.type]),
    queue: text(cells[at.queue]),
    state: State.available,
    priority: integer(cells[at.priority]),
    attempt: integer(cells[at.attempt]),
    claim: integer(cells[at.claim]),
    leaseRequired: flag(cells[at.lease_required]),
    runAt: integer(cells[at.run_at]),
    timeoutMs: integer(cells[at.timeout_ms]),
    heartbeatMs: integer(cells[at.heartbeat_ms]),
    visibilityMs: integerOrNull(cells[at.visibility_ms]),
    expiresAt: integerOrNull(cells[at.expires_at]),
    laterExpiresAt: integerOrNull(cells[at.later_expires_at]),
    deadlineAt: integerOrNull(cells[at.deadline_at]),
    createdAt: integer(cells[at.created_at]),
    enqueuedAt: integerOrNull(cells[at.enqueued_at]),
    startedAt: integerOrNull(cells[at.started_at]),
    worker: textOrNull(cells[at.worker]),
    leaseMs: null,
    leaseUntil: null,
    beatAt: null,
    finishedAt: null,
    trace: textOrNull(cells[at.trace]),
    uniqueKey: textOrNull(cells[at.unique_key]),
    limits: limits === null ? noLimits : readTexts(limits),
    node: workflow === null ? null : { workflow, index: integer(cells[at.node]) },
    cron: textOrNull(cells[at.cron]),
    deadLetter: false,
    envelope: text(cells[at.envelope]),
    policy: textOrNull(cells[at.policy]),
    result,
    progress: textOrNull(cells[at.progress]),
    checkpoint: textOrNull(cells[at.checkpoint]),
    history: textOrNull(cells[at.history]) ?? '',
  };
  return {
    held: {
      number: integer(cells[at.number]),
      job,
      result,
      texts: {},
      stored: job,
      hasTexts: flag(cells[at.texts]),
      fingerprint: null,
    },
    place: integer(cells[at.place]),
    leftOut: integerOrNull(cells[at.size]),
  };
}
