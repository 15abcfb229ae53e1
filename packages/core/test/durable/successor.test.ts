import { expect, test } from 'vitest';
import {
  allRows,
  markOf,
  type NamedRow,
  type Plan,
  recordSteps,
  type StepStore,
  standing,
  takeOver,
  tendUndos,
  undosKind,
} from '../../src/durable/index.ts';
import { uuidFrom } from '../../src/index.ts';
import { State } from '../../src/job/index.ts';
import { atOnce, failed, run } from '../../src/lifecycle/index.ts';
import { start } from '../support/records.ts';
import { MemorySteps } from './memory-steps.ts';

const successor = uuidFrom(start, 2, 2);
const other = uuidFrom(start, 3, 3);
const crash = new Error('The server ends here.');

/** A discarded job with 150 steps, so that its rows are copied in two parts. */
function discarded(): MemorySteps {
  const store = new MemorySteps({ retry: { max_attempts: 1 } });
  const { id, claim } = store.claim() ?? store.current;
  const step = (number: number) =>
    ({ name: `s${number}`, kind: 'run', state: 'done', number, value: `${number}`, undo: true }) as const;
  for (let from = 1; from <= 150; from += 50)
    atOnce(
      run(
        recordSteps(
          store,
          { id, claim, worker: 'w1' },
          Array.from({ length: 50 }, (_, n) => step(from + n)),
        ),
      ),
    );
  store.transition(failed(store.current, { code: 'x', type: 'x', message: 'x', names: [] }, start, Math.random));
  return store;
}

/** A store whose server ends before or behind one of its writes. */
function ending(store: MemorySteps, at: number, when: 'before' | 'behind'): StepStore {
  let writes = 0;
  const guarded =
    <In, Out>(write: (change: In) => Out) =>
    (change: In): Out => {
      const isLast = writes++ === at;
      if (isLast && when === 'before') throw crash;
      const answer = write(change);
      if (isLast) throw crash;
      return answer;
    };
  const { clock, tallies, maxJobBytes, defaultLeaseMs, records, scan } = store;
  return {
    ...{ clock, tallies, maxJobBytes, defaultLeaseMs, records, scan },
    job: (id) => store.job(id),
    recorded() {},
    commit: guarded(store.commit),
    transition: guarded((transition: Parameters<StepStore['transition']>[0]) => store.transition(transition)),
  };
}

function calm(store: MemorySteps): void {
  const failures: unknown[] = [];
  for (let pass = 0; pass < 3; pass++)
    atOnce(
      run(
        tendUndos(
          store,
          undefined,
          () => successor,
          (_, error) => failures.push(error),
        ),
      ),
    );
  expect(failures).toEqual([]);
}

const rowsOf = (store: MemorySteps, id: string) => atOnce(run(allRows(store, id)));
const noted = (store: MemorySteps) => atOnce(store.scan(undosKind, { limit: 10 })).map(({ key }) => key);

test.each(['before', 'behind'] as const)(
  'a takeover that stops %s any of its writes is carried on by upkeep',
  (when) => {
    for (let at = 0; ; at++) {
      const store = discarded();
      const stopping = ending(store, at, when);
      let isWhole = false;
      try {
        atOnce(run(takeOver(stopping, store.current, { job: successor, as: 'undo' })));
        isWhole = true;
      } catch (error) {
        if (error !== crash) throw error;
      }
      calm(store);
      const made = store.job(successor);
      expect(made?.state, `write ${at}`).toBe(State.available);
      const rows = rowsOf(store, successor);
      expect(rows).toHaveLength(150);
      expect(rows.map(({ row }) => row.value)).toEqual(rowsOf(store, store.id).map(({ row }) => row.value));
      expect(new Set(rows.map(({ row }) => row.origin))).toEqual(new Set([store.id]));
      expect(markOf(store.current)?.next).toEqual({ job: successor, as: 'undo' });
      expect(noted(store)).toEqual([]);
      if (isWhole) {
        expect(at).toBeGreaterThan(5);
        return;
      }
    }
  },
);

test('of two takeovers the first plan holds, wherever its server has stopped', () => {
  const second: Plan = { job: other, as: 'rerun', before: 10 };
  for (let at = 1; at < 6; at++) {
    const store = discarded();
    const first = () =>
      atOnce(run(takeOver(ending(store, at, 'behind'), store.current, { job: successor, as: 'undo' })));
    expect(first).toThrow(crash);
    expect(() => atOnce(run(takeOver(store, store.current, second)))).toThrow(
      expect.objectContaining({ code: 'steps_moved', details: { job_id: store.id, successor, as: 'undo' } }),
    );
    calm(store);
    expect(store.job(successor)?.state).toBe(State.available);
    expect(store.job(other)).toBeNull();
    expect(noted(store)).toEqual([]);
  }
});

test('a job that was retried meanwhile keeps its rows, and its note', () => {
  const store = discarded();
  const seen = store.current;
  const { id, claim } = seen;
  store.transition({ id, claim, from: State.discarded, to: State.available, runAt: start, attempt: 0, events: [] });
  expect(() => atOnce(run(takeOver(store, seen, { job: successor, as: 'undo' })))).toThrow(
    expect.objectContaining({ code: 'conflict' }),
  );
  expect(store.job(successor)).toBeNull();
  expect(markOf(store.current)?.next).toBeUndefined();
  expect(noted(store)).toEqual([id]);
});

test('steps stand until their undo is recorded, also those that failed or were only begun', () => {
  const row = (name: string, state: 'open' | 'done' | 'failed', undo?: true): NamedRow => ({
    name,
    row: { kind: 'run', state, number: 1, claim: 1, startedAt: start, ...(undo && { undo }) },
  });
  const rows = [
    ...[row('a', 'done', true), row('b', 'failed', true), row('c', 'open', true), row('d', 'done')],
    ...[row('undo:a', 'done'), row('undo:b', 'failed')],
  ];
  expect(standing(rows)).toEqual(['b', 'c']);
});
