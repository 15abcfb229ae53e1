import fc from 'fast-check';
import { expect, test } from 'vitest';
import { check, type Outcome, type State } from '../src/index.ts';
import { History } from './history.ts';

interface Settlement {
  readonly do: 'ack' | 'nack';
  readonly pick: number;
}
/** One step of a made-up queue, and whether its answer is seen. */
type Step = { readonly seen: boolean } & (
  | { readonly do: 'enqueue'; readonly priority: number; readonly key: number; readonly delayed: boolean }
  | { readonly do: 'fetch' | 'cancel' | 'retry'; readonly pick: number }
  | Settlement
  | { readonly do: 'wait'; readonly ms: number }
);

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('enqueue' as const),
      seen: fc.boolean(),
      priority: fc.integer({ min: 0, max: 2 }),
      key: fc.integer({ min: 0, max: 2 }),
      delayed: fc.boolean(),
    }),
    fc.record({ do: fc.constantFrom('ack' as const, 'nack' as const), seen: fc.boolean(), pick: fc.nat() }),
    fc.record({
      do: fc.constantFrom('fetch' as const, 'cancel' as const, 'retry' as const),
      seen: fc.boolean(),
      pick: fc.nat(),
    }),
    fc.record({ do: fc.constant('wait' as const), seen: fc.constant(true), ms: fc.integer({ min: 1, max: 400 }) }),
  ),
  { maxLength: 60, size: 'max' },
);

interface Row {
  readonly id: string;
  readonly priority: number;
  readonly key: string | undefined;
  readonly isLimited: boolean;
  state: State;
  dueAt: number;
  attempt: number;
  claim: number;
  expiry: number;
  /** The lease that ended it. */
  endedBy?: string;
}
type Fault = 'lease' | 'fence' | 'unique' | 'order' | 'attempts' | 'loss' | 'limit' | 'stuck';

const held: readonly State[] = ['waiting', 'scheduled', 'active', 'retryable'];
const leaseMs = 300;
const backoffMs = 100;
const limit = { key: 'all', concurrency: 1 };

/** A queue of one thread that keeps every promise but the one named. */
class Queue {
  readonly history = new History();
  readonly #rows: Row[] = [];

  readonly fault: Fault | undefined;

  constructor(fault?: Fault) {
    this.fault = fault;
    this.history.add({ kind: 'config', limits: [{ queue: 'limited', ...limit }] });
  }

  run(step: Step): void {
    const { history } = this;
    this.#advance(history.now);
    switch (step.do) {
      case 'wait':
        history.wait(step.ms);
        return;
      case 'enqueue':
        this.#enqueue(step);
        return;
      case 'fetch':
        this.#fetch(step.seen);
        return;
      case 'ack':
      case 'nack':
        this.#settle(step);
        return;
      case 'cancel': {
        const row = this.#pick(step.pick);
        if (row === undefined) return;
        const isDone = held.includes(row.state);
        if (isDone) row.state = 'cancelled';
        history.call({ op: 'cancel', job: row.id }, this.#answer(step.seen, isDone ? 'done' : 'refused'));
        return;
      }
      case 'retry': {
        const row = this.#pick(step.pick);
        if (row === undefined) return;
        const isDone = row.state === 'discarded';
        if (isDone) Object.assign(row, { state: 'waiting', attempt: 0 });
        history.call({ op: 'retry', job: row.id }, this.#answer(step.seen, isDone ? 'done' : 'refused'));
        return;
      }
    }
  }

  end(): readonly string[] {
    const { history } = this;
    for (let turn = 0; turn < 300 && this.#rows.some(({ state }) => held.includes(state)); turn += 1) {
      history.wait(leaseMs);
      this.#advance(history.now);
      if (this.fault !== 'stuck') for (const _ of [1, 2]) this.#fetch(true);
      for (const [pick, row] of this.#rows.entries())
        if (row.state === 'active') this.#settle({ do: 'ack', seen: true, pick });
    }
    history.add({ kind: 'calm' }).add({ kind: 'complete' });
    const counted: Partial<Record<State, number>> = {};
    for (const { id, state } of this.#rows) {
      history.add({ kind: 'job', id, queue: 'mail', state });
      counted[state] = (counted[state] ?? 0) + 1;
    }
    history.add({ kind: 'counts', queue: 'mail', states: counted });
    return [...new Set(check(history.records).violations.map(({ rule }) => rule))];
  }

  #pick(pick: number): Row | undefined {
    return this.#rows[pick % Math.max(1, this.#rows.length)];
  }

  #answer(seen: boolean, outcome: Outcome = 'done') {
    return seen ? { outcome } : undefined;
  }

  #advance(now: number): void {
    for (const row of this.#rows) {
      if (row.state === 'active' && now >= row.expiry) row.state = row.attempt >= 3 ? 'discarded' : 'waiting';
      if ((row.state === 'scheduled' || row.state === 'retryable') && now >= row.dueAt) row.state = 'waiting';
    }
  }

