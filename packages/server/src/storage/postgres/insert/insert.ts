import type { Millis } from '@ojs-ts/core';
import { creationEvent, EventEntries } from '@ojs-ts/core/events';
import { type NewJob, State } from '@ojs-ts/core/job';
import { type AdmissionOptions, admit, cancelled, isPlainJob } from '@ojs-ts/core/lifecycle';
import { sumsOf } from '@ojs-ts/core/statistics';
import { integer, text } from '../../cells.ts';
import type { Inserted, InsertOptions } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { lockUniqueKeys } from '../connection/locks.ts';
import { uuids } from '../connection/sql.ts';
import type { CommitSummary, Transaction } from '../connection/transaction.ts';
import type { EventBuffer } from '../events/event-buffer.ts';
import { Changes } from '../jobs/changes.ts';
import type { LockedJob } from '../jobs/locked-job.ts';
import { isUnnumbered, readView } from './admission-view.ts';
import { insertPlainRows, insertRows, wholeInsert } from './insert-rows.ts';

interface Options extends AdmissionOptions {
  /** The buffer for the events of each group; default: at the end. */
  readonly logs?: readonly EventBuffer[];
}

type Groups = readonly (readonly NewJob[])[];

const numbersOf = 'SELECT id, number FROM ojs.jobs WHERE id = ANY ($1::uuid[])';

const noKeys: readonly string[] = [];
const plain: Inserted = { kind: 'inserted', replaced: [] };

/** A job was refused, and the short path cannot say why. */
export class Refused extends Error {}

export async function insert(
  database: Database,
  groups: Groups,
  now: Millis,
  options: InsertOptions = {},
): Promise<readonly (readonly Inserted[])[]> {
  const jobs = groups.flat();
  if (jobs.length === 0) return groups.map(() => []);
  // A limit is written by a statement of its own.
  const statement =
    jobs.every(({ limits }) => limits.length === 0) && isPlain(jobs) ? alone(database, jobs, now, options) : null;
  if (statement !== null) {
    const [answer] =
      (await database.alone(statement, ([answer]) => summaryOf(answer?.[0] === true ? jobs : [], database.logs))) ?? [];
    if (answer?.[0] === true) return groups.map((group) => group.map(() => plain));
  } else if (isPlain(jobs)) {
    try {
      return await database.transact(now, (tx) => insertPlain(tx, groups, jobs, options));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }
  return database.transact(now, (tx) => insertGroups(tx, groups, now, options));
}

/** The insert as one statement. */
function alone(
  database: Database,
  jobs: readonly NewJob[],
  now: Millis,
  { refusePaused = false }: InsertOptions,
): ReturnType<typeof wholeInsert> {
  const entries = new EventEntries();
  if (database.logs) for (const job of jobs) logCreation(entries, job);
  return wholeInsert(jobs, refusePaused, now, entries.take());
}

function summaryOf(jobs: readonly NewJob[], logged: boolean): CommitSummary {
  const woken = new Set<string>();
  for (const { queue, state } of jobs) if (state === State.available) woken.add(queue);
  return { woken, logged: logged && jobs.length > 0, taken: 0 };
}

/** Reports whether the insert needs no look first: one statement inserts no id twice, so these differ. */
export function isPlain(jobs: readonly NewJob[]): boolean {
  return jobs.every(isPlainJob) && new Set(jobs.map(({ id }) => id)).size === jobs.length;
}

/**
 * Inserts without looking first: one statement, as long as no job is refused.
 * @throws Refused
 */
export async function insertPlain(
  tx: Transaction,
  groups: Groups,
  jobs: readonly NewJob[],
  options: AdmissionOptions,
): Promise<readonly (readonly Inserted[])[]> {
  if ((await insertPlainRows(tx, jobs, options)) < jobs.length) throw new Refused();
  for (const job of jobs) countAccepted(tx, job);
  tx.log.later((entries) => {
    for (const job of jobs) logCreation(entries, job);
  });
  return groups.map((group) => group.map(() => plain));
}

/** Inserts groups one after the other, each as a whole or not at all. */
export async function insertGroups(
  tx: Transaction,
  groups: Groups,
  now: Millis,
  options: Options = {},
): Promise<readonly (readonly Inserted[])[]> {
  const jobs = groups.flat();
  lockUniqueKeys(tx, jobs);
  const view = await readView(tx, jobs, options.always === true);
  const changes = new Changes(tx, now);
  const fresh: NewJob[] = [];
  const replacedAtOnce = new Set<LockedJob>();
  const answers = groups.map((group, at) => {
    const { answers, admitted, more } = admit(view, group, options);
    const log = options.logs?.[at] ?? tx.log;
    for (const { job, record, replaced } of admitted) {
      for (const held of view.heldJobs(replaced)) {
        if (isUnnumbered(held)) replacedAtOnce.add(held);
        changes.move(held, cancelled(held.job, now), log);
      }
      accepted(tx, job, log);
      fresh.push(job);
      view.add(record);
    }
    if (admitted.length > 0) view.wait(more);
    return answers;
  });
  insertRows(tx, fresh);
  await readNumbers(tx, [...replacedAtOnce]);
  changes.write();
  await changes.close();
  return answers;
}

/** Jobs that were inserted and replaced in one call get their numbers from the insert. */
async function readNumbers(tx: Transaction, jobs: readonly LockedJob[]): Promise<void> {
  if (jobs.length === 0) return;
  const rows = await tx.query(numbersOf, [uuids(jobs.map(({ job }) => job.id))]);
  const numbers = new Map(rows.map(([id, number]) => [text(id), integer(number)]));
  for (const held of jobs) held.number = numbers.get(held.job.id) ?? held.number;
}

/** Counts, wakes and logs an accepted job. */
function accepted(tx: Transaction, job: NewJob, log: EventBuffer): void {
  countAccepted(tx, job);
  logCreation(log, job);
}

function countAccepted(tx: Transaction, { id, type, queue, state, priority, limits }: NewJob): void {
  for (const limit of limits) tx.limits.offer(limit, tx.now);
  tx.count({ id, queue, priority, limits: limits.length === 0 ? noKeys : limits.map(({ key }) => key) }, null, state);
  tx.counts.sum({ queue, type }, sumsOf(null, state, tx.now));
  if (state === State.available) tx.woken.add(queue);
}

function logCreation(log: Pick<EventBuffer, 'job'>, job: NewJob): void {
  const { id, type, queue, state, trace, runAt, priority } = job;
  const kind = creationEvent(state);
  if (kind)
    log.job(kind, { id, type, queue, state, attempt: 0, worker: null, startedAt: null, trace, runAt, priority }, null);
}
