import { type EventEntry, type JobRecord, type NewJob, State, type Transition, uuidFrom } from '@ojs-ts/core';
import type { Claim, Moved, QueueRecord, Storage } from '../../../src/storage/storage.ts';

/** Where the time of every case starts. */
export const t0 = Date.UTC(2026, 0, 1);
export const second = 1000;

/** Job ids by a number, so that a case can name its jobs. */
export function idOf(number: number): string {
  return uuidFrom(t0, number, 1);
}

export function newJob(number: number, patch: Partial<NewJob> = {}): NewJob {
  const id = patch.id ?? idOf(number);
  const type = patch.type ?? 'email.send';
  const queue = patch.queue ?? 'default';
  return {
    id,
    type,
    queue,
    state: State.available,
    priority: 0,
    runAt: t0,
    expiresAt: null,
    timeoutMs: 1800 * second,
    visibilityMs: null,
    trace: null,
    createdAt: t0,
    envelope: `{"specversion":"1.0","id":"${id}","type":"${type}","queue":"${queue}","args":[${number}]}`,
    policy: null,
    ...patch,
  };
}

export function claimOf(patch: Partial<Claim> = {}): Claim {
  return { request: null, queues: ['default'], limit: 1, worker: 'w1', leaseMs: null, defaultLeaseMs: 30 * second, ...patch };
}

export async function insert(storage: Storage, jobs: readonly NewJob[], now = t0): Promise<void> {
  await storage.jobs.insert(
    jobs.map((job) => [job]),
    now,
  );
}

export async function claim(storage: Storage, patch: Partial<Claim> = {}, now = t0): Promise<readonly JobRecord[]> {
  const [jobs = []] = await storage.jobs.claim([claimOf(patch)], now);
  return jobs;
}

/** The only job of a claim of one. */
export async function claimOne(storage: Storage, patch: Partial<Claim> = {}, now = t0): Promise<JobRecord> {
  const [job] = await claim(storage, patch, now);
  if (!job) throw new Error('The claim got no job.');
  return job;
}

export async function move(storage: Storage, transition: Transition, now = t0): Promise<Moved> {
  const [answer] = await storage.jobs.transition([transition], now);
  if (!answer) throw new Error('The transition got no answer.');
  return answer;
}

/** A change without events from the given states. */
export function to(id: string, state: State, from: number, patch: Partial<Transition> = {}): Transition {
  return { id, from, to: state, events: [], ...patch };
}

export async function get(storage: Storage, id: string): Promise<JobRecord> {
  const [job] = await storage.jobs.get([id]);
  if (!job) throw new Error(`Job ${id} is missing.`);
  return job;
}

export async function queue(storage: Storage, name = 'default'): Promise<QueueRecord | undefined> {
  return (await storage.registry.queues()).find((record) => record.name === name);
}

export function ids(jobs: readonly { readonly id: string }[]): readonly string[] {
  return jobs.map((job) => job.id);
}

export interface LoggedEvent {
  readonly position: number;
  readonly at: number;
  readonly kind: string;
  readonly id: string | null;
  readonly entry: EventEntry;
}

export async function eventLog(storage: Storage, after = 0): Promise<readonly LoggedEvent[]> {
  const { batches } = await storage.events(after, 1_000_000);
  return batches.flatMap((batch) => {
    const entries: readonly EventEntry[] = JSON.parse(batch.entries);
    return entries.map((entry, index) => ({ position: batch.position + index, at: batch.at, kind: entry[0], id: entry[1], entry }));
  });
}

/** The maintained counts must be those of the rows. */
export async function countErrors(storage: Storage): Promise<readonly string[]> {
  const errors: string[] = [];
  for (const record of await storage.registry.queues()) {
    for (const state of Object.values(State)) {
      const { items } = await storage.jobs.list({ states: state, queue: record.name, limit: 1_000_000 });
      const counted = record.counts[state] ?? 0;
      if (counted !== items.length) errors.push(`${record.name}: ${counted} jobs of state ${state} counted, ${items.length} there`);
    }
    const listed = await storage.jobs.list({ states: State.discarded, deadLetter: true, queue: record.name, limit: 1_000_000 });
    if (record.deadLetter !== listed.items.length)
      errors.push(`${record.name}: ${record.deadLetter} dead letters counted, ${listed.items.length} there`);
  }
  return errors;
}
