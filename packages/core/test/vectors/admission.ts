import { readFileSync } from 'node:fs';
import { uuidFrom } from '../../src/index.ts';
import {
  type JobRecord,
  type NewJob,
  type NewUnique,
  recordOf,
  State,
  type StateName,
  Waiting,
} from '../../src/job/index.ts';
import type { Inserted, InsertOptions } from '../../src/lifecycle/index.ts';

/** A job of `admission.json`, whose header says what the members mean. */
interface VectorJob {
  readonly id: number;
  readonly state?: StateName;
  readonly queue?: string;
  readonly key?: string;
  readonly at?: number;
  readonly args?: readonly unknown[];
  readonly node?: true;
  readonly states?: readonly StateName[];
  readonly after?: number;
  readonly onConflict?: NewUnique['onConflict'];
}

interface Vector {
  readonly name: string;
  readonly queues?: readonly { readonly name: string; readonly paused?: boolean; readonly capacity?: number }[];
  readonly jobs?: readonly VectorJob[];
  readonly options?: InsertOptions;
  readonly group: readonly VectorJob[];
  readonly answers: readonly object[];
}

const start = Date.UTC(2026, 0, 1);
/** When the group comes: after every job of the store, before any of them is due. */
export const admissionTime = start + 1_000;
const due = start + 3_600_000;
const numbers = new Map(Array.from({ length: 20 }, (_, number) => [idOf(number), number]));

export interface AdmissionCase {
  readonly name: string;
  readonly queues: readonly { readonly name: string; readonly paused: boolean; readonly capacity: number | null }[];
  /** Jobs as they are inserted into the store, and the state that they are in when the group comes. */
  readonly jobs: readonly { readonly job: NewJob; readonly state: State }[];
  readonly options: InsertOptions;
  readonly group: readonly NewJob[];
  /** As {@link brief} writes them. */
  readonly answers: readonly object[];
}

export function admissionCases(): readonly AdmissionCase[] {
  const { cases }: { readonly cases: readonly Vector[] } = JSON.parse(
    readFileSync(new URL('./admission.json', import.meta.url), 'utf8'),
  );
  return cases.map(({ name, queues = [], jobs = [], options = {}, group, answers }) => ({
    name,
    queues: queues.map(({ name, paused = false, capacity = null }) => ({ name, paused, capacity })),
    jobs: jobs.map((job) => ({ job: jobOf(job), state: State[job.state ?? 'available'] })),
    options,
    group: group.map(jobOf),
    answers,
  }));
}

/** An answer in the words of the vectors. */
export function brief(answer: Inserted): object {
  switch (answer.kind) {
    case 'inserted':
      return {
        kind: answer.kind,
        ...(answer.replaced.length > 0 && { replaced: answer.replaced.map((id) => numbers.get(id)) }),
      };
    case 'already':
      return { kind: answer.kind, job: numbers.get(answer.job.id) };
    case 'duplicate':
      return { kind: answer.kind, by: answer.by, existing: numbers.get(answer.existing.id) };
    default:
      return answer;
  }
}

export function inState(job: NewJob, state: State): JobRecord {
  return { ...recordOf(job), state };
}

function idOf(number: number): string {
  return uuidFrom(start, number, 1);
}

function jobOf(vector: VectorJob): NewJob {
  const { id: number, state = 'available', queue = 'default', at = 0, args = [number], node } = vector;
  const id = idOf(number);
  const first = state === 'scheduled' || state === 'pending' ? State[state] : State.available;
  return {
    id,
    type: 'a.b',
    queue,
    state: first,
    // Active ones are claimed first.
    priority: state === 'active' ? 100 : 0,
    runAt: first === State.available ? start : due,
    expiresAt: null,
    laterExpiresAt: null,
    deadlineAt: null,
    heartbeatMs: 60_000,
    timeoutMs: 60_000,
    visibilityMs: null,
    createdAt: start + at,
    node: node ? { workflow: 'w', index: 0 } : null,
    cron: null,
    trace: null,
    unique: uniqueOf(vector),
    limits: [],
    envelope: JSON.stringify({ specversion: '1.0', id, type: 'a.b', queue, args }),
    policy: null,
  };
}

function uniqueOf({ key, states, after, onConflict = 'keep' }: VectorJob): NewUnique | null {
  if (key === undefined) return null;
  const mask = states?.reduce((mask, name) => mask | State[name], 0) ?? Waiting | State.active;
  return { key, states: mask, createdAfter: after === undefined ? null : start + after, onConflict };
}
