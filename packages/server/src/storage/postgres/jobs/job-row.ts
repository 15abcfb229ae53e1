import type { EventSubject } from '@ojs-ts/core/events';
import type { JobRecord } from '@ojs-ts/core/job';
import type { Mutable } from '@ojs-ts/core/lifecycle';
import { type Cells, integer, integerOrNull, readTexts, state, text, textOrNull } from '../../cells.ts';

/** The part of a job that a change reads: without the long texts and what never changes. */
export type NarrowJob = EventSubject &
  Mutable &
  Pick<JobRecord, 'claim' | 'leaseRequired' | 'heartbeatMs' | 'deadlineAt' | 'limits' | 'node'>;

/** The columns of `ojs.whole` in the order in which {@link readJob} expects them. */
export const jobColumns =
  'number, id, state, claim, attempt, priority, run_at, enqueued_at, started_at, beat_at, finished_at, dead_letter, ' +
  'lease_ms, lease_until, timeout_ms, heartbeat_ms, deadline_at, queue, type, worker, trace, limits, workflow, ' +
  'node, lease_required, ' +
  'visibility_ms, expires_at, later_expires_at, created_at, cron, unique_key, result, progress, checkpoint, ' +
  'history, policy, envelope, texts';

/** core's `sizeOf` in bytes, which PostgreSQL knows without reading the texts. */
export const size = ['envelope', 'history', 'policy', 'result', 'progress', 'checkpoint']
  .map((name) => `coalesce(octet_length(${name}), 0)`)
  .join(' + ');

/** Up to so many bytes a text is read with many other rows: they are then a few megabytes. */
export const longest = 16_384;
/** PostgreSQL knows the length of a text without reading it: only short ones are fetched, others are empty. */
export const short = (name: string) => `CASE WHEN octet_length(${name}) > ${longest} THEN '' ELSE ${name} END`;

/** As {@link jobColumns}, for decisions, which need no long envelope and no long checkpoint: those are empty. */
export const decisionColumns = jobColumns
  .split(', ')
  .map((name) => (name === 'envelope' || name === 'checkpoint' ? short(name) : name))
  .join(', ');

export interface JobRow {
  /** Order of creation. */
  readonly number: number;
  readonly job: JobRecord;
  /** True if it has a row in `texts`. */
  readonly hasTexts: boolean;
}

const noLimits: readonly string[] = [];

export function readJob(cells: Cells): JobRow {
  const limits = textOrNull(cells[21]);
  const workflow = textOrNull(cells[22]);
  return {
    number: integer(cells[0]),
    hasTexts: cells[37] === true,
    job: {
      id: text(cells[1]),
      state: state(cells[2]),
      claim: integer(cells[3]),
      leaseRequired: cells[24] === true,
      attempt: integer(cells[4]),
      priority: integer(cells[5]),
      runAt: integer(cells[6]),
      enqueuedAt: integerOrNull(cells[7]),
      startedAt: integerOrNull(cells[8]),
      beatAt: integerOrNull(cells[9]),
      finishedAt: integerOrNull(cells[10]),
      deadLetter: cells[11] === true,
      leaseMs: integerOrNull(cells[12]),
      leaseUntil: integerOrNull(cells[13]),
      timeoutMs: integer(cells[14]),
      heartbeatMs: integer(cells[15]),
      deadlineAt: integerOrNull(cells[16]),
      queue: text(cells[17]),
      type: text(cells[18]),
      worker: textOrNull(cells[19]),
      trace: textOrNull(cells[20]),
      limits: limits === null ? noLimits : readTexts(limits),
      node: workflow === null ? null : { workflow, index: integer(cells[23]) },
      visibilityMs: integerOrNull(cells[25]),
      expiresAt: integerOrNull(cells[26]),
      laterExpiresAt: integerOrNull(cells[27]),
      createdAt: integer(cells[28]),
      cron: textOrNull(cells[29]),
      uniqueKey: textOrNull(cells[30]),
      result: textOrNull(cells[31]),
      progress: textOrNull(cells[32]),
      checkpoint: textOrNull(cells[33]),
      history: text(cells[34]),
      policy: textOrNull(cells[35]),
      envelope: text(cells[36]),
    },
  };
}
