import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attributeNames } from '../../src/envelope/attributes.ts';
import { type ErrorCode, isUuidv7, members, ProtocolError, uuidv7 } from '../../src/index.ts';
import { maxEnvelopeBytes, readEnvelope, readEnvelopes, State } from '../../src/job/index.ts';
import { faultOf } from '../support/fault.ts';

const now = Date.UTC(2026, 0, 1);
const id = '019461a8-1a2b-7c3d-8e4f-5a6b7c8d9e0f';

const readText = (text: string) => readEnvelope(text, now, uuidv7);
const read = (envelope: object) => readText(JSON.stringify({ type: 'a.b', args: [], ...envelope }));
const sent = (envelope: object) => JSON.parse(read(envelope).job.envelope);

function expectFault(call: () => unknown, code: ErrorCode, ...paths: string[]) {
  const fault = faultOf(call);
  expect(fault.code).toBe(code);
  const issues = (fault.details.validation_errors ?? []) as { path: string; message: string }[];
  expect(issues.map((issue) => issue.path)).toEqual(paths);
  return fault;
}

test.each(attributeNames.filter((name) => !['options', 'meta'].includes(name)))(
  'the reader of %s refuses a value of a wrong type',
  (name) => {
    // No attribute takes a list of lists but args, which takes no text.
    const value = name === 'args' ? 'x' : [[]];
    expect(faultOf(() => read({ [name]: value })).message).toContain(name);
  },
);

describe('a minimal envelope', () => {
  const { job, onConflict } = readText('{"type":"a.b","args":[1]}');

  test('has every default', () => {
    expect(job).toMatchObject({
      type: 'a.b',
      queue: 'default',
      state: State.available,
      priority: 0,
      runAt: now,
      createdAt: now,
      timeoutMs: 1_800_000,
    });
    expect(job).toMatchObject({ expiresAt: null, visibilityMs: null, policy: null });
    expect(isUuidv7(job.id)).toBe(true);
    expect(onConflict).toBeNull();
  });

  test('is stored with what never changes, and with no null', () => {
    expect(JSON.parse(job.envelope)).toEqual({
      specversion: '1.0',
      id: job.id,
      type: 'a.b',
      queue: 'default',
      args: [1],
      meta: {},
      max_attempts: 3,
      timeout_ms: 1_800_000,
    });
  });
});

