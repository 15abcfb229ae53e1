import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventEntries, type EventKind, type EventSubject, jobEventEntry, readEntries, State, uuidFrom } from '../src/index.ts';

const subject: fc.Arbitrary<EventSubject> = fc.record({
  id: fc.nat({ max: 9 }).map((number) => uuidFrom(0, number, 1)),
  type: fc.constantFrom('a.b', 'c'),
  queue: fc.constantFrom('q', 'r'),
  state: fc.constantFrom(State.available, State.scheduled, State.active),
  attempt: fc.constantFrom(0, 1),
  worker: fc.constantFrom(null, 'w"1'),
  startedAt: fc.constantFrom(null, 5),
  trace: fc.constantFrom(null, 't'),
  runAt: fc.constantFrom(7, 8),
  priority: fc.constantFrom(0, 3),
});
const told = fc.record({
  kind: fc.constantFrom<EventKind[]>('job.enqueued', 'job.completed'),
  job: subject,
  from: fc.constantFrom(null, State.active, State.available),
  data: fc.constantFrom(null, '{"n":1.0}'),
});
const entry = '["worker.started","w1",null,"",null,null,0,null,null,null,{}]';

describe('entries of a batch', () => {
  test('read as the entries that each event has by itself, however many are alike', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 9, arbitrary: told }, fc.constant(null)), { maxLength: 30 }), (events) => {
        const entries = new EventEntries();
        const alone = events.map((event) => {
          if (event === null) entries.add([entry]);
          else entries.job(event.kind, event.job, event.from, event.data);
          return JSON.parse(event === null ? entry : jobEventEntry(event.kind, event.job, event.from, event.data)) as unknown;
        });
        const batch = entries.take();
        expect(batch?.count ?? 0).toBe(events.length);
        expect(batch === null ? [] : readEntries(batch.entries)).toEqual(alone);
        expect(entries.take()).toBeNull();
      }),
    );
  });

  test('of jobs that end together only the first is written out', () => {
    const entries = new EventEntries();
    const jobs = [1, 2, 3].map((number) => uuidFrom(0, number, 1));
    const plain = { type: 'a', queue: 'q', state: State.completed, attempt: 1, worker: 'w', startedAt: 1, trace: null };
    for (const id of jobs) entries.job('job.completed', { ...plain, id }, State.active);
    expect(entries.take()).toEqual({
      count: 3,
      entries: `[["job.completed","${jobs[0]}","a","q",8,16,1,"w",1,null,null],"${jobs[1]}","${jobs[2]}"]`,
    });
  });

  test('a batch that begins with an id is refused', () => {
    expect(() => readEntries('["x"]')).toThrow(TypeError);
  });
});
