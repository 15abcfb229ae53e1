/** Jobs a second of insert, claim and transition in batches of 100, for 1, 4 and 16 clients and with what a job carries. */
import { State } from '../../packages/core/src/states.ts';
import { uuidv7 } from '../../packages/core/src/uuid.ts';
import type { NewJob, Store, Transition } from './contract.ts';
import { hashOf, job } from './race.ts';

const batch = 100;
export const kinds = ['plain', 'unique', 'limit', 'node'] as const;
export type Kind = (typeof kinds)[number];

export interface Rates {
  readonly kind: Kind;
  readonly clients: number;
  readonly insert: number;
  readonly claim: number;
  readonly transition: number;
  /** Claims that found nothing although jobs were left: another claim held their rows or keys. */
  readonly empty: number;
}

/** `limit`: 100 keys with room for all. `node`: fan-ins of 100. */
async function prepare(store: Store, kind: Kind, total: number): Promise<NewJob[]> {
  if (kind === 'plain') return Array.from({ length: total }, () => job('q'));
  if (kind === 'unique') {
    return Array.from({ length: total }, () =>
      job('q', { unique: { key: hashOf(uuidv7()), states: 47, createdAfter: null, onConflict: 'keep' } }),
    );
  }
  if (kind === 'limit')
    return Array.from({ length: total }, (_, n) => job('q', { limits: [{ key: `k${n % 100}`, concurrency: 100_000, rate: null }] }));
  const made: NewJob[] = [];
  for (let n = 0; n < total; n += batch) {
    const workflow = uuidv7();
    await store.createWorkflow(workflow, [...Array.from({ length: batch }, () => []), Array.from({ length: batch }, (_, index) => index)]);
    for (let index = 0; index < batch; index++) made.push(job('q', { node: { workflow, index } }));
  }
  return made;
}

export async function time(store: Store, kind: Kind, clients: number, total: number): Promise<Rates> {
  await store.clear();
  const jobs = await prepare(store, kind, total);
  const done: Transition[] = [];
  const ready = new Set<string>();
  let claimed = 0;
  let empty = 0;
  const insert = await rate(total, clients, async () => {
    const some = jobs.splice(0, batch);
    if (some.length > 0) await store.insert(some, Date.now());
    return some.length > 0;
  });
  const claim = await rate(total, clients, async () => {
    const [got = []] = await store.claim([{ queues: ['q'], limit: batch, worker: 'w', leaseMs: 30_000 }], Date.now());
    for (const { id, claim } of got) done.push({ id, from: State.active, claim, to: State.completed });
    claimed += got.length;
    if (got.length === 0 && claimed < total) empty++;
    return claimed < total;
  });
  const transition = await rate(total, clients, async () => {
    const some = done.splice(0, batch);
    for (const moved of some.length > 0 ? await store.transition(some, Date.now()) : []) {
      if (moved.kind !== 'moved') throw new Error(`a transition is ${moved.kind}`);
      for (const node of moved.ready) ready.add(`${node.workflow} ${node.index}`);
    }
    return some.length > 0;
  });
  if (kind === 'node' && ready.size !== total / batch) throw new Error(`${ready.size} nodes became ready, not ${total / batch}`);
  return { kind, clients, insert, claim, transition, empty };
}

/** Milliseconds of one claim of 10 jobs with `lanes` saturated keys in front of them, median of 50. */
export async function claimBehind(store: Store, lanes: number): Promise<number> {
  await store.clear();
  const limited = Array.from({ length: lanes * 2 }, (_, n) =>
    job('q', { priority: 1, limits: [{ key: `k${n % lanes}`, concurrency: 1, rate: null }] }),
  );
  while (limited.length > 0) await store.insert(limited.splice(0, 500), Date.now());
  for (let got = 0; got < lanes; )
    got += (await store.claim([{ queues: ['q'], limit: 500, worker: 'w', leaseMs: 30_000 }], Date.now()))[0]?.length ?? 0;
  await store.insert(
    Array.from({ length: 500 }, () => job('q')),
    Date.now(),
  );
  const times: number[] = [];
  for (let n = 0; n < 50; n++) {
    const from = performance.now();
    const [got = []] = await store.claim([{ queues: ['q'], limit: 10, worker: 'w', leaseMs: 30_000 }], Date.now());
    times.push(performance.now() - from);
    if (got.length !== 10) throw new Error(`a claim behind saturated keys got ${got.length}`);
  }
  return times.sort((a, b) => a - b)[25] ?? 0;
}

async function rate(total: number, clients: number, step: () => Promise<boolean>): Promise<number> {
  const from = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (await step());
    }),
  );
  return total / ((performance.now() - from) / 1000);
}