describe('both shapes', () => {
  test('a member in options wins', () => {
    expect(read({ queue: 'flat', options: { queue: 'nested' } }).job.queue).toBe('nested');
    expect(read({ queue: 'flat', options: {} }).job.queue).toBe('flat');
    expect(read({ queue: 'flat', options: { queue: null } }).job.queue).toBe('flat');
    expect(read({ queue: 'flat', options: null }).job.queue).toBe('flat');
  });

  test.each([
    [{ options: { timeout_ms: 500 } }, 500, undefined],
    [{ options: { timeout: 30 } }, 30_000, 30],
    [{ timeout: 30 }, 30_000, 30],
    [{ timeout_ms: 500 }, 500, undefined],
    [{ timeout: 30, options: { timeout_ms: 500 } }, 500, undefined],
    [{ timeout: 0 }, 1_800_000, 0],
    [{ timeout_ms: 0 }, 1_800_000, undefined],
  ])('timeout %j is %d ms; seconds are echoed only where they were sent (X8)', (envelope, ms, seconds) => {
    expect(read(envelope).job.timeoutMs).toBe(ms);
    expect(sent(envelope).timeout_ms).toBe(ms);
    expect(sent(envelope).timeout).toBe(seconds);
  });

  test.each([
    [{ options: { visibility_timeout_ms: 1 } }, 1],
    [{ options: { visibility_timeout: 2 } }, 2000],
    [{ options: { visibility_timeout: 'PT3S' } }, 3000],
    [{ visibility_timeout: 4 }, 4000],
  ])('visibility timeout %j is %d ms', (envelope, ms) => {
    expect(read(envelope).job.visibilityMs).toBe(ms);
    expect(sent(envelope).visibility_timeout_ms).toBe(ms);
  });

  test.each([
    [{ options: { priority: 5 } }, 5],
    [{ priority: -100 }, -100],
    [{ priority: 'HIGH' }, 10],
    [{ priority: 'NORMAL' }, 0],
    [{ options: { priority: 'LOW' } }, -10],
  ])('priority %j is %d (X22)', (envelope, priority) => {
    expect(read(envelope).job.priority).toBe(priority);
  });

  test('meta of all three places is one object, raw values and the later source', () => {
    const { job } = readText(
      '{"type":"a","args":[],"meta":{"a":1.0,"b":1},"options":{"meta":{"b":2e0,"c":1},"metadata":{"c":3,"__proto__":4}}}',
    );
    expect([...members(members(job.envelope).get('meta') ?? '')]).toEqual([
      ['a', '1.0'],
      ['b', '2e0'],
      ['c', '3'],
      ['__proto__', '4'],
    ]);
  });

  test('a retry policy is normalised, its max_attempts mirrored', () => {
    const { job } = read({ options: { retry_policy: { maxAttempts: 7, x: 1 } } });
    expect(JSON.parse(job.envelope)).toMatchObject({ max_attempts: 7, retry: { max_attempts: 7, x: 1 } });
    expect(JSON.parse(job.policy ?? '')).toEqual({ retry: { maxAttempts: 7 } });
    expect(read({ retry: {} }).job.policy).toBeNull();
  });

  test('timeouts of ojs-timeouts go to the policy; only an explicit grace period prolongs the execution', () => {
    const { job } = read({
      timeout: 10,
      grace_period: 5,
      options: { total_timeout: 60, enqueue_ttl: 20, heartbeat_timeout: 30 },
    });
    expect(job.timeoutMs).toBe(15_000);
    expect(job.expiresAt).toBe(now + 20_000);
    expect(JSON.parse(job.policy ?? '')).toEqual({
      gracePeriodMs: 5000,
      totalTimeoutMs: 60_000,
      enqueueTtlMs: 20_000,
      heartbeatTimeoutMs: 30_000,
    });
    expect(JSON.parse(job.envelope)).toMatchObject({
      timeout_ms: 10_000,
      grace_period: 5,
      total_timeout: 60,
      enqueue_ttl: 20,
      heartbeat_timeout: 30,
    });
  });

  test('a total_timeout shorter than the default timeout becomes the timeout', () => {
    expect(read({ total_timeout: 60 }).job.timeoutMs).toBe(60_000);
    expect(read({ total_timeout: 3600 }).job.timeoutMs).toBe(1_800_000);
  });

  test('limits are read in each of their forms, the queue being the key of one without', () => {
    expect(read({ options: { rate_limit: { max_per_second: 5 } } }).job.limits).toEqual([
      { key: 'queue:default', concurrency: null, rates: [{ count: 5, perMs: 1_000 }] },
    ]);
    expect(
      read({
        rate_limit: [
          { key: 't1', concurrency: 2 },
          { key: 'api', rate: 3, period: 'minute' },
        ],
      }).job.limits,
    ).toEqual([
      { key: 'api', concurrency: null, rates: [{ count: 3, perMs: 60_000 }] },
      { key: 't1', concurrency: 2, rates: [] },
    ]);
    expect(read({ rate_limit: null }).job.limits).toEqual([]);
  });

  test('total_timeout is a deadline, enqueue_ttl counts until the first start only', () => {
    const { job } = read({ total_timeout: 7200, enqueue_ttl: 60, expires_at: '+PT1H' });
    expect([job.expiresAt, job.laterExpiresAt, job.deadlineAt].map((at) => (at ?? 0) - job.createdAt)).toEqual([
      60_000, 3_600_000, 7_200_000,
    ]);
  });
});

describe('state and times', () => {
  const later = '2026-01-01T02:00:00+01:00';

  test('a job for a future time is scheduled; the time is echoed as sent', () => {
    for (const envelope of [
      { scheduled_at: later },
      { delay_until: later },
      { options: { delay_until: later } },
      { options: { scheduled_at: later } },
    ]) {
      const { job } = read(envelope);
      expect(job).toMatchObject({ state: State.scheduled, runAt: now + 3_600_000 });
      expect(JSON.parse(job.envelope).scheduled_at).toBe(later);
    }
  });

  test('a job for a past time is available', () => {
    expect(read({ scheduled_at: '2025-12-31T23:59:59Z' }).job).toMatchObject({ state: State.available, runAt: now });
    expect(read({ scheduled_at: '2026-01-01T00:00:00Z' }).job).toMatchObject({ state: State.available, runAt: now });
  });

  test('pending wins over scheduled_at and keeps the time', () => {
    expect(read({ options: { pending: true }, scheduled_at: later }).job).toMatchObject({
      state: State.pending,
      runAt: now + 3_600_000,
    });
  });

  test('relative times count from now', () => {
    expect(read({ options: { scheduled_at: '+PT5S', expires_at: '+PT2S' } }).job).toMatchObject({
      runAt: now + 5000,
      expiresAt: now + 2000,
    });
  });

  test('the earlier of expires_at and enqueue_ttl counts; expires_at is echoed to the byte', () => {
    const expires = '2099-12-31T23:59:59Z';
    expect(read({ expires_at: expires }).job.expiresAt).toBe(Date.parse(expires));
    expect(read({ expires_at: expires, enqueue_ttl: 1 }).job.expiresAt).toBe(now + 1000);
    expect(sent({ expires_at: expires }).expires_at).toBe(expires);
  });
});

