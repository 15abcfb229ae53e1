import { ProtocolError } from '../errors.ts';
import type { JobRecord } from '../job/job.ts';
import { State } from '../job/states.ts';
import { missingJob } from '../job-store.ts';
import { conflict } from '../lifecycle/decide.ts';
import { deathsOf, maxForgivenDeaths } from '../lifecycle/poison.ts';
import { isOwner } from '../lifecycle/transition.ts';
import type { RecordChange, RecordKey, StoredRecord } from '../records.ts';
import { ask, type Steps } from '../steps.ts';
import { latestOf, type Millis } from '../time/clock.ts';
import type { StepsMark } from './mark.ts';
import { marking, markOf } from './marks.ts';
import { type Merged, mergedStep } from './merge.ts';
import { rowsOf, valueBytes } from './read-rows.ts';
import { hasSteps, isMailed, readRow, rowText, type StepRow, stepLimits, stepsKind, valuesKind } from './row.ts';
import type { SentStep } from './sent.ts';
import type { StepStore } from './store.ts';
import type { Tally } from './tally.ts';
import { noteUndo } from './undo.ts';
import { lookForMail } from './waiting.ts';

/** The execution that a call is about. A lease that the store has not issued is a claim of another job. */
export interface StepOwner {
  readonly id: string;
  readonly claim: number;
  readonly worker: string | null;
}

/** How often a record is decided again because rows of the job have changed since they were read. */
export const recordRounds = 5;

/**
 * Records outcomes of an execution, in one commit with a check of its claim. After the first record of an execution
 * nothing is read: new rows are written with the check that there are none.
 * @throws ProtocolError `conflict` if the claim does not hold; `not_found`; `too_many_steps`; what {@link mergedStep}
 * throws.
 */
export function* recordSteps(store: StepStore, owner: StepOwner, steps: readonly SentStep[]): Steps<readonly Merged[]> {
  const { id, claim } = owner;
  const keys = steps.map(({ name }) => ({ kind: stepsKind(id), key: name }));
  for (let round = 0; round < recordRounds; round++) {
    const known = round === 0 ? store.tallies.get(id, claim) : null;
    const job = known?.forgiven && !steps.some(isWait) ? null : yield* ownedJob(store, owner);
    const tally = known ?? (job === null ? null : yield* tallyOf(store, job));
    if (tally === null) continue;
    const isFresh = round === 0 && (tally.count === 0 || steps.every(isFirst));
    const found = isFresh ? keys.map(() => null) : yield* ask(store.records(keys));
    const now = latestOf(store.clock);
    const asked = steps.map((step, at) => mergedStep(step, rowIn(found[at]), { now, claim }));
    const { merged, changes } =
      job === null ? { merged: asked, changes: [] } : yield* lookForMail(store, job, asked, { now, ends: true });
    const mark = job === null ? null : markAfter(job, merged);
    const after = checkedTally(store, tally, merged);
    const noted = yield* noteBefore(store, id, steps, tally);
    const change = joined([changeOf(owner, merged, found, now), ...changes]);
    const ends = job === null || mark === null ? [] : [marking(job, mark)];
    const isDone = change.puts.length + ends.length === 0 || (yield* ask(store.commit({ ...change, ends })));
    if (isDone !== true) continue;
    store.tallies.set(id, { ...after, ...noted, forgiven: job === null || !forgives(job) || isProgress(merged) });
    for (const one of merged) count(store, one);
    return merged;
  }
  throw busy(id);
}

/** The note of a job comes before the first row that can be undone, or upkeep would miss that row. */
export function* noteBefore(
  store: StepStore,
  id: string,
  steps: readonly SentStep[],
  { noted }: Pick<Tally, 'noted'>,
): Steps<Pick<Tally, 'noted'>> {
  if (noted || !steps.some(({ undo }) => undo)) return { ...(noted && { noted }) };
  yield* noteUndo(store, id, latestOf(store.clock));
  return { noted: true };
}

/** @param id null for a token without a waiter. */
export function busy(id: string | null): ProtocolError {
  const message = 'Other calls keep changing the steps or the mail of the job; nothing was recorded. Try again.';
  return new ProtocolError('backend_unavailable', message, { ...(id !== null && { job_id: id }) });
}

/** @throws ProtocolError `not_found`, `conflict` */
export function* ownedJob(store: StepStore, owner: StepOwner): Steps<JobRecord> {
  const job = yield* ask(store.job(owner.id));
  if (job === null) throw missingJob(owner.id);
  if (!isOwner(job, owner)) throw conflict(job, State.active);
  return job;
}

/**
 * A wait, a poll, a later try or a step that can be undone has an open row already. Any other outcome is probably the
 * first under its name.
 */
function isFirst({ kind, state, tries = 1, undo }: SentStep): boolean {
  if (undo && state !== 'open') return false;
  return ((kind === 'run' || kind === 'enqueue') && tries <= 1) || (isMailed(kind) && state === 'open');
}

function isWait({ kind }: SentStep): boolean {
  return isMailed(kind);
}

