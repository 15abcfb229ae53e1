import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type EventEntry, EventSummarizer, eventKinds, summaryLimits } from '../../src/events/index.ts';
import { State } from '../../src/job/index.ts';

const lists = ['queues', 'jobs', 'workflows', 'crons', 'workers'] as const;

/** Events of one kind about subjects with consecutive numbers. */
const run = fc
  .record({
    kind: fc.constantFrom(...eventKinds),
    first: fc.nat({ max: 300 }),
    length: fc.integer({ min: 1, max: 250 }),
    queues: fc.constantFrom('none', 'one', 'each'),
  })
  .map(({ kind, first, length, queues }) =>
    Array.from({ length }, (_, index): EventEntry => {
      const subject = kind.startsWith('queue.') ? null : `s${first + index}`;
      const queue = queues === 'none' ? '' : queues === 'one' ? 'q' : `q${first + index}`;
      return kind.startsWith('job.')
        ? [kind, subject, 'a.b', queue, State.active, State.completed, 1, null, null, null, null]
        : [kind, subject, null, queue, null, null, 0, null, null, null, {}];
    }),
  );

function namesOf(list: (typeof lists)[number], entries: readonly EventEntry[]): readonly string[] {
  const subjects = { jobs: 'job.', workflows: 'workflow.', crons: 'cron.', workers: 'worker.' };
  const names = entries.flatMap(([kind, subject, , queue]) => {
    if (list === 'queues') return queue === '' ? [] : [queue];
    return subject !== null && kind.startsWith(subjects[list]) ? [subject] : [];
  });
  return [...new Set(names)];
}

function summaryOf(entries: readonly EventEntry[]) {
  const names = lists.map((list) => [list, namesOf(list, entries)] as const);
  return {
    count: entries.length,
    types: Object.fromEntries(
      Map.groupBy(entries, ([kind]) => kind)
        .entries()
        .map(([kind, alike]) => [kind, alike.length]),
    ),
    ...Object.fromEntries(names.map(([list, all]) => [list, all.slice(0, summaryLimits[list])])),
    truncated: names.some(([list, all]) => all.length > summaryLimits[list]),
    gap: false,
  };
}

test('a summary has all counts, and the first names of each list; the next one begins anew', () => {
  fc.assert(
    fc.property(fc.array(fc.array(run, { maxLength: 4 }), { minLength: 1, maxLength: 4 }), (parts) => {
      const summarizer = new EventSummarizer();
      for (const part of parts.map((runs) => runs.flat())) {
        for (const entry of part) summarizer.add(entry);
        expect(summarizer.count).toBe(part.length);
        expect(summarizer.take()).toEqual(summaryOf(part));
        expect(summarizer.count).toBe(0);
      }
    }),
  );
});

test.each([
  ['jobs', 'job.completed'],
  ['workflows', 'workflow.started'],
  ['crons', 'cron.triggered'],
  ['workers', 'worker.started'],
] as const)('a full list of %s is complete until it meets another name', (list, kind) => {
  const summarizer = new EventSummarizer();
  const add = (number: number) =>
    summarizer.add([kind, `s${number}`, list === 'jobs' ? 'a.b' : null, 'q', null, null, 0, null, null, null, null]);
  const limit = summaryLimits[list];
  for (let number = 0; number < 2 * limit; number++) add(number % limit);
  expect(summarizer.take()).toMatchObject({ count: 2 * limit, truncated: false });
  for (let number = 0; number <= limit; number++) add(number);
  expect(summarizer.take()).toMatchObject({ count: limit + 1, truncated: true });
});

test('what is missing is in one summary only', () => {
  const summarizer = new EventSummarizer();
  summarizer.truncate();
  summarizer.miss();
  expect(summarizer.take()).toMatchObject({ count: 0, truncated: true, gap: true });
  expect(summarizer.take()).toMatchObject({ count: 0, truncated: false, gap: false });
});
