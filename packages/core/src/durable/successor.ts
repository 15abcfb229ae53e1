import { ProtocolError } from '../errors.ts';
import type { JobId, JobRecord, Json, NewJob } from '../job/job.ts';
import { State, Terminal } from '../job/states.ts';
import { isIn } from '../lifecycle/change.ts';
import { activated, conflict } from '../lifecycle/decide.ts';
import { rerunOf, undoOf } from '../lifecycle/linked-job.ts';
import type { RecordKey, StoredRecord } from '../records.ts';
import { ask, every, type Steps } from '../steps.ts';
import { latestOf, type Millis } from '../time/clock.ts';
import type { Successor } from './mark.ts';
import { marking, markOf, stepsMoved, withMark } from './marks.ts';
import { type NamedRow, rowsOf } from './read-rows.ts';
import { busy, recordRounds } from './record.ts';
import { rowText, type StepRow, stepLimits, stepsKind, valuesKind } from './row.ts';
import type { StepStore } from './store.ts';
import { noteUndo, quietFrom, standing, undosKind } from './undo.ts';

/** The job that takes over the rows of an ended one. It is the body of the record of that job. */
export interface Plan extends Successor {
  /** Only rows with a lower number, for a job that runs again from a step. */
  readonly before?: number;
}

/** Records that one pass of upkeep looks at. */
const page = 500;
/** Bytes of the values that one commit copies: the values of one step may have 1 MiB. */
const copyBytes = 4_194_304;
const copyRows = 100;

/** All rows of a job. */
export function* allRows(store: StepStore, id: JobId): Steps<readonly NamedRow[]> {
  return (yield* rowsOf(store, id, stepLimits.steps * 2)) ?? [];
}

/**
 * Makes the job of the plan, with the rows of the old one. Each commit can be repeated, and upkeep continues where a
 * server has stopped. The first one decides between two callers.
 * @returns the new job; the one that is there if the plan was carried out before.
 * @throws ProtocolError `steps_moved`; `conflict` for a job that has not ended.
 */
export function* takeOver(store: StepStore, job: JobRecord, plan: Plan): Steps<JobRecord> {
  const key = { kind: undosKind, key: job.id };
  for (let round = 0; round < recordRounds; round++) {
    const current = round === 0 ? job : ((yield* ask(store.job(job.id))) ?? job);
    if (!isIn(current.state, Terminal)) throw conflict(current, Terminal);
    const next = markOf(current)?.next;
    if (next !== undefined && next.job !== plan.job) throw stepsMoved(current, next);
    const [record = null] = yield* ask(store.records([key]));
    const planned = record === null ? null : planIn(record);
    if (planned === null && next === undefined) {
      if (!(yield* put(store, key, record, JSON.stringify(plan)))) continue;
    } else if (planned !== null && planned.job !== plan.job) {
      yield* carryOut(store, current, planned);
      continue;
    }
    yield* carryOut(store, current, plan);
    const made = yield* ask(store.job(plan.job));
    if (made !== null) return made;
  }
  throw busy(job.id);
}

function planIn({ body }: StoredRecord): Plan | null {
  const { job, as, ...more }: Partial<Plan> = JSON.parse(body);
  return job === undefined || as === undefined ? null : { job, as, ...more };
}

/** False where the record has changed since it was read. */
function* put(store: StepStore, key: RecordKey, before: StoredRecord | null, body: Json | null): Steps<boolean> {
  const now = latestOf(store.clock);
  const version = before?.version ?? null;
  const after = { ...key, version: (version ?? 0) + 1, createdAt: before?.createdAt ?? now, updatedAt: now };
  const change = body === null ? { deletes: [key] } : { puts: [{ ...after, body }] };
  return (yield* ask(store.commit({ checks: [{ ...key, version }], ...change }))) === true;
}

/** Continues a takeover, wherever it has stopped. A job that runs again keeps its rows. */
function* carryOut(store: StepStore, job: JobRecord, plan: Plan): Steps<void> {
  const { before: _, ...next } = plan;
  const mark = markOf(job) ?? {};
  if (mark.next === undefined) yield* ask(store.transition(marking(job, { ...mark, next })));
  const marked = yield* ask(store.job(job.id));
  const key = { kind: undosKind, key: job.id };
  const [record = null] = yield* ask(store.records([key]));
  if (record === null) return;
  if (marked !== null && markOf(marked)?.next?.job !== plan.job) {
    yield* put(store, key, record, '{}');
    return;
  }
  if (marked !== null) yield* make(store, marked, plan);
  yield* put(store, key, record, null);
}

/** The new job is pending until it has the rows: so its rows are where a storage keeps those of this job. */
function* make(store: StepStore, job: JobRecord, plan: Plan): Steps<void> {
  const rows = yield* allRows(store, job.id);
  const [first] = rows;
  if (first === undefined) return;
  if ((yield* ask(store.job(plan.job))) === null) {
    const name = { kind: stepsKind(job.id), key: first.name };
    const [record = null] = yield* ask(store.records([name]));
    // Without rows the old job was deleted, and the new one would know nothing.
    yield* ask(
      store.commit({
        checks: [{ ...name, version: record?.version ?? null }],
        job: successorOf(job, plan, latestOf(store.clock)),
      }),
    );
  }
  const made = yield* ask(store.job(plan.job));
  if (made?.state !== State.pending) return;
  const kept = rows.filter(({ row }) => isKept(row, plan));
  for (const part of parts(kept)) yield* copy(store, job.id, plan.job, part);
  const now = latestOf(store.clock);
  if (plan.as === 'rerun' && standing(kept).length > 0) yield* noteUndo(store, plan.job, now);
  yield* ask(store.transition(activated(made, now)));
}

