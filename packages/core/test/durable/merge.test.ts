import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  mergedStep,
  mergedTry,
  readRow,
  rowText,
  type SentStep,
  type StepRow,
  stepLimits,
} from '../../src/durable/index.ts';
import { start } from '../support/records.ts';

const ms = fc.integer({ min: 0, max: stepLimits.waitMs });
const until = fc.integer({ min: start, max: start + 4 * stepLimits.waitMs });
const value = fc.constantFrom('1', 'null', '"é"', JSON.stringify('x'.repeat(1_024)));
const error = fc.constantFrom('{"message":"a"}', '{"message":"b"}');
const tries = fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined });

/** What workers send under one name, of one kind, as the reader of requests lets it through. */
const sent = fc
  .record({
    kind: fc.constantFrom('run', 'sleep', 'poll', 'enqueue'),
    state: fc.constantFrom('open', 'done', 'failed'),
    number: fc.integer({ min: 1, max: 50 }),
    tries,
    ms: fc.option(ms, { nil: undefined }),
    until: fc.option(until, { nil: undefined }),
    nextMs: fc.option(ms, { nil: undefined }),
    value: fc.option(value, { nil: undefined }),
    error: fc.option(error, { nil: undefined }),
  } as const)
  .map(({ kind, state, number, tries, ms, until, nextMs, value, error }): SentStep => {
    const isFailed = state === 'failed';
    return {
      ...{ name: 'a', kind, state, number },
      ...(tries !== undefined && { tries }),
      ...(ms !== undefined ? { ms } : until !== undefined && { until }),
      ...(nextMs !== undefined && kind === 'poll' && { nextMs }),
      ...(value !== undefined && state === 'done' && { value }),
      ...(isFailed ? { error: error ?? '{"message":"c"}' } : error !== undefined && state === 'open' && { error }),
    };
  });

/** Reports of one step, in the order in which they arrive; some arrive again, from the same claim or a later one. */
const reports = fc
  .tuple(fc.constantFrom('run', 'sleep', 'poll', 'enqueue'), fc.array(sent, { minLength: 1, maxLength: 8 }))
  .chain(([kind, list]) =>
    fc.array(
      fc.record({
        sent: fc.constantFrom(...list.map((one): SentStep => ({ ...one, kind }))),
        after: fc.nat(100_000),
        claim: fc.integer({ min: 1, max: 3 }),
      }),
      { minLength: 1, maxLength: 20 },
    ),
  );

describe('the rows of durable steps', () => {
  test('the first outcome stays, in whatever order reports arrive and however often', () => {
    fc.assert(
      fc.property(reports, (list) => {
        let [row, now]: [StepRow | null, number] = [null, start];
        let first: StepRow | null = null;
        for (const { sent, after, claim } of list) {
          now += after;
          const merged = mergedStep(sent, row, { now, claim });
          if (first !== null) {
            expect(merged).toEqual({ kind: 'kept', name: 'a', row: first, isRepeated: sent.state !== 'open' });
            continue;
          }
          row = merged.row;
          if (row.state === 'open') continue;
          first = row;
          expect(row).toMatchObject({ state: sent.state, number: sent.number, claim, endedAt: now });
        }
      }),
    );
  });

  test('the same report again changes nothing', () => {
    fc.assert(
      fc.property(reports, (list) => {
        let row: StepRow | null = null;
        for (const { sent, claim } of list) {
          row = mergedStep(sent, row, { now: start, claim }).row;
          expect(mergedStep(sent, row, { now: start, claim: claim + 1 })).toMatchObject({ kind: 'kept', row });
        }
      }),
    );
  });

  test('an open wait keeps its start and its end, and none ends later than in ten years', () => {
    fc.assert(
      fc.property(reports, (list) => {
        let [row, now]: [StepRow | null, number] = [null, start];
        for (const { sent, after, claim } of list) {
          now += after;
          const before: StepRow | null = row;
          row = mergedStep(sent, before, { now, claim }).row;
          expect(row.startedAt).toBe(before?.startedAt ?? now);
          if (row.state !== 'open') continue;
          const hasLaterTry = row.kind === 'run' && row.tries !== before?.tries;
          if (before?.until !== undefined && !hasLaterTry) expect(row.until).toBe(before.until);
          for (const end of [row.until ?? now, row.nextAt ?? now])
            expect(end).toBeLessThanOrEqual(now + stepLimits.waitMs);
        }
      }),
    );
  });

  test('a failed try is counted once, and the end of its backoff stays', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), ms, fc.nat(1_000)), { minLength: 1, maxLength: 20 }), (list) => {
        let [row, now, last]: [StepRow | null, number, number] = [null, start, 0];
        for (const [isAgain, retryMs, after] of list) {
          now += after;
          const tries: number = Math.max(1, isAgain === 0 ? last : last + 1);
          const merged = mergedTry({ name: 'a', number: 1, tries, error: `{"message":"${tries}"}`, retryMs }, row, {
            now,
            claim: 1,
          });
          if (tries === last) expect(merged).toMatchObject({ kind: 'kept', row });
          else expect(merged.row).toMatchObject({ state: 'open', tries, until: now + retryMs });
          [row, last] = [merged.row, tries];
        }
      }),
    );
  });

  test('a row is read as it was written', () => {
    fc.assert(
      fc.property(reports, (list) => {
        let row: StepRow | null = null;
        for (const { sent, claim } of list) {
          row = mergedStep(sent, row, { now: start, claim }).row;
          expect(readRow(rowText(row))).toStrictEqual(row);
        }
      }),
    );
  });

  test.each(['signal', 'child'] as const)(
    'the repeated begin of a %s that is over is answered with its outcome',
    (kind) => {
      const row: StepRow = {
        kind,
        state: 'done',
        number: 2,
        claim: 1,
        startedAt: start,
        endedAt: start + 5,
        value: '7',
      };
      const again: SentStep = { name: 'a', kind, state: 'open', number: 3 };
      expect(mergedStep(again, row, { now: start + 9, claim: 2 })).toEqual({
        kind: 'kept',
        name: 'a',
        row,
        isRepeated: true,
      });
    },
  );
});
