import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  markOf,
  pastOf,
  recordSteps,
  rowsOf,
  type SentStep,
  type StepOwner,
  suspend,
  waitsOf,
} from '../../src/durable/index.ts';
import { ProtocolError } from '../../src/index.ts';
import { State } from '../../src/job/index.ts';
import { atOnce, failed, leaseLost, requeued, run } from '../../src/lifecycle/index.ts';
import { MemorySteps } from './memory-steps.ts';

const error = '{"message":"boom"}';
const failure = { code: 'boom', type: 'Boom', message: 'boom', names: ['Boom'] };

/** What happens next to a job: calls of its worker, or of one that lost it; and what ends its executions. */
const move = fc.oneof(
  fc.record({
    kind: fc.constant('record'),
    name: fc.nat(4),
    state: fc.constantFrom('done', 'failed'),
    late: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('sleep'),
    name: fc.integer({ min: 5, max: 7 }),
    ms: fc.nat(100_000),
    late: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('try'), name: fc.nat(4), ms: fc.nat(100_000), late: fc.boolean() }),
  fc.record({ kind: fc.constantFrom('fail', 'requeue', 'death', 'death beside another job') }),
  fc.record({ kind: fc.constant('pass'), ms: fc.nat(200_000) }),
);
type Move = typeof move extends fc.Arbitrary<infer T> ? T : never;

/** Answers of a call, or its refusal. */
function answered<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'conflict') return null;
    throw error;
  }
}

class Life {
  readonly store = new MemorySteps({ retry: { max_attempts: 4, initial_interval: 'PT1S' } });
  #number = 0;
  #lost: StepOwner | null = null;
  #owner: StepOwner | null = null;

  play(move: Move): void {
    const { store } = this;
    this.#start();
    const { current: job, now, id } = store;
    switch (move.kind) {
      case 'pass':
        store.clock.advance(move.ms);
        break;
      case 'record':
        this.#record(move.name, move.state, move.late);
        return;
      case 'sleep': {
        const open: SentStep = {
          name: `${move.name}`,
          kind: 'sleep',
          state: 'open',
          number: ++this.#number,
          ms: move.ms,
        };
        this.#suspend({ waits: [{ name: open.name, kind: 'sleep' }], steps: [open], tries: [] }, move.late);
        return;
      }
      case 'try': {
        const tries = [{ name: `${move.name}`, number: ++this.#number, tries: 1, error, retryMs: move.ms }];
        this.#suspend({ waits: [], steps: [], tries }, move.late);
        return;
      }
      default:
        if (job.state !== State.active) return;
        if (move.kind === 'fail') store.transition(failed(job, failure, now, () => 0.5));
        if (move.kind === 'requeue') store.transition(requeued(job, 'r', now, 'worker', 0));
        if (move.kind === 'death') store.transition(leaseLost(job, 'worker_death', now, 3));
        if (move.kind === 'death beside another job')
          store.transition(leaseLost(job, 'worker_death', now, 3, { beside: 1 }));
        store.tallies.forget(id);
    }
  }

  #start(): void {
    const started = this.store.claim();
    if (started === null) return;
    this.#lost = this.#owner;
    this.#owner = { id: started.id, claim: started.claim, worker: 'w1' };
  }

  #ownerOf(late: boolean): StepOwner | null {
    return late ? this.#lost : this.#owner;
  }

  #record(name: number, state: 'done' | 'failed', late: boolean): void {
    const owner = this.#ownerOf(late);
    if (owner === null) return;
    const before = this.rows;
    const sent: SentStep = {
      ...{ name: `${name}`, kind: 'run', state, number: this.#number + 1 },
      ...(state === 'failed' && { error }),
    };
    const merged = answered(() => atOnce(run(recordSteps(this.store, owner, [sent]))));
    const holds = this.store.current.state === State.active && this.store.current.claim === owner.claim;
    expect(merged !== null).toBe(holds);
    if (merged?.[0]?.kind === 'written') this.#number++;
    if (!holds) expect(this.rows).toEqual(before);
  }

  #suspend(sent: Parameters<typeof suspend>[2], late: boolean): void {
    const owner = this.#ownerOf(late);
    if (owner === null) return;
    const { current: job } = this.store;
    const isRepeated = markOf(job)?.suspended?.by === owner.claim;
    const answer = answered(() => atOnce(run(suspend(this.store, owner, sent))));
    const holds = job.state === State.active && job.claim === owner.claim;
    expect(answer !== null).toBe(holds || isRepeated);
    if (answer === null || answer.transition === null) {
      expect(this.store.current).toEqual(job);
      return;
    }
    const after = this.store.current;
    const ends = waitsOf(after)?.map(({ until = Number.POSITIVE_INFINITY }) => until) ?? [];
    expect([after.state, after.runAt]).toEqual([State.retryable, Math.min(...ends)]);
    expect(after.attempt).toBe(job.attempt - 1);
  }

  get rows() {
    return atOnce(run(rowsOf(this.store, this.store.id))) ?? [];
  }
}

test('whatever happens to a job, its outcomes stay in their order, and no attempt is forgiven twice', () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
      const life = new Life();
      const ended: { readonly name: string; readonly text: string }[] = [];
      for (const one of moves) {
        life.play(one);
        const job = life.store.current;
        const counted = job.attempt - pastOf(job);
        expect(counted).toBeGreaterThanOrEqual(job.state === State.active ? 1 : 0);
        expect(markOf(job)?.deaths ?? 0).toBeLessThanOrEqual(10);
        const rows = life.rows.filter(({ row }) => row.state !== 'open');
        const now = rows.map(({ name, row }) => ({ name, text: JSON.stringify(row) }));
        // Each new outcome comes behind all earlier ones, which are as they were.
        expect(now.slice(0, ended.length)).toEqual(ended);
        ended.push(...now.slice(ended.length));
      }
    }),
  );
});
