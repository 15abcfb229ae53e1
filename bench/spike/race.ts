/** Sixteen clients race over one store; what they saw and what the event log says afterwards must be a history that the contract allows. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { State } from '../../packages/core/src/states.ts';
import { uuidv7 } from '../../packages/core/src/uuid.ts';
import type { Claimed, Limit, Moved, NewJob, Ready, Store, Transition } from './contract.ts';
import { replay } from './replay.ts';

const clients = 16;
/** A slot that is never freed shows as a race that does not end. */
const deadline = 30_000;
const everyState = 255;
const live = State.scheduled | State.available | State.pending | State.active | State.retryable;

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export function job(queue: string, more: Partial<NewJob> = {}): NewJob {
  const id = uuidv7();
  const envelope = `{"specversion":"1.0","id":"${id}","type":"spike.run","queue":"${queue}","args":[{"to":"user@example.com","n":9007199254740993}],"meta":{"trace":"${'0123456789abcdef'.repeat(6)}"},"pad":"${'x'.repeat(60)}"}`;
  return { id, queue, priority: 0, createdAt: Date.now(), envelope, unique: null, limits: [], node: null, ...more };
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item): readonly [number, T] => [Math.random(), item])
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

function range<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

const concurrency = (key: string, count: number): Limit => ({ key, concurrency: count, rate: null });
const rate = { count: 10, perMs: 100 };

/** 5,000 jobs, a quarter of them sharing unique keys. The replaced ones stand in a queue that nobody claims from. */
function jobsToInsert(): NewJob[] {
  const kept = range(100, (k) =>
    range(10, () => job('main', { unique: { key: hashOf(`keep ${k}`), states: everyState, createdAfter: null, onConflict: 'keep' } })),
  );
  const replaced = range(25, (k) =>
    range(10, () => job('parked', { unique: { key: hashOf(`replace ${k}`), states: live, createdAfter: null, onConflict: 'replace' } })),
  );
  const limited = range(1000, (n) => {
    const own = concurrency(`two ${n % 20}`, 2);
    return job('limited', { limits: n % 5 === 0 ? [concurrency('all', 8), own] : [own], priority: n % 3 });
  });
  const timed = range(250, (n) => job('limited', { limits: [{ key: `rate ${n % 5}`, concurrency: null, rate }] }));
  const plain = range(2500, (n) => job(n % 2 ? 'main' : 'limited', { priority: n % 7 }));
  return shuffled([...kept.flat(), ...replaced.flat(), ...limited, ...timed, ...plain]);
}

const diamond = [[], [0], [0], [1, 2]];
const fanIn = [...range(100, () => []), range(100, (index) => index)];

export interface Outcome {
  readonly failures: readonly string[];
  readonly facts: readonly string[];
}