/** A job that runs again begins its waits again; one that undoes needs each row. */
function isKept(row: StepRow, { as, before = 0 }: Plan): boolean {
  return as === 'undo' || (row.number < before && (row.state !== 'open' || row.undo === true));
}

function successorOf(job: JobRecord, plan: Plan, now: Millis): NewJob {
  const make = plan.as === 'undo' ? undoOf : rerunOf;
  const { job: read } = make(job, {}, { now }, () => plan.job);
  // A unique key must not refuse the job when the rows have moved already.
  return { ...read, state: State.pending, unique: null, idIsNew: undefined, policy: withMark(read, {}) };
}

/** By their names, so that a repeated copy has the same parts. */
function* parts(rows: readonly NamedRow[]): Generator<readonly NamedRow[]> {
  const sorted = rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  let part: NamedRow[] = [];
  let bytes = 0;
  for (const one of sorted) {
    const size = one.row.bytes ?? 0;
    if (part.length > 0 && (part.length === copyRows || bytes + size > copyBytes)) {
      yield part;
      [part, bytes] = [[], 0];
    }
    part.push(one);
    bytes += size;
  }
  if (part.length > 0) yield part;
}

/** Rows that are there stay: another server has copied them, or their job runs already. */
function* copy(store: StepStore, from: JobId, to: JobId, rows: readonly NamedRow[]): Steps<void> {
  const now = latestOf(store.clock);
  const stamp = { version: 1, createdAt: now, updatedAt: now };
  const apart = rows
    .filter(({ row }) => row.bytes !== undefined)
    .map(({ name: key }) => ({ kind: valuesKind(from), key }));
  const values = apart.length === 0 ? [] : yield* ask(store.records(apart));
  const puts = rows.map(({ name: key, row }) => {
    const moved = { ...row, origin: row.origin ?? from };
    return { kind: stepsKind(to), key, ...stamp, body: rowText(moved) };
  });
  yield* ask(
    store.commit({
      checks: puts.map(({ kind, key }) => ({ kind, key, version: null })),
      puts: [...puts, ...values.flatMap((one) => (one === null ? [] : [{ ...one, ...stamp, kind: valuesKind(to) }]))],
    }),
  );
}

/** Undoes the steps of an ended job now. @throws ProtocolError `conflict`, `steps_moved` */
export function* undoNow(store: StepStore, job: JobRecord, id: JobId): Steps<JobRecord> {
  if (!isIn(job.state, Terminal)) throw conflict(job, Terminal);
  const next = markOf(job)?.next;
  if (next === undefined && standing(yield* allRows(store, job.id)).length === 0) throw nothingToUndo(job);
  const quiet = quietFrom(job, store.defaultLeaseMs);
  if (next === undefined && quiet > latestOf(store.clock)) throw stillRuns(job, quiet);
  return yield* takeOver(store, job, { job: id, as: 'undo' });
}

function nothingToUndo(job: JobRecord): ProtocolError {
  const { code, details } = conflict(job, Terminal);
  return new ProtocolError(
    code,
    'The job has no step that can be undone and was not.',
    details,
    'ojs jobs steps ID, or GET /ojs/v1/jobs/:id/steps, lists the steps; those with undo can be undone.',
  );
}

function stillRuns(job: JobRecord, until: Millis): ProtocolError {
  const { code, details } = conflict(job, Terminal);
  const message = 'The worker of the job may still run a step until its lease ends; nothing was changed.';
  const at = new Date(until).toISOString();
  return new ProtocolError(
    code,
    message,
    { ...details, until: at },
    `Undo the job after ${at}, or when its worker has stopped.`,
  );
}

/**
 * One pass of upkeep: continues takeovers, and undoes jobs that have ended badly. A job in the dead letter waits for
 * a person, who retries or undoes it.
 * @param from the end of the pass before.
 * @param failed takes what went wrong with one job; the next pass tries it again.
 * @returns the end of this pass; undefined to begin again.
 */
export function* tendUndos(
  store: StepStore,
  from: string | undefined,
  newId: () => JobId,
  failed: (id: JobId, error: unknown) => void,
): Steps<string | undefined> {
  const found = yield* ask(store.scan(undosKind, { ...(from !== undefined && { from }), limit: page }));
  const jobs: readonly (JobRecord | null)[] = yield* ask(every(found.map(({ key }) => store.job(key))));
  for (const [at, record] of found.entries())
    try {
      yield* tend(store, record, jobs[at] ?? null, newId);
    } catch (error) {
      failed(record.key, error);
    }
  return found.length < page ? undefined : found.at(-1)?.key;
}

function* tend(store: StepStore, record: StoredRecord, job: JobRecord | null, newId: () => JobId): Steps<void> {
  const plan = planIn(record);
  if (plan !== null && job !== null) return yield* carryOut(store, job, plan);
  if (job !== null && !isIn(job.state, Terminal)) return;
  const mark = job === null ? null : markOf(job);
  const isOver = job === null || job.state === State.completed || mark?.keep === true || mark?.next !== undefined;
  if (!isOver && (job.deadLetter || quietFrom(job, store.defaultLeaseMs) > latestOf(store.clock))) return;
  if (isOver || standing(yield* allRows(store, job.id)).length === 0) yield* put(store, record, record, null);
  else yield* takeOver(store, job, { job: newId(), as: 'undo' });
}
