import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type JobRecord,
  type ProgressReport,
  progressed,
  progressOf,
  type Reporter,
  readProgress,
  renderProgress,
  State,
} from '../../src/job/index.ts';
import { claimed, jobOf, start } from '../support/records.ts';

const nobody: Reporter = { worker: null, claim: null, attempt: null };
const leases = (lease: string) => (lease === 'c1.x' ? 1 : -1);
const running = () => claimed(jobOf());
const report = (text: string): ProgressReport => readProgress(text, leases).report;

function after(job: JobRecord, text: string, now = start, reporter = nobody): JobRecord {
  const transition = progressed(job, report(text), reporter, now);
  return transition === null ? job : { ...job, progress: transition.progress ?? null };
}

describe('readProgress (ojs-progress §5)', () => {
  test.each([
    ['{"progress":0.47}', 0.47],
    ['{"progress":-1}', 0],
    ['{"progress":1.3}', 1],
    ['{"progress":1e999}', 1],
    ['{"percentage":33.3}', 0.333],
    ['{"percentage":250}', 1],
    ['{"progress":0.2,"percentage":90}', 0.2],
    ['{"data":{}}', null],
    ['{"message":"m"}', null],
  ])('%s', (text, fraction) => {
    expect(report(text).fraction).toBe(fraction);
  });

  test('texts as they were sent, null as absent', () => {
    const text =
      '{"message":"\\u0041","data":{"a":1.0},"checkpoint":[1e1],"progress":null,"worker_id":"w","x_lease":"c1.x","attempt":2}';
    expect(readProgress(text, leases)).toEqual({
      report: { fraction: null, message: '"\\u0041"', data: '{"a":1.0}', checkpoint: '[1e1]' },
      reporter: { worker: 'w', claim: 1, attempt: 2 },
    });
  });

  test.each('{} {"progress":null} {"progress":true} {"data":1} {"message":1} {"progress":1,"attempt":"1"}'.split(' '))(
    'refuses %s',
    (text) => {
      expect(() => readProgress(text, leases)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    },
  );
});

describe('progressed', () => {
  test('is a heartbeat that keeps the claim', () => {
    const job = running();
    expect(progressed(job, report('{"progress":0.5}'), nobody, start)).toMatchObject({
      id: job.id,
      from: State.active,
      to: State.active,
      claim: 1,
      beat: true,
      events: [{ kind: 'job.progress', data: '{"progress_percent":50}' }],
    });
  });

  test('its event has the data of the report, or of the last one that had any', () => {
    const job = running();
    const first = progressed(job, report('{"progress":0.5,"message":"m","data":{"row":1.0}}'), nobody, start);
    expect(first?.events?.map(({ data }) => data)).toEqual([
      '{"progress_percent":50,"progress_message":"m","data":{"row":1.0}}',
    ]);
    const after = { ...job, progress: first?.progress ?? null };
    expect(progressed(after, report('{"progress":0.6}'), nobody, start + 5_000)?.events).toMatchObject([
      { data: '{"progress_percent":60,"progress_message":"m","data":{"row":1.0}}' },
    ]);
  });

  test('ignores reports of earlier executions', () => {
    const job = running();
    const owners: readonly Partial<Reporter>[] = [{ worker: 'w2' }, { claim: 2 }, { attempt: 0 }];
    for (const owner of owners)
      expect(progressed(job, report('{"progress":1}'), { ...nobody, ...owner }, start)).toBeNull();
    for (const state of Object.values(State)) {
      const moved = progressed({ ...job, state }, report('{"progress":1}'), nobody, start);
      expect(moved === null, String(state)).toBe(state !== State.active);
    }
    const own = { worker: 'w1', claim: 1, attempt: 1 };
    expect(progressed(job, report('{"progress":1}'), own, start)).not.toBeNull();
    expect(readProgress('{"progress":1,"x_lease":"c1.y"}', leases).reporter.claim).toBe(-1);
  });

  const reports = fc.array(
    fc.record({
      ms: fc.nat(1_500),
      progress: fc.option(fc.double({ min: -1, max: 2, noNaN: true })),
      data: fc.option(fc.record({ n: fc.nat() })),
    }),
    { minLength: 1, maxLength: 12 },
  );

  test('of any reports the number is the largest, the data the last, and events are a second apart until the end (§6.2)', () => {
    fc.assert(
      fc.property(reports, (list) => {
        let job = running();
        let now = start;
        let largest: number | null = null;
        let data: unknown = null;
        const told: number[] = [];
        for (const { ms, progress, data: more } of list) {
          now += ms;
          const text = JSON.stringify({
            message: 'm',
            ...(progress !== null && { progress }),
            ...(more && { data: more }),
          });
          const transition = progressed(job, report(text), nobody, now);
          if (transition?.events.length === 1) told.push(now);
          job = { ...job, progress: transition?.progress ?? null };
          if (progress !== null)
            largest = Math.max(largest ?? 0, Math.round(Math.min(1, Math.max(0, progress)) * 1e6) / 1e6);
          data = more ?? data;
          const shown = JSON.parse(renderProgress(job));
          expect([shown.progress, shown.data, shown.updated_at]).toEqual([largest, data, new Date(now).toISOString()]);
        }
        const close = told.filter((at, index) => index > 0 && at - (told[index - 1] ?? 0) < 1_000);
        expect(close.length).toBeLessThanOrEqual(largest === 1 ? 1 : 0);
      }),
    );
  });

  test('a clock that went back does not silence the events for long', () => {
    const job = after(running(), '{"progress":0.1}', start + 3_600_000);
    expect(progressed(job, report('{"progress":0.2}'), nobody, start)?.events).toHaveLength(1);
  });
});

describe('progressOf', () => {
  test('a completed job that ever reported is at 1, any other keeps its number', () => {
    const job = after(running(), '{"data":{"a":1}}');
    const ended = { ...job, finishedAt: start + 5 };
    expect(progressOf({ ...ended, state: State.completed })).toMatchObject({
      fraction: 1,
      at: start + 5,
      data: '{"a":1}',
    });
    expect(progressOf({ ...ended, state: State.discarded })).toMatchObject({ fraction: null, at: start });
    expect(progressOf({ ...running(), state: State.completed })).toBeNull();
    expect(JSON.parse(renderProgress(running()))).toMatchObject({
      progress: null,
      percentage: null,
      message: null,
      data: null,
      updated_at: null,
    });
  });
});
