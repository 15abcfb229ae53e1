import { type JobRecord, State } from '@ojs-ts/core/job';
import { type Cells, integer, integerOrNull, readTexts, text, textOrNull } from '../../cells.ts';
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
export const readyColumns =
  'ready.number, place, ready.id, claim, attempt, ready.priority, run_at, enqueued_at, timeout_ms, heartbeat_ms, ' +
  'visibility_ms, ready.expires_at, ' +
  'later_expires_at, deadline_at, created_at, ready.queue, ready.type, worker, started_at, ready.trace, ' +
  'ready.limits, ready.workflow, ready.node, ready.cron, ' +
  `ready.unique_key, result, progress, ${short('checkpoint')} AS checkpoint, history, policy, ` +
  `${short('envelope')} AS envelope, ` +
  `CASE WHEN ${isLong} THEN ${size} END AS size, texts, lease_required`;

/** The texts that {@link readyColumns} leave out. */
export const longTexts = 'SELECT id, envelope, checkpoint FROM ojs.whole WHERE id = ANY ($1::uuid[])';

const noLimits: readonly string[] = [];

export function readReady(cells: Cells): Ready {
  const limits = textOrNull(cells[20]);
  const workflow = textOrNull(cells[21]);
  const result = textOrNull(cells[25]);
  const job: JobRecord = {
    id: text(cells[2]),
    type: text(cells[16]),
    queue: text(cells[15]),
    state: State.available,
    priority: integer(cells[5]),
    attempt: integer(cells[4]),
    claim: integer(cells[3]),
    leaseRequired: cells[33] === true,
    runAt: integer(cells[6]),
    timeoutMs: integer(cells[8]),
    heartbeatMs: integer(cells[9]),
    visibilityMs: integerOrNull(cells[10]),
    expiresAt: integerOrNull(cells[11]),
    laterExpiresAt: integerOrNull(cells[12]),
    deadlineAt: integerOrNull(cells[13]),
    createdAt: integer(cells[14]),
    enqueuedAt: integerOrNull(cells[7]),
    startedAt: integerOrNull(cells[18]),
    worker: textOrNull(cells[17]),
    leaseMs: null,
    leaseUntil: null,
    beatAt: null,
    finishedAt: null,
    trace: textOrNull(cells[19]),
    uniqueKey: textOrNull(cells[24]),
    limits: limits === null ? noLimits : readTexts(limits),
    node: workflow === null ? null : { workflow, index: integer(cells[22]) },
    cron: textOrNull(cells[23]),
    deadLetter: false,
    envelope: text(cells[30]),
    policy: textOrNull(cells[29]),
    result,
    progress: textOrNull(cells[26]),
    checkpoint: textOrNull(cells[27]),
    history: textOrNull(cells[28]) ?? '',
  };
  return {
    held: {
      number: integer(cells[0]),
      job,
      result,
      texts: {},
      stored: job,
      hasTexts: cells[32] === true,
      fingerprint: null,
    },
    place: integer(cells[1]),
    leftOut: integerOrNull(cells[31]),
  };
}