describe('what the client sent survives', () => {
  test('byte for byte: big integers, number forms, escapes, key order, white space', () => {
    const args = '[ 9007199254740993, 1.0e3, "\\u0000\\ud800", {"b":1,"a":2, "b":3}, -0.0 ]';
    const { job } = readText(
      `{"type":"a","args":${args},"meta":{"z":1.10,"a":[]},"x_one":{"n":1e400},"__proto__":{"x":1},"version":2.0,"nothing":null}`,
    );
    const stored = members(job.envelope);
    expect(stored.get('args')).toBe(args);
    expect(stored.get('meta')).toBe('{"z":1.10,"a":[]}');
    expect(stored.get('x_one')).toBe('{"n":1e400}');
    expect(stored.get('__proto__')).toBe('{"x":1}');
    expect(stored.get('version')).toBe('2.0');
    expect(stored.get('nothing')).toBe('null');
  });

  test('a version in the options is the version of the job, and wins over one at the top (ojs-job-versioning)', () => {
    const versions = (text: string) =>
      [...readText(`{"type":"a","args":[],${text}}`).job.envelope.matchAll(/"version":[^,}]*/g)].map(String);
    expect(versions('"options":{"version":2.0}')).toEqual(['"version":2.0']);
    expect(versions('"version":"1","options":{"version":"2.1"}')).toEqual(['"version":"2.1"']);
    expect(versions('"version":"1","options":{"version":null}')).toEqual(['"version":"1"']);
  });

  test('tags, schema, unique stay as sent', () => {
    const envelope = { tags: ['a', 'b'], schema: 'urn:x', unique: { keys: ['type'], period: 'PT1H' } };
    expect(sent(envelope)).toMatchObject(envelope);
  });

  test('fields that the server manages are ignored (ojs-core §5.3)', () => {
    const managed = {
      state: 'processing',
      attempt: -1,
      created_at: 1,
      result: 1,
      error: {},
      errors: [],
      max_attempts: 99,
      worker_id: 'w',
      x_lease: 'c1',
      completed_at: 'x',
    };
    expect(sent({ ...managed, id })).toEqual(sent({ id }));
  });

  test('the stored envelope has each member once', () => {
    const text = readText(
      '{"type":"a","type":"b.c","args":[],"args":[2],"meta":{},"queue":"q","options":{"queue":"r"},"timeout":1}',
    ).job.envelope;
    expect([...text.matchAll(/"(\w+)":/g)].map((match) => match[1])).toEqual([...members(text).keys()]);
    expect(JSON.parse(text)).toMatchObject({ type: 'b.c', args: [2], queue: 'r' });
  });
});