  #enqueue({ priority, key, delayed, seen }: Extract<Step, { do: 'enqueue' }>): void {
    const { history } = this;
    const id = `job-${this.#rows.length}-${history.now}`;
    const dueAt = history.now + 150;
    const name = key === 0 ? undefined : `key-${key}`;
    const isLimited = name === undefined && priority === 0;
    const asked = {
      id,
      queue: 'mail',
      priority,
      ...(delayed && { dueAt }),
      ...(name && { unique: { key: name, states: held } }),
      ...(isLimited && { limits: [limit] }),
      retry: { maxAttempts: 3, backoffMs: [backoffMs] },
    };
    const winner = this.#rows.find((row) => name !== undefined && row.key === name && held.includes(row.state));
    const isNew = winner === undefined || this.fault === 'unique';
    if (isNew && !(this.fault === 'loss' && seen && priority === 1))
      this.#rows.push({
        id,
        priority,
        key: name,
        isLimited,
        state: delayed ? 'scheduled' : 'waiting',
        dueAt,
        attempt: 0,
        claim: 0,
        expiry: 0,
      });
    history.call(
      { op: 'enqueue', jobs: [asked] },
      seen
        ? {
            outcome: 'done',
            jobs: [isNew ? { id, status: 'created' } : { id, status: 'duplicate', existing: winner.id }],
          }
        : undefined,
    );
  }

  #fetch(seen: boolean): void {
    const active = this.#rows.filter(({ state, isLimited }) => state === 'active' && isLimited).length;
    const ready = this.#rows.filter(
      ({ state, isLimited }) =>
        state === 'waiting' && (!isLimited || active < limit.concurrency || this.fault === 'limit'),
    );
    if (this.fault === 'lease') ready.push(...this.#rows.filter(({ state }) => state === 'active'));
    ready.sort((left, right) => right.priority - left.priority);
    const row = this.fault === 'order' ? ready.at(-1) : ready[0];
    const jobs = row === undefined ? [] : [this.#claim(row)];
    this.history.call({ op: 'fetch', queues: ['mail'], node: 'worker' }, seen ? { outcome: 'done', jobs } : undefined);
  }

  #claim(row: Row) {
    const attempt = this.fault === 'attempts' ? 1 : row.attempt + 1;
    Object.assign(row, { state: 'active', attempt, claim: row.claim + 1, expiry: this.history.now + leaseMs + 1 });
    return { id: row.id, queue: 'mail', lease: `${row.id}/${row.claim}`, attempt, claim: row.claim, leaseMs };
  }

  #settle({ do: op, pick, seen }: Settlement & { readonly seen: boolean }): void {
    const row = this.#pick(pick);
    if (row === undefined || row.claim === 0) return;
    const behind = this.fault === 'fence' && row.claim > 1 ? 1 : 0;
    const lease = `${row.id}/${row.claim - behind}`;
    const isRepeated = row.state === 'completed' && row.endedBy === lease && op === 'ack';
    const isDone = row.state === 'active' || isRepeated;
    let state: State | undefined;
    if (isDone && !isRepeated) {
      state = op === 'ack' ? 'completed' : row.attempt >= 3 ? 'discarded' : 'retryable';
      Object.assign(row, { state, endedBy: lease, dueAt: this.history.now + backoffMs + 1 });
    }
    this.history.call(
      { op, job: row.id, lease },
      seen ? { outcome: isDone ? 'done' : 'refused', ...(state && { state }) } : undefined,
    );
  }
}

test('a queue that keeps its promises is never accused', () => {
  fc.assert(
    fc.property(steps, (plan) => {
      const queue = new Queue();
      for (const step of plan) queue.run(step);
      expect(queue.end()).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test.each<Fault>(['lease', 'fence', 'unique', 'order', 'attempts', 'loss', 'limit', 'stuck'])(
  'a queue that breaks the rule "%s" is found out within 500 histories',
  (fault) => {
    const found = new Set(
      fc.sample(steps, { numRuns: 500, seed: 1 }).flatMap((plan) => {
        const queue = new Queue(fault);
        for (const step of plan) queue.run(step);
        return queue.end();
      }),
    );
    expect([...found]).toContain(fault);
  },
);
