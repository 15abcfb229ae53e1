/** What a change does to workflows, crons and documents: the same pure code for every storage whose transactions run in this process. */

export { isReady, lowered, nodeRecordOf } from '@ojs-ts/core';

import { type Json, type Millis, type NewWorkflow, State, type WorkflowRecord } from '@ojs-ts/core';
import type { CronRecord, Document, Firing, Inserted } from './storage.ts';

type Closed = 'completed' | 'failed' | 'cancelled';

export function newWorkflow(workflow: NewWorkflow, now: Millis): WorkflowRecord {
  return {
    ...workflow,
    state: 'running',
    completed: 0,
    failed: 0,
    cancelled: 0,
    createdAt: now,
    finishedAt: null,
    end: null,
    sweeping: false,
  };
}

/** A repeated creation: everything that the client said is the same. Ids of jobs are minted anew for a repetition, so nodes are not compared. */
export function isSameWorkflow(known: NewWorkflow, other: NewWorkflow): boolean {
  return (
    known.name === other.name && known.kind === other.kind && known.total === other.total && known.spec === other.spec
  );
}

/** How a node ends whose job ended, or was removed, in this state. */
export function closedAs(job: State): Closed {
  if (job === State.completed) return 'completed';
  return job === State.cancelled ? 'cancelled' : 'failed';
}

/** The workflow after this many of its nodes ended alike; only members count. */
export function counted(workflow: WorkflowRecord, state: Closed, members: number): WorkflowRecord {
  return { ...workflow, [state]: workflow[state] + members };
}

export function putCron(
  known: CronRecord | null,
  { name, spec, enabled, dueAt }: Pick<CronRecord, 'name' | 'spec' | 'enabled' | 'dueAt'>,
  now: Millis,
): CronRecord {
  return {
    name,
    spec,
    enabled,
    dueAt,
    runCount: known?.runCount ?? 0,
    lastRunAt: known?.lastRunAt ?? null,
    lastJob: known?.lastJob ?? null,
    createdAt: known?.createdAt ?? now,
    updatedAt: now,
    version: (known?.version ?? 0) + 1,
  };
}

/** A run counts where its job was inserted. */
export function fired(cron: CronRecord, { dueAt, job }: Firing, inserted: Inserted | null, now: Millis): CronRecord {
  const moved = { ...cron, dueAt, version: cron.version + 1 };
  if (job === null || inserted?.kind !== 'inserted') return moved;
  return { ...moved, runCount: cron.runCount + 1, lastRunAt: now, lastJob: job.id };
}

/** The document after a put; null where the version on record is not the expected one. */
export function putDocument(
  known: Document | null,
  { kind, key, body }: Pick<Document, 'kind' | 'key' | 'body'>,
  expected: number | null | 'any',
  now: Millis,
): Document | null {
  if (expected !== 'any' && expected !== (known?.version ?? null)) return null;
  return { kind, key, version: (known?.version ?? 0) + 1, body, createdAt: known?.createdAt ?? now, updatedAt: now };
}

/** JSON text of a queue's settings before an operator gave any. */
export const noConfig: Json = '{}';
