import { isIn, type JobId, type JobRecord, type NewJob, State, Terminal } from '@ojs-ts/core';
import { numbers, texts } from './arrays.ts';
import { beingCompleted, completedAlready } from './completions.ts';
import { type Held, heldOf, readJobs } from './held.ts';
import { lock } from './locks.ts';
import { integer, integerOrNull, jobColumns, text } from './row.ts';
import type { Transaction } from './transaction.ts';

/** A queue that is bounded or paused. */
export interface Gate {
  readonly paused: boolean;
  readonly capacity: number | null;
  /** Jobs that wait in it, as far as it is bounded. */
  depth: number;
}

const unfinished = Object.values(State).filter((state) => !isIn(state, Terminal));
const finished = Object.values(State).filter((state) => isIn(state, Terminal));

const queueRows = 'SELECT name, paused, capacity FROM ojs.queues WHERE name = ANY ($1::text[])';
const depths = `SELECT queue, sum(available + scheduled + retryable)::int FROM ojs.counts WHERE queue = ANY ($1::text[]) GROUP BY queue`;
const lockReplaced = `SELECT id FROM ojs.jobs WHERE unique_key = ANY ($1::text[]) AND state = ANY ('{${unfinished.join(',')}}'::smallint[])
  ORDER BY id FOR UPDATE`;
const unfinishedHolders = `SELECT ${jobColumns} FROM ojs.jobs
  WHERE unique_key = ANY ($1::text[]) AND state = ANY ('{${unfinished.join(',')}}'::smallint[])`;
const finishedHolders = `SELECT holder.* FROM unnest($1::text[], $2::smallint[], $3::bigint[]) AS wanted (key, states, after)
  CROSS JOIN unnest('{${finished.join(',')}}'::smallint[]) AS state (bit)
  CROSS JOIN LATERAL (SELECT ${jobColumns} FROM ojs.jobs WHERE unique_key = wanted.key AND state = state.bit AND created_at > wanted.after
    ORDER BY created_at, number LIMIT 1) AS holder
  WHERE state.bit & wanted.states <> 0`;

/** What an insert knows of the store: jobs with the ids and unique keys that come, and queues that may refuse. It changes as groups are accepted. */
export interface Shelf {
  readonly jobs: Map<JobId, Held<JobRecord>>;
  readonly byKey: Map<string, Held<JobRecord>[]>;
  readonly gates: ReadonlyMap<string, Gate>;
  /** Active holders that a user's transaction completes or has completed: they cannot be replaced any more. */
  readonly completing: ReadonlySet<JobId>;
}

/** @param always no queue refuses. */
export async function openShelf(tx: Transaction, jobs: readonly NewJob[], always: boolean): Promise<Shelf> {
  const replacing = keysOf(jobs.filter(({ unique }) => unique !== null && unique.onConflict !== 'keep'));
  const gates = always ? new Map<string, Gate>() : await openGates(tx, jobs);
  // Before they are read: what another transaction makes of them meanwhile is seen then.
  if (replacing.length > 0) tx.write(lockReplaced, [texts(replacing)]);
  const known = readJobs(
    (text, values) => tx.query(text, values),
    jobs.map(({ id }) => id),
  );
  const [byId, holders] = await Promise.all([known, readHolders(tx, jobs)]);
  const active =
    replacing.length === 0 ? [] : holders.filter(({ job }) => job.state === State.active).map(({ job }) => job.id);
  const completing = new Set([...(await beingCompleted(tx, active)), ...(await completedAlready(tx, active))]);
  const shelf: Shelf = { jobs: new Map(), byKey: new Map(), gates, completing };
  for (const held of [...byId.values(), ...holders]) shelve(shelf, held);
  return shelf;
}

export function shelve({ jobs, byKey }: Shelf, held: Held<JobRecord>): void {
  const { id, uniqueKey } = held.job;
  if (jobs.has(id)) return;
  jobs.set(id, held);
  if (uniqueKey === null) return;
  const same = byKey.get(uniqueKey);
  if (same) same.push(held);
  else byKey.set(uniqueKey, [held]);
}

async function openGates(tx: Transaction, jobs: readonly NewJob[]): Promise<Map<string, Gate>> {
  const rows = await tx.query(queueRows, [texts([...new Set(jobs.map(({ queue }) => queue))])]);
  const gates = new Map(
    rows.map(([name, paused, capacity]) => [
      text(name),
      { paused: paused === true, capacity: integerOrNull(capacity), depth: 0 },
    ]),
  );
  const bounded = [...gates].filter(([, { capacity }]) => capacity !== null).map(([name]) => name);
  if (bounded.length === 0) return gates;
  lock(tx, 'queue', bounded);
  tx.flush();
  for (const [queue, depth] of await tx.query(depths, [texts(bounded)])) {
    const gate = gates.get(text(queue));
    if (gate) gate.depth = integer(depth);
  }
  return gates;
}

/** Of each key every unfinished holder, and for each job that asks the oldest of each finished state. */
async function readHolders(tx: Transaction, jobs: readonly NewJob[]): Promise<readonly Held<JobRecord>[]> {
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
  return found.flat().map(heldOf);
}

function keysOf(jobs: readonly NewJob[]): readonly string[] {
  return [...new Set(jobs.flatMap(({ unique }) => unique?.key ?? []))];
}
