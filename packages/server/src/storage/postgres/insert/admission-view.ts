import { type JobId, type JobRecord, type NewJob, State, Terminal } from '@ojs-ts/core/job';
import { type AdmissionView, isIn, type QueueView } from '@ojs-ts/core/lifecycle';
import { integer, integerOrNull, text } from '../../cells.ts';
import { lock, lockHolders, replacedKeys } from '../connection/locks.ts';
import { numbers, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { jobColumns } from '../jobs/job-row.ts';
import { type LockedJob, lockedJobOf, readJobs } from '../jobs/locked-job.ts';
import { beingCompleted, completedAlready } from './completions.ts';

/** Jobs that are not inserted yet are numbered from here on. */
const unnumbered = 2 ** 52;

export function isUnnumbered({ number }: LockedJob): boolean {
  return number >= unnumbered;
}

/** `depth` counts as far as the queue is bounded. */
type Queue = { -readonly [Name in keyof QueueView]: QueueView[Name] };

const finished = Object.values(State).filter((state) => isIn(state, Terminal));

const queueRows = 'SELECT name, paused, capacity FROM ojs.queues WHERE name = ANY ($1::text[])';
const depths = `SELECT queue, sum(available + scheduled + retryable)::int FROM ojs.counts
  WHERE queue = ANY ($1::text[]) GROUP BY queue`;
const holdersIn = (table: string) => `SELECT id FROM ojs.${table} WHERE unique_key = ANY ($1::text[])`;
const unfinishedHolders = `SELECT ${jobColumns} FROM ojs.whole
  WHERE id = ANY (ARRAY (${['due', 'ready', 'active'].map(holdersIn).join(' UNION ALL ')}))`;
const finishedHolders = `SELECT ${jobColumns} FROM ojs.whole WHERE id = ANY (ARRAY (
    SELECT holder.id FROM unnest($1::text[], $2::smallint[], $3::bigint[]) AS wanted (key, states, after)
    CROSS JOIN unnest('{${finished.join(',')}}'::smallint[]) AS state (bit)
    CROSS JOIN LATERAL (SELECT id FROM ojs.ended WHERE unique_key = wanted.key AND ended.state = state.bit
    AND unique_at > wanted.after
      ORDER BY unique_at, number LIMIT 1) AS holder
    WHERE state.bit & wanted.states <> 0))`;

/**
 * The view of admission on the store, loaded before: jobs with the ids and unique keys of the new jobs, and queues that
 * may refuse jobs. Admitted groups become part of it.
 */
export class View implements AdmissionView {
  readonly holders: AdmissionView['holders'];
  readonly completing: ReadonlySet<JobId>;
  readonly #jobs = new Map<JobId, LockedJob<JobRecord>>();
  readonly #byKey = new Map<string, LockedJob<JobRecord>[]>();
  readonly #queues: ReadonlyMap<string, Queue>;

  constructor(
    jobs: Iterable<LockedJob<JobRecord>>,
    queues: ReadonlyMap<string, Queue>,
    completing: ReadonlySet<JobId>,
  ) {
    this.#queues = queues;
    this.completing = completing;
    this.holders = { all: (key) => this.#byKey.get(key) ?? [], oldest: null };
    for (const held of jobs) this.#put(held);
  }

  jobById(id: JobId): JobRecord | null {
    return this.#jobs.get(id)?.job ?? null;
  }

  queue(name: string): Queue | null {
    return this.#queues.get(name) ?? null;
  }

  heldJobs(ids: readonly JobId[]): readonly LockedJob<JobRecord>[] {
    return ids.flatMap((id) => this.#jobs.get(id) ?? []);
  }

  /**
   * An accepted job is younger than every stored one. From 2^52 on a fraction would be rounded, and two jobs would tie.
   */
  add(job: JobRecord): void {
    this.#put({
      number: unnumbered + this.#jobs.size,
      job,
      result: null,
      texts: {},
      stored: job,
      hasTexts: false,
      fingerprint: null,
    });
  }

  wait(more: ReadonlyMap<string, number>): void {
    for (const [name, count] of more) {
      const queue = this.#queues.get(name);
      if (queue) queue.depth += count;
    }
  }

  #put(held: LockedJob<JobRecord>): void {
    const { id, uniqueKey } = held.job;
    if (this.#jobs.has(id)) return;
    this.#jobs.set(id, held);
    if (uniqueKey === null) return;
    const same = this.#byKey.get(uniqueKey);
    if (same) same.push(held);
    else this.#byKey.set(uniqueKey, [held]);
  }
}

/**
 * Reads the view for these jobs.
 * @param always whether no queue may refuse a job.
 */
export async function readView(tx: Transaction, jobs: readonly NewJob[], always: boolean): Promise<View> {
  const replacing = replacedKeys(jobs);
  const queues = always ? new Map<string, Queue>() : await readQueues(tx, jobs);
  // Locked before they are read: the read then sees what other transactions have made of them.
  const locked = await lockHolders(tx, replacing);
  const reading = readJobs(
    tx,
    jobs.map(({ id }) => id),
  );
  const [byId, found] = await Promise.all([reading, readHolders(tx, jobs)]);
  const holders = found.filter(isLocked(replacing, locked.ids));
  const active =
    replacing.length === 0 ? [] : holders.filter(({ job }) => job.state === State.active).map(({ job }) => job.id);
  const completing = new Set([...(await beingCompleted(tx, active)), ...(await completedAlready(tx, active))]);
  return new View([...byId.values(), ...holders], queues, completing);
}

/**
 * Leaves out jobs that an operator has restarted since the others were locked: only locked jobs can be replaced. The
 * insert then comes before that start.
 */
function isLocked(replacing: readonly string[], ids: readonly JobId[]): (held: LockedJob<JobRecord>) => boolean {
  const keys = new Set(replacing);
  const locked = new Set(ids);
  return ({ job }) => isIn(job.state, Terminal) || !keys.has(job.uniqueKey ?? '') || locked.has(job.id);
}

async function readQueues(tx: Transaction, jobs: readonly NewJob[]): Promise<Map<string, Queue>> {
  const rows = await tx.query(queueRows, [texts([...new Set(jobs.map(({ queue }) => queue))])]);
  const queues = new Map(
    rows.map(([name, paused, capacity]) => [
      text(name),
      { paused: paused === true, capacity: integerOrNull(capacity), depth: 0 },
    ]),
  );
  const bounded = [...queues].filter(([, { capacity }]) => capacity !== null).map(([name]) => name);
  if (bounded.length === 0) return queues;
  lock(tx, 'queue', bounded);
  tx.flush();
  for (const [name, depth] of await tx.query(depths, [texts(bounded)])) {
    const bounded = queues.get(text(name));
    if (bounded) bounded.depth = integer(depth);
  }
  return queues;
}

/** Reads every unfinished holder of each key, and for each new job the oldest holder of each finished state. */
async function readHolders(tx: Transaction, jobs: readonly NewJob[]): Promise<readonly LockedJob<JobRecord>[]> {
  const uniques = jobs.flatMap(({ unique }) => unique ?? []);
  if (uniques.length === 0) return [];
  const keeping = uniques.filter(({ onConflict, states }) => onConflict === 'keep' && (states & Terminal) !== 0);
  const found = await Promise.all([
    tx.query(unfinishedHolders, [texts(keysOf(jobs))]),
    keeping.length === 0
      ? []
      : tx.query(finishedHolders, [
          texts(keeping.map(({ key }) => key)),
          numbers(keeping.map(({ states }) => states)),
          numbers(keeping.map(({ createdAfter }) => createdAfter ?? Number.MIN_SAFE_INTEGER)),
        ]),
  ]);
  return found.flat().map(lockedJobOf);
}

function keysOf(jobs: readonly NewJob[]): readonly string[] {
  return [...new Set(jobs.flatMap(({ unique }) => unique?.key ?? []))];
}
