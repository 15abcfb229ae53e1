import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coalesce } from '../../src/engine/coalesce.ts';

/** A batch operation that the test finishes by hand. */
function held() {
  const batches: {
    readonly items: readonly number[];
    readonly finish: () => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  const run = (items: readonly number[]) =>
    new Promise<readonly number[]>((resolve, fail) => {
      batches.push({ items, finish: () => resolve(items.map((item) => item * 10)), fail });
    });
  return { batches, run };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('coalesce', () => {
  test('each caller gets its own result; batches in flight and their sizes stay within the bounds', async () => {
    const arrivals = fc.array(fc.record({ item: fc.nat(9), turns: fc.nat(2) }), { maxLength: 40 });
    const options = fc.record({
      parallel: fc.integer({ min: 1, max: 4 }),
      max: fc.integer({ min: 1, max: 12 }),
      split: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(arrivals, options, fc.infiniteStream(fc.nat(2)), async (calls, limits, delays) => {
        let underWay = 0;
        let items = 0;
        const call = coalesce(
          async (batch: readonly { readonly item: number; readonly number: number }[]) => {
            underWay++;
            expect(underWay).toBeLessThanOrEqual(limits.parallel);
            const weight = batch.reduce((sum, { item }) => sum + item, 0);
            expect(batch.length === 1 || weight <= limits.max).toBe(true);
            for (let turns = delays.next().value ?? 0; turns > 0; turns--) await turn();
            underWay--;
            items += batch.length;
            return batch.map(({ number }) => `answer ${number}`);
          },
          { ...limits, weight: ({ item }) => item },
        );
        const answers: Promise<string>[] = [];
        for (const [number, { item, turns }] of calls.entries()) {
          answers.push(call({ item, number }));
          for (let left = turns; left > 0; left--) await turn();
        }
        expect(await Promise.all(answers)).toEqual(calls.map((_, number) => `answer ${number}`));
        expect(items).toBe(calls.length);
      }),
      { numRuns: 60 },
    );
  });

  test('what is a batch already starts at once, but waits its turn while others wait or are in flight', async () => {
    const { batches, run } = held();
    const call = coalesce(run, { parallel: 2, max: 10, split: false, isBatch: (item) => item > 1 });
    const answers = [call(2)];
    expect(batches.map(({ items }) => items)).toEqual([[2]]);
    answers.push(call(3), call(4));
    expect(batches).toHaveLength(1);
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([[2], [3, 4]]);
    for (const { finish } of batches) finish();
    expect(await Promise.all(answers)).toEqual([20, 30, 40]);
    answers.push(call(1), call(5));
    expect(batches).toHaveLength(2);
    await turn();
    expect(batches[2]?.items).toEqual([1, 5]);
    batches[2]?.finish();
    await Promise.all(answers);
  });

  test('a failing item fails alone if batches are split, else with its batch', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(30), { maxLength: 6 }),
        fc.integer({ min: 1, max: 31 }),
        fc.boolean(),
        async (bad, count, split) => {
          const call = coalesce(
            async (batch: readonly number[]) => {
              if (batch.some((item) => bad.includes(item))) throw new Error('bad');
              return batch.map((item) => item * 10);
            },
            { parallel: 1, max: 1_000, split },
          );
          const answers = await Promise.allSettled(Array.from({ length: count }, (_, item) => call(item)));
          const anyBad = bad.some((item) => item < count);
          answers.forEach((answer, item) => {
            if (split ? bad.includes(item) : anyBad) expect(answer.status).toBe('rejected');
            else expect(answer).toEqual({ status: 'fulfilled', value: item * 10 });
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a single call is sent at once; calls that arrive meanwhile share the next batch, in order', async () => {
    const { batches, run } = held();
    const call = coalesce(run, { parallel: 1, max: 100, split: false });
    const first = call(1);
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([[1]]);
    const others = [call(2), call(3), call(4)];
    await turn();
    expect(batches).toHaveLength(1);
    batches[0]?.finish();
    expect(await first).toBe(10);
    await turn();
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([[1], [2, 3, 4]]);
    batches[1]?.finish();
    expect(await Promise.all(others)).toEqual([20, 30, 40]);
  });

  test('an operation that throws at once rejects its callers, and the next call works', async () => {
    let broken = true;
    const call = coalesce(
      (batch: readonly number[]): Promise<readonly number[]> => {
        if (broken) throw new Error('broken');
        return Promise.resolve(batch);
      },
      { parallel: 1, max: 10, split: true },
    );
    await expect(Promise.allSettled([call(1), call(2)])).resolves.toMatchObject([
      { status: 'rejected' },
      { status: 'rejected' },
    ]);
    broken = false;
    expect(await call(3)).toBe(3);
  });

  test('what has been answered is let go of under a load that never ends', async () => {
    const finish: (() => void)[] = [];
    const call = coalesce(
      (batch: readonly object[]) =>
        new Promise<readonly null[]>((resolve) => {
          finish.push(() => resolve(batch.map(() => null)));
        }),
      { parallel: 1, max: 10, split: false },
    );
    const items: WeakRef<object>[] = [];
    const add = (count: number) => {
      for (let left = count; left > 0; left--) {
        const item = {};
        items.push(new WeakRef(item));
        void call(item);
      }
    };
    add(20);
    for (let round = 0; round < 50; round++) {
      await turn();
      await turn();
      add(10);
      finish.shift()?.();
    }
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
    await turn();
    expect(items.filter((item) => item.deref() === undefined).length).toBeGreaterThan(400);
  });
});
