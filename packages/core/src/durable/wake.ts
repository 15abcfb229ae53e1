import { ProtocolError } from '../errors.ts';
import type { JobId, JobRecord } from '../job/job.ts';
import { State } from '../job/states.ts';
import { missingJob } from '../job-store.ts';
import { conflict } from '../lifecycle/decide.ts';
import type { StoredRecord } from '../records.ts';
import { ask, type Steps } from '../steps.ts';
import { nearestName } from '../suggestion.ts';
import { latestOf, type Millis } from '../time/clock.ts';
import { waitsOf } from './marks.ts';
import type { Written } from './merge.ts';
import { busy, changeOf, recordRounds, rowIn } from './record.ts';
import { type StepRow, stepsKind } from './row.ts';
import { awake } from './signal.ts';
import type { StepStore } from './store.ts';

/**
 * Ends waits of a suspended job by hand: a sleep or a pause is over, a poll probes, a wait for a signal times out.
 * @param names of the waits; null for all.
 * @throws ProtocolError `not_found`; `conflict` for a job that does not wait; `invalid_request` for another name.
 */
export function* wakeByHand(store: StepStore, id: JobId, names: readonly string[] | null): Steps<JobRecord> {
  for (let round = 0; round < recordRounds; round++) {
    const job = yield* ask(store.job(id));
    if (job === null) throw missingJob(id);
    const all = waitsOf(job);
    // A wait for jobs ends with them: their workflow can be cancelled.
    const waits = all?.flatMap(({ name, kind }) => (kind === 'child' ? [] : [name]));
    // It has run since the last round.
    if (waits === undefined && round > 0) return job;
    if (waits === undefined || waits.length === 0) throw notWaiting(job, all?.[0]?.workflow);
    const chosen = names ?? waits;
    for (const name of chosen) if (!waits.includes(name)) throw noSuchWait(name, waits);
    const now = latestOf(store.clock);
    const records = yield* ask(store.records(chosen.map((key) => ({ kind: stepsKind(id), key }))));
    const open = chosen.flatMap((name, at) => openRow(name, records[at] ?? null));
    const over = open.map(({ name, row }) => endedNow(name, row, now));
    const read = open.map(({ record }) => record);
    const { claims: _, ...rows } = changeOf({ id, claim: job.claim, worker: null }, over, read, now);
    if ((yield* ask(store.commit({ ...rows, ends: [awake(job, now)] }))) !== true) continue;
    const after = yield* ask(store.job(id));
    // A suspension in between has read the rows before.
    if (after === null || waitsOf(after) === null || after.claim === job.claim) return after ?? job;
  }
  throw busy(id);
}

interface OpenRow {
  readonly name: string;
  readonly record: StoredRecord;
  readonly row: StepRow;
}

function openRow(name: string, record: StoredRecord | null): readonly OpenRow[] {
  const row = rowIn(record);
  return record === null || row?.state !== 'open' ? [] : [{ name, record, row }];
}

function endedNow(name: string, row: StepRow, now: Millis): Written {
  const over = row.kind === 'poll' ? { ...row, nextAt: now } : { ...row, until: now };
  return { kind: 'written', name, row: over, apart: null, isNew: false, bytes: 0 };
}

function notWaiting(job: JobRecord, workflow: string | undefined): ProtocolError {
  const { code, details } = conflict(job, State.retryable);
  const message =
    workflow === undefined
      ? 'The job does not wait in a durable step, so there is no wait to end.'
      : `The job waits for the jobs of the workflow ${workflow}, and continues when they have ended. Cancel the workflow.`;
  return new ProtocolError(code, message, details);
}

function noSuchWait(name: string, waits: readonly string[]): ProtocolError {
  const near = nearestName(name, waits);
  const meant = near === undefined ? '' : ` Did you mean ${JSON.stringify(near)}?`;
  const shown = waits.slice(0, 5).map((one) => JSON.stringify(one));
  const message = `is ${JSON.stringify(name)}; the job waits in ${shown.join(', ')}.${meant}`;
  return ProtocolError.invalid([{ path: 'names', message }]);
}
