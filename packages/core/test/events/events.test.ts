import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  EventEntries,
  type EventKind,
  type EventSubject,
  jobEventEntry,
  readEntries,
  renderEvent,
} from '../../src/events/index.ts';
import { uuidFrom } from '../../src/index.ts';
import { State } from '../../src/job/index.ts';
import { nodeEvents } from '../../src/workflow/index.ts';

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
/** A member of a workflow ends, behind the event of its job or, as never happens, not. */
const ended = fc
  .record({
    workflow: fc.constantFrom(
      { id: 'w1', name: '', kind: 'group', total: 3 },
      { id: 'w2', name: 'n"', kind: 'batch', total: 10 },
      { id: 'w3', name: 'c', kind: 'chain', total: 3 },
    ),
    counts: fc.record({ completed: fc.nat({ max: 3 }), failed: fc.nat({ max: 1 }), cancelled: fc.nat({ max: 1 }) }),
    node: fc.record({ index: fc.nat({ max: 9 }), name: fc.constantFrom('0', 'a"b') }),
    follows: fc.boolean(),
    now: fc.constantFrom(4, 9),
  })
  .map(({ workflow, counts, ...rest }) => ({ ...rest, workflow: { ...workflow, ...counts } }));
const change = fc.record({ told, member: fc.option(ended, { nil: null }) });
const entry = '["worker.started","w1",null,"",null,null,0,null,null,null,{}]';

describe('entries of a batch', () => {
  test('reading returns complete entries, however many are alike', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 9, arbitrary: change }, fc.constant(null)), { maxLength: 30 }),
        (events) => {
          const entries = new EventEntries();
          const texts: string[] = [];
          for (const event of events) {
            if (event === null) {
              entries.add([entry]);
              texts.push(entry);
              continue;
            }
            const {
              told: { kind, job, from, data },
              member,
            } = event;
            if (member === null || member.follows) {
              entries.job(kind, job, from, data);
              texts.push(jobEventEntry(kind, job, from, data));
            }
            if (member === null) continue;
            const { workflow, node, now } = member;
            entries.node(workflow, node, job, now);
            texts.push(...nodeEvents(workflow, node, job, now));
          }
          const alone = texts.map((text) => JSON.parse(text) as unknown);
          const batch = entries.take();
          expect(batch?.count ?? 0).toBe(texts.length);
          expect(batch === null ? [] : readEntries(batch.entries)).toEqual(alone);
          expect(entries.take()).toBeNull();
        },
      ),
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
      kinds: [],
    });
  });

  test('of members of a group that end together only the first is written out', () => {
    const entries = new EventEntries();
    const [a = '', b = ''] = [1, 2].map((number) => uuidFrom(0, number, 1));
    const plain = { type: 'a', queue: 'q', state: State.completed, attempt: 1, worker: 'w', startedAt: 1, trace: null };
    const group = { id: 'g', name: 'n', kind: 'group', total: 5, failed: 1, cancelled: 0 };
    [a, b].forEach((id, index) => {
      entries.job('job.completed', { ...plain, id }, State.active);
      entries.node({ ...group, completed: index + 1 }, { index, name: String(index) }, { ...plain, id }, 4);
    });
    const { entries: text = '' } = entries.take() ?? {};
    expect(text.endsWith(`,"${b}",[1,"1",3,2,1,2]]`)).toBe(true);
    expect(readEntries(text)[3]?.[10]).toEqual({
      workflow_id: 'g',
      workflow_name: 'n',
      workflow_type: 'group',
      job_id: b,
      job_type: 'a',
      duration_ms: 3,
      step_id: '1',
      step_type: 'a',
      job_index: 1,
      completed_count: 2,
      failed_count: 1,
      total_count: 5,
      steps_remaining: 2,
    });
  });

  test.each(['["x"]', '[[1,"1",3,2,1,2]]'])('a batch that begins with less than an entry is refused: %s', (text) => {
    expect(() => readEntries(text)).toThrow(TypeError);
  });
});

test('only a running execution, or one that the event ends, has a duration', () => {
  const job = { id: uuidFrom(0, 1, 1), type: 'a', queue: 'q', startedAt: 5, attempt: 1, worker: 'w1', trace: null };
  const data = (from: State, state: State) => {
    const [entry] = readEntries(`[${jobEventEntry('job.state_changed', { ...job, state }, from)}]`);
    if (entry === undefined) throw new Error('The batch has no entry.');
    return renderEvent({ position: 1, at: 121 }, entry, 0, 'ojs://a', 1).data;
  };
  expect(data(State.active, State.retryable)).toMatchObject({ duration_ms: 116 });
  expect(data(State.retryable, State.available)).not.toHaveProperty('duration_ms');
  expect(data(State.retryable, State.cancelled)).not.toHaveProperty('duration_ms');
});