export function rowIn(record: StoredRecord | null | undefined): StepRow | null {
  return record ? readRow(record.body) : null;
}

/** Counts the rows before this record. Reads all of them, once per execution. */
export function* tallyOf(store: StepStore, job: JobRecord): Steps<Tally> {
  const known = store.tallies.get(job.id, job.claim);
  if (known !== null) return known;
  const rows = hasSteps(job) ? ((yield* rowsOf(store, job.id)) ?? []) : [];
  return tallied(
    job,
    rows.map(({ row }) => row),
  );
}

export function tallied(job: JobRecord, rows: readonly StepRow[]): Tally {
  const bytes = rows.reduce((sum, row) => sum + valueBytes(row), 0);
  return { claim: job.claim, forgiven: hasSteps(job) && !forgives(job), count: rows.length, bytes };
}

/** @throws ProtocolError `too_many_steps`, `step_too_large` */
export function checkedTally(store: StepStore, tally: Tally, merged: readonly Merged[]): Tally {
  let { count, bytes } = tally;
  for (const one of merged) {
    if (one.kind === 'kept') continue;
    count += one.isNew ? 1 : 0;
    bytes += one.bytes;
  }
  if (count > stepLimits.steps && count > tally.count)
    throw new ProtocolError(
      'too_many_steps',
      `The job would have ${count} steps; at most ${stepLimits.steps} are allowed.`,
      {
        count,
        max_steps: stepLimits.steps,
      },
    );
  if (bytes > store.maxJobBytes && bytes > tally.bytes)
    throw new ProtocolError(
      'step_too_large',
      `The values of the steps would have ${bytes} bytes; a job may have ${store.maxJobBytes}.`,
      { size: bytes, max_size: store.maxJobBytes },
    );
  return { ...tally, count, bytes };
}

type ClaimedChange = RecordChange & { readonly puts: readonly StoredRecord[] };

/** The rows and values to write, each with a check that the row has not changed since it was read. */
export function changeOf(
  { id, claim }: StepOwner,
  merged: readonly Merged[],
  found: readonly (StoredRecord | null)[],
  now: Millis,
): ClaimedChange {
  const checks: (RecordKey & { readonly version: number | null })[] = [];
  const puts: StoredRecord[] = [];
  merged.forEach((one, at) => {
    if (one.kind === 'kept') return;
    const before = found[at] ?? null;
    const key = { kind: stepsKind(id), key: one.name };
    const stamp = { version: (before?.version ?? 0) + 1, createdAt: before?.createdAt ?? now, updatedAt: now };
    checks.push({ ...key, version: before?.version ?? null });
    puts.push({ ...key, ...stamp, body: rowText(one.row) });
    if (one.apart !== null) puts.push({ kind: valuesKind(id), key: one.name, ...stamp, body: one.apart });
  });
  return { checks, claims: [{ id, claim }], puts };
}

/** One commit of all these parts. */
export function joined(
  parts: readonly [ClaimedChange, ...Pick<RecordChange, 'checks' | 'puts' | 'deletes'>[]],
): ClaimedChange {
  return {
    ...parts[0],
    checks: parts.flatMap(({ checks = [] }) => checks),
    puts: parts.flatMap(({ puts = [] }) => puts),
    deletes: parts.flatMap(({ deletes = [] }) => deletes),
  };
}

/** The mark after a record; null if it stays: a later record of the same execution writes no job. */
function markAfter(job: JobRecord, merged: readonly Merged[]): StepsMark | null {
  if (isProgress(merged) && forgives(job)) return forgiven(job);
  return hasSteps(job) ? null : {};
}

/** A wait that ends is no progress, nor is a step that fails: a job could repeat these for ever. */
function isProgress(merged: readonly Merged[]): boolean {
  return merged.some(({ kind, row }) => kind === 'written' && row.state === 'done' && isWork(row));
}

function isWork({ kind }: StepRow): boolean {
  return kind === 'run' || kind === 'enqueue' || isMailed(kind);
}

/** Reports whether a new outcome forgives anything. */
function forgives(job: JobRecord): boolean {
  const { past = 0, deaths = 0 } = markOf(job) ?? {};
  return job.attempt - 1 > past || (deaths < maxForgivenDeaths && deathsOf(job).all > 0);
}

/** The mark after progress: earlier attempts do not count, nor do the first ten deaths of earlier claims. */
function forgiven(job: JobRecord): StepsMark {
  const mark = markOf(job) ?? {};
  const { deaths = 0 } = mark;
  const forgivable = deathsOf(job).claims.slice(0, maxForgivenDeaths - deaths);
  const last = forgivable.at(-1);
  return {
    ...mark,
    ...(job.attempt > 1 && { past: job.attempt - 1 }),
    ...(last !== undefined && { deaths: deaths + forgivable.length, deathsUntil: last }),
  };
}

export function count(store: StepStore, one: Merged): void {
  store.recorded(one.row.kind, one.kind === 'kept' ? 'repeated' : one.row.state);
}
