import type { JobRecord } from '@ojs-ts/core';
import { integer, integerOrNull, readTexts, state, text, textOrNull } from '../../cells.ts';
import type { Cells } from '../connection/sql.ts';

/** The columns of a job in the order in which {@link readJob} expects them. */
export const jobColumns =
  'number, id, state, claim, attempt, priority, run_at, enqueued_at, started_at, beat_at, finished_at, dead_letter, lease_ms, lease_until, timeout_ms, ' +
  'heartbeat_ms, visibility_ms, expires_at, later_expires_at, deadline_at, created_at, queue, type, worker, trace, limits, workflow, node, cron, unique_key, ' +
  'result, progress, checkpoint, history, policy, envelope';

export interface JobRow {
  readonly number: number;
  readonly job: JobRecord;
}

const noLimits: readonly string[] = [];

export function readJob(cells: Cells): JobRow {
  const limits = textOrNull(cells[25]);
  const workflow = textOrNull(cells[26]);
  return {
    number: integer(cells[0]),
    job: {
      id: text(cells[1]),
      state: state(cells[2]),
      claim: integer(cells[3]),
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
      visibilityMs: integerOrNull(cells[16]),
      expiresAt: integerOrNull(cells[17]),
      laterExpiresAt: integerOrNull(cells[18]),
      deadlineAt: integerOrNull(cells[19]),
      createdAt: integer(cells[20]),
      queue: text(cells[21]),
      type: text(cells[22]),
      worker: textOrNull(cells[23]),
      trace: textOrNull(cells[24]),
      limits: limits === null ? noLimits : readTexts(limits),
      node: workflow === null ? null : { workflow, index: integer(cells[27]) },
      cron: textOrNull(cells[28]),
      uniqueKey: textOrNull(cells[29]),
      result: textOrNull(cells[30]),
      progress: textOrNull(cells[31]),
      checkpoint: textOrNull(cells[32]),
      history: text(cells[33]),
      policy: textOrNull(cells[34]),
      envelope: text(cells[35]),
    },
  };
}