describe('refusals', () => {
  test.each(['', 'null', '[]', '"x"', '{', '\ufeff{}'])('%j is no envelope: invalid_payload', (text) => {
    expectFault(() => readText(text), 'invalid_payload');
  });

  test.each([
    [{ type: undefined }, '$.type'],
    [{ type: '' }, '$.type'],
    [{ type: 'Email.Send' }, '$.type'],
    [{ type: 'a..b' }, '$.type'],
    [{ type: '1a' }, '$.type'],
    [{ type: 'a'.repeat(256) }, '$.type'],
    [{ args: undefined }, '$.args'],
    [{ args: null }, '$.args'],
    [{ args: {} }, '$.args'],
    [{ id: '' }, '$.id'],
    [{ id: id.toUpperCase() }, '$.id'],
    [{ id: '550e8400-e29b-41d4-a716-446655440000' }, '$.id'],
    [{ specversion: '2.0.0' }, '$.specversion'],
    [{ queue: 'My Queue' }, '$.queue'],
    [{ options: { queue: 'a'.repeat(129) } }, '$.options.queue'],
    [{ options: [] }, '$.options'],
    [{ options: { priority: 101 } }, '$.options.priority'],
    [{ priority: 0.5 }, '$.priority'],
    [{ priority: 'high' }, '$.priority'],
    [{ meta: [] }, '$.meta'],
    [{ options: { metadata: 'x' } }, '$.options.metadata'],
    [{ timeout: -1 }, '$.timeout'],
    [{ options: { timeout_ms: 1.5 } }, '$.options.timeout_ms'],
    [{ options: { visibility_timeout_ms: 0 } }, '$.options.visibility_timeout_ms'],
    [{ visibility_timeout: 'PT' }, '$.visibility_timeout'],
    [{ scheduled_at: '2026-03-01T09:00:00' }, '$.scheduled_at'],
    [{ options: { expires_at: '+2s' } }, '$.options.expires_at'],
    [{ scheduled_at: 1767225600 }, '$.scheduled_at'],
    [{ tags: ['a', 1] }, '$.tags'],
    [{ pending: 'yes' }, '$.pending'],
    [{ schema: {} }, '$.schema'],
    [{ rate_limit: 5 }, '$.rate_limit'],
    [{ total_timeout: 0 }, '$.total_timeout'],
    [{ timeout: 60, total_timeout: 30 }, '$.total_timeout'],
    [{ grace_period: -1 }, '$.grace_period'],
    [{ unique: { on_conflict: 'error' } }, '$.unique.on_conflict'],
    [{ unique: { keys: ['colour'] } }, '$.unique.keys'],
    [{ unique: { keys: ['meta'] } }, '$.unique.meta_keys'],
    [{ unique: { keys: ['type'], args_keys: ['a'] } }, '$.unique.args_keys'],
    [{ options: { unique: { period: 'PT0S' } } }, '$.options.unique.period'],
    [{ options: { unique: { states: ['processing'] } } }, '$.options.unique.states'],
  ])('%j: invalid_request at %s', (envelope, path) => {
    expectFault(() => read(envelope), 'invalid_request', path);
  });

  test('one answer has all issues', () => {
    expectFault(
      () => readText('{"args":1,"priority":200,"retry":{"jitter":1}}'),
      'invalid_request',
      '$.type',
      '$.args',
      '$.priority',
      '$.retry.jitter',
    );
  });

  test('only a bad retry policy is validation_error, 422, and its field is in the message', () => {
    const fault = expectFault(
      () => read({ options: { retry: { max_attempts: -1 } } }),
      'validation_error',
      '$.options.retry.max_attempts',
    );
    expect(fault.kind.status).toBe(422);
    expect(fault.message).toContain('max_attempts');
  });

  test('1 MiB is accepted, one byte more is not (ojs-json-format §8.1)', () => {
    const frame = '{"type":"a","args":[""]}';
    const fill = (bytes: number) => `{"type":"a","args":["${'é'.repeat((bytes - frame.length) / 2)}"]}`;
    expect(readText(fill(maxEnvelopeBytes)).job.type).toBe('a');
    expect(expectFault(() => readText(`${fill(maxEnvelopeBytes)} `), 'envelope_too_large').details).toEqual({
      size: maxEnvelopeBytes + 1,
      max_size: maxEnvelopeBytes,
    });
  });
});

