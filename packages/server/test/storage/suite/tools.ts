import { uuidFrom } from '@ojs-ts/core';
import { type EventEntry, readEntries } from '@ojs-ts/core/events';
import {
  errorFingerprint,
  Failed,
  type JobRecord,
  type Limit,
  type NewJob,
  type NewUnique,
  State,
  type Transition,
  Waiting,
} from '@ojs-ts/core/job';
import type { NewNode, NewWorkflow } from '@ojs-ts/core/workflow';
import type { PruneRules } from '../../../src/storage/prune.ts';
import type {
  Claim,
  Claimed,
  Inserted,
  JobQuery,
  LimitRecord,
  Moved,
  Page,
  QueueRecord,
  Storage,
} from '../../../src/storage/storage.ts';

export type Cases = Readonly<Record<string, (storage: Storage) => Promise<void>>>;

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
    laterExpiresAt: patch.expiresAt ?? null,
    deadlineAt: null,
    heartbeatMs: 60 * second,
    timeoutMs: 1800 * second,
    visibilityMs: null,
    createdAt: t0,
    node: null,
    cron: null,
    trace: null,
    unique: null,
    limits: [],
    envelope: `{"specversion":"1.0","id":"${id}","type":"${type}","queue":"${queue}","args":[${number}]}`,
    policy: null,
    ...patch,
  };
}

/** A policy that keeps one unfinished job under the key. */
export function uniqueOf(patch: Partial<NewUnique> = {}): NewUnique {
  return { key: 'k', states: Waiting | State.active, createdAfter: null, onConflict: 'keep', ...patch };
}

export function limitOf(key: string, patch: Partial<Limit> = {}): Limit {
  return { key, concurrency: null, rates: [], ...patch };
}

export function newWorkflow(patch: Partial<NewWorkflow> = {}): NewWorkflow {
  return { id: 'w', name: 'order', kind: 'workflow', spec: '{"steps":[1.0]}', total: 1, ...patch };
}

/** A member whose job has the number of its index. */
export function newNode(index: number, patch: Partial<NewNode> = {}): NewNode {
  return {
    index,
    name: `step ${index}`,
    job: idOf(index),
    open: 0,
    next: [],
    member: true,
    spec: `{"n":${index}.0}`,
    ...patch,
  };
}

export function claimOf(patch: Partial<Claim> = {}): Claim {
  return {
    request: null,
    queues: ['default'],
    limit: 1,
    worker: 'w1',
    leaseMs: null,
    defaultLeaseMs: 30 * second,
    leaseRequired: false,
    ...patch,
  };
}

export async function insert(storage: Storage, jobs: readonly NewJob[], now = t0): Promise<void> {
  await storage.jobs.insert(
    jobs.map((job) => [job]),
    now,
  );
}

/** The answers to a group of its own. */
export async function insertGroup(storage: Storage, jobs: readonly NewJob[], now = t0): Promise<readonly Inserted[]> {
  const [answers] = await storage.jobs.insert([jobs], now);
  if (!answers) throw new Error('The group got no answer.');
  return answers;
}

export async function insertOne(storage: Storage, job: NewJob, now = t0): Promise<Inserted> {
  const [answer] = await insertGroup(storage, [job], now);
  if (!answer) throw new Error('The insert got no answer.');
  return answer;
}

/** The whole answer to a claim of its own. */
export async function claimAll(storage: Storage, patch: Partial<Claim> = {}, now = t0): Promise<Claimed> {
  const [answer] = await storage.jobs.claim([claimOf(patch)], now);
  if (!answer) throw new Error('The claim got no answer.');
  return answer;
}

export async function claim(storage: Storage, patch: Partial<Claim> = {}, now = t0): Promise<readonly JobRecord[]> {
  return (await claimAll(storage, patch, now)).jobs;
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

/** The ids of a list, page by page. */
export async function pages(storage: Storage, query: JobQuery): Promise<readonly (readonly string[])[]> {
  const found: (readonly string[])[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const page = await storage.jobs.list({ ...query, ...(after === '' ? {} : { after }) });
    found.push(ids(page.items));
    after = page.next;
  }
  return found;
}

/** That the job was inserted, and nothing made way for it. */
export const inserted: Inserted = { kind: 'inserted', replaced: [] };

/** Rules that remove nothing. */
export const keepAll: PruneRules = { jobs: [] };

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
    return readEntries(batch.entries).map((entry, index) => ({
      position: batch.position + index,
      at: batch.at,
      kind: entry[0],
      id: entry[1],
      entry,
    }));
  });
}

/** The maintained counts must be those of the rows. */
export async function countErrors(storage: Storage): Promise<readonly string[]> {
  const errors: string[] = [];
  for (const record of await storage.registry.queues()) {
    for (const state of Object.values(State)) {
      const found = await allJobs(storage, { states: state, queue: record.name });
      const counted = record.counts[state] ?? 0;
      if (counted !== found.length)
        errors.push(`${record.name}: ${counted} jobs of state ${state} counted, ${found.length} there`);
    }
    const listed = await allJobs(storage, { states: State.discarded, deadLetter: true, queue: record.name });
    if (record.deadLetter !== listed.length)
      errors.push(`${record.name}: ${record.deadLetter} dead letters counted, ${listed.length} there`);
  }
  return [...errors, ...(await fingerprintErrors(storage)), ...(await limitErrors(storage))];
}

/** A page may end before its limit, where a storage has looked at enough for one go. */
export async function allJobs(
  { jobs }: Storage,
  query: Omit<JobQuery, 'limit' | 'after'>,
): Promise<readonly JobRecord[]> {
  const found: JobRecord[] = [];
  for (let after: string | null = null, more = true; more; ) {
    const page: Page<JobRecord> = await jobs.list({ ...query, limit: 1_000_000, ...(after !== null && { after }) });
    found.push(...page.items);
    after = page.next;
    more = after !== null;
  }
  return found;
}

export async function allLimits({ registry }: Storage): Promise<readonly LimitRecord[]> {
  return (await registry.limits({ limit: 1_000_000 })).items;
}

async function fingerprintErrors(storage: Storage): Promise<readonly string[]> {
  const failed = await allJobs(storage, { states: Failed });
  const { groups } = await storage.jobs.errors({ states: Failed, limit: 1_000_000 });
  const counted = new Map(groups.map(({ fingerprint, count }) => [fingerprint, count]));
  const there = Map.groupBy(failed, errorFingerprint);
  return [...new Set([...counted.keys(), ...there.keys()])].flatMap((fingerprint) => {
    if (fingerprint === null) return [];
    const [count, jobs] = [counted.get(fingerprint) ?? 0, there.get(fingerprint)?.length ?? 0];
    return count === jobs ? [] : [`error ${fingerprint}: ${count} jobs counted, ${jobs} there`];
  });
}

async function limitErrors(storage: Storage): Promise<readonly string[]> {
  const items = await allJobs(storage, { states: State.active | State.available });
  return (await allLimits(storage)).flatMap(({ key, active, waiting }) => {
    const under = items.filter((job) =>
      key.startsWith('queue:') ? key === `queue:${job.queue}` : job.limits.includes(key),
    );
    const running = under.filter(({ state }) => state === State.active).length;
    if (active === running && waiting === under.length - running) return [];
    return [`${key}: ${active} active, ${waiting} waiting counted, ${running}, ${under.length - running} there`];
  });
}
