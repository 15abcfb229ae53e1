import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { QueueHeads } from '../../../../src/storage/postgres/claim/queue-head.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

const at = (place: number, priority = 0) => ({ priority, place });
/** A claim that asks for two jobs and gets these. */
function take(heads: QueueHeads, ...taken: readonly ReturnType<typeof at>[]): void {
  heads.took('q', { asked: 2, rows: taken.map(() => []), start: heads.start('q') }, taken);
}
const behind = (place: number) => ['{2147483647,0}', '{0,-2147483648}', `{${place},0}`];

it('a queue with more jobs is read on behind its marks, and twice a second from its floors', () => {
  const heads = new QueueHeads();
  expect(heads.start('q')).toEqual({ marks: null, whole: true });
  take(heads, at(1), at(2));
  expect(heads.start('q')).toEqual({ marks: behind(2), whole: false });
  vi.advanceTimersByTime(500);
  // No mark is old enough.
  expect(heads.start('q')).toEqual({ marks: null, whole: true });
  vi.advanceTimersByTime(1_500);
  take(heads, at(3), at(4));
  expect(heads.start('q')).toEqual({ marks: behind(4), whole: false });
  vi.advanceTimersByTime(500);
  expect(heads.start('q')).toEqual({ marks: behind(2), whole: true });
});

it('a queue that ran out is read from its floors, and from its beginning after ten seconds', () => {
  const heads = new QueueHeads();
  take(heads, at(1), at(2));
  vi.advanceTimersByTime(2_000);
  take(heads, at(3));
  expect(heads.start('q')).toEqual({ marks: behind(2), whole: true });
  take(heads);
  expect(heads.start('q')).toEqual({ marks: behind(2), whole: true });
  vi.advanceTimersByTime(2_000);
  take(heads);
  expect(heads.start('q')).toEqual({ marks: behind(3), whole: true });
  vi.advanceTimersByTime(8_000);
  expect(heads.start('q')).toEqual({ marks: null, whole: true });
});

it('marks that have too few jobs behind them give way to the floors', () => {
  const heads = new QueueHeads();
  take(heads, at(1), at(2));
  vi.advanceTimersByTime(2_000);
  take(heads, at(3), at(4));
  expect(heads.start('q').whole).toBe(false);
  heads.ranOut('q');
  expect(heads.start('q')).toEqual({ marks: behind(2), whole: true });
});

it('a priority keeps its mark where no job of it was taken', () => {
  const heads = new QueueHeads();
  take(heads, at(1, 5), at(2));
  take(heads, at(3), at(4));
  expect(heads.start('q').marks).toEqual(['{2147483647,5,0}', '{5,0,-2147483648}', '{1,4,0}']);
});