describe('readEnvelopes', () => {
  const batch = (...jobs: unknown[]) => readEnvelopes(JSON.stringify({ jobs }), now, uuidv7);

  test('reads each, in order', () => {
    const jobs = batch({ type: 'a', args: [1] }, { type: 'b', args: [2], options: { queue: 'q' } });
    expect(jobs.map(({ job }) => [job.type, job.queue])).toEqual([
      ['a', 'default'],
      ['b', 'q'],
    ]);
  });

  test('names the bad one', () => {
    const fault = expectFault(() => batch({ type: 'a', args: [] }, { type: 'b' }), 'invalid_request', '$.jobs[1].args');
    expect(fault.details.index).toBe(1);
    expect(expectFault(() => batch({ type: 'a', args: [] }, 5), 'invalid_payload').details.index).toBe(1);
    expect(
      expectFault(() => batch({ type: 'a', args: ['x'.repeat(maxEnvelopeBytes)] }), 'envelope_too_large').details.index,
    ).toBe(0);
    expect(
      expectFault(
        () => batch({ type: 'a', args: [], retry: { jitter: 1 } }),
        'validation_error',
        '$.jobs[0].retry.jitter',
      ).details.index,
    ).toBe(0);
  });

  test('accepts 1 to 10,000 (ojs-json-format §8.3, §10.2)', () => {
    const job = { type: 'a', args: [] };
    expect(batch(...Array.from({ length: 10_000 }, () => job))).toHaveLength(10_000);
    expectFault(() => batch(...Array.from({ length: 10_001 }, () => job)), 'invalid_request', '$.jobs');
    expectFault(() => batch(), 'invalid_request', '$.jobs');
    expectFault(() => readEnvelopes('{}', now, uuidv7), 'invalid_request', '$.jobs');
    expectFault(() => readEnvelopes('[]', now, uuidv7), 'invalid_payload');
  });
});

describe('any text', () => {
  const names = `
    id type args queue meta options retry unique timeout scheduled_at expires_at priority tags schema __proto__ x
    state total_timeout visibility_timeout rate_limit pending constructor
  `
    .trim()
    .split(/\s+/);
  const number = fc.constantFrom('9007199254740993', '1.0e3', '-0', '0.10', '1e400', '5');
  const value = fc.oneof(
    number,
    fc.jsonValue().map((json) => JSON.stringify(json)),
    fc.constantFrom(
      '"\\u0000"',
      '"+PT5S"',
      '"2026-03-01T09:00:00Z"',
      '{"max_attempts":5}',
      '{"meta":{"a":1.0}}',
      'null',
    ),
  );
  const args = fc.array(value, { maxLength: 3 }).map((items) => `[${items.join(' , ')}]`);
  const text = (entries: readonly (readonly [string, string])[]) =>
    `{${entries.map(([name, raw]) => `${JSON.stringify(name)}:${raw}`).join(',')}}`;
  const random = fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 6 });
  const valid = fc
    .tuple(args, random)
    .map(([list, entries]) => [list, text([...entries, ['type', '"a.b"'], ['args', list]])] as const);

  test('makes a job whose envelope is JSON with the arguments verbatim, or an ProtocolError', () => {
    let jobs = 0;
    fc.assert(
      fc.property(valid, ([list, envelope]) => {
        let job: ReturnType<typeof readText>['job'];
        try {
          job = readText(envelope).job;
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
          return;
        }
        jobs++;
        const parsed = JSON.parse(job.envelope);
        expect(parsed).toMatchObject({ specversion: '1.0', id: job.id, type: 'a.b', queue: job.queue });
        expect(members(job.envelope).get('args')).toBe(list);
        for (const name of ['x', '__proto__', 'constructor'])
          expect(members(job.envelope).get(name)).toBe(members(envelope).get(name));
        // What was stored is itself an envelope, and the same one.
        expect(readEnvelope(job.envelope, now, uuidv7).job).toMatchObject({
          id: job.id,
          queue: job.queue,
          timeoutMs: job.timeoutMs,
          expiresAt: job.expiresAt,
        });
      }),
      { numRuns: 1000 },
    );
    expect(jobs).toBeGreaterThan(50);
  });

  test('never throws anything but an ProtocolError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), random.map(text)), (any) => {
        for (const call of [
          () => readText(any),
          () => readEnvelopes(any, now, uuidv7),
          () => readEnvelopes(`{"jobs":[${any}]}`, now, uuidv7),
        ]) {
          try {
            call();
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

test('a member of a job that only the server writes is not stored, and the answer says so', () => {
  const names = [
    'cron',
    'dead_letter',
    'unique_key',
    'progress',
    'error_fingerprint',
    'workflow_step',
    'result_expires_at',
  ];
  const sent = Object.fromEntries(names.map((name) => [name, 'mine']));
  const { job, unknown } = readEnvelope(JSON.stringify({ type: 'a.b', args: [], ...sent, kept: 1 }), now, uuidv7);
  expect(Object.keys(JSON.parse(job.envelope)).filter((name) => name in sent)).toEqual([]);
  expect(JSON.parse(job.envelope)).toMatchObject({ kept: 1 });
  expect(unknown.map(({ name }) => name)).toEqual([...names, 'kept']);
});
