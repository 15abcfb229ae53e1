import { describe, expect, test } from 'vitest';
import {
  type JobRecord,
  readEnvelope,
  renderJob,
  renderOutcome,
  resultExpiresAt,
  resultStatus,
  resultTtl,
  State,
} from '../../src/job/index.ts';
import { failed } from '../../src/lifecycle/index.ts';
import { apply, claimed, jobOf, middle, start } from '../support/records.ts';

const done = (envelope: object, result: string | null): JobRecord => ({
  ...claimed(jobOf(envelope)),
  state: State.completed,
  finishedAt: start + 1_000,
  result,
});

describe('results (ojs-results)', () => {
  test.each([
    [{}, 604_800],
    [{ result_ttl: 60 }, 60],
    [{ options: { result_ttl: 0 } }, 0],
    [{ result_ttl: 5, options: { result_ttl: -1 } }, -1],
    [{ args: [{ result_ttl: 7 }] }, 604_800],
    [{ meta: { result_ttl: 7 } }, 604_800],
  ])('result_ttl of %j is %i s (§6.1, D3)', (envelope, ttl) => {
    expect(resultTtl(jobOf(envelope))).toBe(ttl);
  });

  test.each([{ result_ttl: -2 }, { result_ttl: 1.5 }, { result_ttl: '60' }, { result_size_limit: 0 }])(
    'refuses %j',
    (fields) => {
      const read = () => readEnvelope(JSON.stringify({ type: 'a.b', args: [], ...fields }), start, () => 'x');
      expect(read).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    },
  );

  test('is pending until the end, ready, and pruned once its time is over; never with -1', () => {
    const job = done({ result_ttl: 60 }, '7');
    expect(resultStatus({ ...job, state: State.active, finishedAt: null }, start)).toBe('pending');
    expect(resultStatus(job, start + 60_999)).toBe('ready');
    expect(resultStatus(job, start + 61_000)).toBe('pruned');
    expect(resultExpiresAt(job)).toBe(start + 61_000);
    expect(resultStatus(done({ result_ttl: -1 }, '7'), Number.MAX_SAFE_INTEGER)).toBe('ready');
  });

  test('nobody can read an ephemeral result', () => {
    const job = done({ result_ttl: 0 }, '"secret"');
    for (const text of [renderJob(job), renderOutcome(job, start), renderOutcome(job, start + 9_000)])
      expect(text).not.toContain('secret');
    expect(renderJob(done({ result_ttl: 1 }, '"seen"'))).toContain('seen');
  });

  test('an expired result is in no envelope', () => {
    const job = done({ result_ttl: 60 }, '"old"');
    expect(renderJob(job, { now: start + 60_999 })).toContain('"result":"old"');
    expect(renderJob(job, { now: start + 61_000 })).not.toContain('old');
  });

  test('an error takes the place of the result, byte for byte', () => {
    const job = claimed(jobOf());
    const boom = {
      code: 'c',
      type: 't',
      message: 'm',
      retryable: false,
      details: '{"n":12345678901234567890}',
      names: ['t'],
    };
    const ended = apply(job, failed(job, boom, start, middle), start);
    const text = renderOutcome(ended, start);
    expect(text).toContain('"details":{"n":12345678901234567890}');
    expect(JSON.parse(text)).toMatchObject({
      state: 'discarded',
      result: null,
      error: { type: 't' },
      result_size_bytes: expect.any(Number),
    });
  });
});