export async function race(store: Store): Promise<Outcome> {
  const failures: string[] = [];
  const check = (good: boolean, what: string) => {
    if (!good && failures.length < 20) failures.push(`${store.name}: ${what}`);
  };

  const jobs = jobsToInsert();
  const byId = new Map(jobs.map((one) => [one.id, one]));
  const winners = new Map<string, string[]>();
  const duplicates: { readonly key: string; readonly existing: string }[] = [];
  const claims = new Set<string>();
  const holders = new Map<string, number>();
  const starts = new Map<string, number[]>();
  const stale: Transition[] = [];
  const readied = new Map<string, number>();
  const tally = { inserted: 0, replaced: 0, claimed: 0, completed: 0, released: 0, refused: 0, repeated: 0, empty: 0 };

  const pending = [...jobs];
  const started = performance.now();

  async function insert(batch: readonly NewJob[]): Promise<void> {
    const outcomes = await store.insert(batch, Date.now());
    check(outcomes.length === batch.length, 'insert answers as many as it was asked');
    outcomes.forEach((outcome, i) => {
      const one = batch[i];
      if (!one) return;
      byId.set(one.id, one);
      if (outcome.kind === 'inserted') {
        tally.inserted++;
        tally.replaced += outcome.replaced.length;
        if (one.unique) winners.set(one.unique.key, [...(winners.get(one.unique.key) ?? []), one.id]);
      } else if (outcome.kind === 'duplicate') {
        check(one.unique !== null, `${one.id} is a duplicate without a key`);
        if (one.unique) duplicates.push({ key: one.unique.key, existing: outcome.existing });
      } else check(one.node !== null, `${one.id} is said to be there already`);
    });
  }

  async function follow(ready: readonly Ready[]): Promise<void> {
    if (ready.length === 0) return;
    for (const { workflow, index, failed } of ready) {
      const name = `${workflow} ${index}`;
      readied.set(name, (readied.get(name) ?? 0) + 1);
      check(failed === 0, `${name} counts ${failed} failed dependencies`);
    }
    // Twice, at once: the engine and an upkeep that finds the node unfinished. The pre-minted id makes it one job.
    const batch = ready.map((node) => nodeJob(node.workflow, node.index));
    await Promise.all([insert(batch), insert(batch)]);
  }

  async function work(claimed: readonly Claimed[]): Promise<void> {
    for (const { id, claim, startedAt, limits } of claimed) {
      tally.claimed++;
      check(!claims.has(`${id} ${claim}`), `${id} is claimed twice as ${claim}`);
      claims.add(`${id} ${claim}`);
      for (const key of limits) {
        const count = (holders.get(key) ?? 0) + 1;
        holders.set(key, count);
        if (key.startsWith('two')) check(count <= 2, `${count} jobs run under ${key}`);
        if (key === 'all') check(count <= 8, `${count} jobs run under ${key}`);
        if (key.startsWith('rate')) starts.set(key, [...(starts.get(key) ?? []), startedAt]);
      }
    }
    await delay(Math.random() * 3);
    for (const { limits } of claimed) for (const key of limits) holders.set(key, (holders.get(key) ?? 0) - 1);

    const expected: Moved['kind'][] = [];
    const batch: Transition[] = [];
    const add = (transition: Transition, kind: Moved['kind']) => {
      batch.push(transition);
      expected.push(kind);
    };
    for (const { id, claim } of claimed) {
      const done: Transition = { id, from: State.active, claim, to: State.completed };
      const chance = Math.random();
      if (claim > 1) {
        // The worker it was taken from, while another one runs it: only the fence can tell.
        add({ ...done, claim: claim - 1 }, 'refused');
        tally.refused++;
      }
      if (claim === 1 && chance < 0.03) {
        // Taken from its worker, which finishes it all the same: in the same batch, and again much later.
        add({ id, from: State.active, claim, to: State.available }, 'moved');
        add(done, 'refused');
        stale.push(done);
        tally.released++;
      } else {
        add(done, 'moved');
        if (chance > 0.95) {
          add(done, 'already');
          tally.repeated++;
        }
        tally.completed++;
      }
    }
    const outcomes = await store.transition(batch, Date.now());
    const ready: Ready[] = [];
    outcomes.forEach((outcome, i) => {
      check(outcome.kind === expected[i], `transition of ${batch[i]?.id} is ${outcome.kind}, not ${expected[i]}`);
      if (outcome.kind === 'moved') ready.push(...outcome.ready);
    });
    await follow(ready);
    const late = stale.length > 20 ? stale.splice(0, 10) : [];
    for (const outcome of late.length > 0 ? await store.transition(late, Date.now()) : []) {
      check(outcome.kind === 'refused', `a stale claim is ${outcome.kind}`);
      tally.refused++;
    }
  }

  let busy = clients;
  let finished = false;
  async function client(n: number): Promise<void> {
    for (;;) {
      const batch = pending.splice(0, 25);
      if (batch.length > 0) await insert(batch);
      const [claimed = []] = await store.claim(
        [{ queues: n % 2 ? ['main', 'limited'] : ['limited', 'main'], limit: 20, worker: `w${n}`, leaseMs: 30_000 }],
        Date.now(),
      );
      if (claimed.length > 0) {
        await work(claimed);
        continue;
      }
      if (batch.length > 0) continue;
      tally.empty++;
      if (performance.now() - started > deadline) {
        finished = true;
        check(false, `not done after ${deadline / 1000} s: ${JSON.stringify([...(await store.counts())])} jobs by state`);
      }
      busy--;
      if (busy === 0 && !finished) await isDone();
      if (finished) return;
      await delay(5);
      if (finished) return;
      busy++;
    }
  }
  async function isDone(): Promise<boolean> {
    const counts = await store.counts();
    finished = (counts.get(State.active) ?? 0) === 0 && counts.get(State.available) === 25;
    return finished;
  }

  const flows: { readonly id: string; readonly after: readonly (readonly number[])[] }[] = [
    ...range(20, () => ({ id: uuidv7(), after: diamond })),
    ...range(5, () => ({ id: uuidv7(), after: fanIn })),
  ];
  const ids = new Map<string, NewJob>();
  function nodeJob(workflow: string, index: number): NewJob {
    const name = `${workflow} ${index}`;
    const known = ids.get(name) ?? job('main', { node: { workflow, index } });
    ids.set(name, known);
    return known;
  }
  for (const { id, after } of flows) await store.createWorkflow(id, after);
  pending.push(...flows.flatMap(({ id, after }) => after.flatMap((before, index) => (before.length === 0 ? [nodeJob(id, index)] : []))));
  const total = pending.length;
  await Promise.all(range(clients, client));
  const seconds = (performance.now() - started) / 1000;
  for (const outcome of stale.length > 0 ? await store.transition(stale, Date.now()) : []) {
    check(outcome.kind === 'refused', `a stale claim is ${outcome.kind}`);
    tally.refused++;
  }

  for (const one of jobs) {
    if (one.unique?.onConflict !== 'keep') continue;
    const won = winners.get(one.unique.key) ?? [];
    check(won.length === 1, `${won.length} winners of one unique key`);
  }
  for (const { key, existing } of duplicates) check(winners.get(key)?.[0] === existing, `a duplicate names ${existing}, which did not win`);
  const counts = await store.counts();
  check(tally.replaced === 25 * 9, `${tally.replaced} jobs were replaced, not ${25 * 9}`);
  check(counts.get(State.cancelled) === 25 * 9, `${counts.get(State.cancelled)} jobs are cancelled`);
  check(
    counts.get(State.completed) === tally.completed,
    `${counts.get(State.completed)} jobs are completed, ${tally.completed} were told so`,
  );
  check(tally.inserted === tally.completed + 25 * 10, `${tally.inserted} were inserted`);
  check(tally.claimed === tally.completed + tally.released, `${tally.claimed} claims`);
  check((await store.slots()) === 0, 'slots are left over');
  for (const { id, after } of flows) {
    after.forEach((before, index) => {
      if (before.length > 0)
        check(
          readied.get(`${id} ${index}`) === 1,
          `node ${index} of ${after.length} became ready ${readied.get(`${id} ${index}`) ?? 0} times`,
        );
    });
  }
  for (const [key, at] of starts) {
    at.sort((a, b) => a - b);
    at.forEach((time, i) => {
      const later = at[i + rate.count];
      check(later === undefined || later - time >= rate.perMs, `${key}: ${rate.count + 1} starts within ${(later ?? 0) - time} ms`);
    });
  }
  const events = await replay(store, byId, check);
  return {
    failures,
    facts: [
      `${total} jobs offered by ${clients} clients in ${seconds.toFixed(1)} s: ${tally.inserted} inserted, ${duplicates.length} duplicates, ${tally.replaced} replaced`,
      `${tally.claimed} claims, ${tally.completed} completed, ${tally.released} given back, ${tally.refused + tally.released} stale and refused, ${tally.repeated} repeated and answered already, ${tally.empty} claims found nothing`,
      `${readied.size} nodes became ready once each; ${events} events in the log replayed`,
    ],
  };
}

/** One after the other: a node whose job is replaced counts as failed for what waits for it, and a repeat of the replacing call changes nothing. */
export async function replaceNode(store: Store): Promise<readonly string[]> {
  const workflow = uuidv7();
  await store.createWorkflow(workflow, [[], [0]]);
  const unique = { key: hashOf(workflow), states: live, createdAfter: null, onConflict: 'replace' } as const;
  const first = job('parked', { unique, node: { workflow, index: 0 } });
  const second = job('parked', { unique });
  const outcomes = [
    await store.insert([first], Date.now()),
    await store.insert([second], Date.now()),
    await store.insert([second, first], Date.now()),
  ];
  const expected = [
    [{ kind: 'inserted', replaced: [], ready: [] }],
    [{ kind: 'inserted', replaced: [first.id], ready: [{ workflow, index: 1, failed: 1 }] }],
    [{ kind: 'already' }, { kind: 'already' }],
  ];
  await store.clear();
  return isDeepStrictEqual(outcomes, expected) ? [] : [`${store.name}: replacing a node answers ${JSON.stringify(outcomes)}`];
}
