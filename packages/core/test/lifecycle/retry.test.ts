import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { members } from '../../src/index.ts';
import type { RetryPolicy } from '../../src/job/index.ts';
import {
  defaultRetry,
  isNonRetryable,
  readRetry,
  retryDelay,
  retryPolicy,
  retryText,
} from '../../src/lifecycle/index.ts';
import { words } from '../support/text.ts';

const middle = () => 0.5;
const exact: RetryPolicy = { ...defaultRetry, jitter: false };

function issuesOf(policy: unknown) {
  const read = readRetry(policy, '$.retry');
  return 'issues' in read ? read.issues : [];
}

describe('readRetry', () => {
  test('returns only the given fields', () => {
    expect(readRetry({ max_attempts: 5, unknown: 1, jitter: null }, '$.retry')).toEqual({ policy: { maxAttempts: 5 } });
    expect(readRetry({}, '$.retry')).toEqual({ policy: {} });
  });

  test('knows every field and every other spelling', () => {
    const policy = {
      maxAttempts: 4,
      initialIntervalMs: 500,
      backoffCoefficient: 1.5,
      maxIntervalMs: 60_000,
      nonRetryableErrors: ['A'],
      onExhaustion: 'dead_letter',
      backoffStrategy: 'linear',
    };
    const snake = {
      max_attempts: 4,
      initial_interval: 'PT0.5S',
      backoff_coefficient: 1.5,
      max_interval: 'PT1M',
      non_retryable_errors: ['A'],
      on_exhaustion: 'dead_letter',
      backoff_strategy: 'linear',
    };
    const camel = {
      maxAttempts: 4,
      initialInterval: 'PT0.5S',
      backoffCoefficient: 1.5,
      maxInterval: 'PT1M',
      nonRetryableErrors: ['A'],
      onExhaustion: 'dead_letter',
      backoffType: 'linear',
    };
    const millis = {
      maxAttempts: 4,
      base_delay_ms: 500,
      multiplier: 1.5,
      max_interval_ms: 60_000,
      nonRetryableErrors: ['A'],
      onExhaustion: 'dead_letter',
      backoff: 'linear',
    };
    for (const sent of [snake, camel, millis]) expect(readRetry(sent, '$.retry')).toEqual({ policy });
    expect(readRetry({ backoff_strategy: 'fixed' }, '$.retry')).toEqual({ policy: { backoffStrategy: 'none' } });
    expect(readRetry({ max_attempts: 1, maxAttempts: 9 }, '$.retry')).toEqual({ policy: { maxAttempts: 1 } });
  });

  test.each([
    ['max_attempts', -1],
    ['max_attempts', 1.5],
    ['max_attempts', '3'],
    ['initial_interval', 'PT0S'],
    ['initial_interval', '1s'],
    ['initial_interval', 'P'],
    ['initial_interval', 1000],
    ['initial_interval_ms', 0],
    ['initial_interval_ms', 1.5],
    ['max_interval', 'PT'],
    ['backoff_coefficient', 0.5],
    ['backoff_coefficient', Number.POSITIVE_INFINITY],
    ['jitter', 'true'],
    ['non_retryable_errors', 'A'],
    ['non_retryable_errors', [1]],
    ['non_retryable_errors', ['*']],
    ['non_retryable_errors', ['A', '*Error']],
    ['non_retryable_errors', ['A*.*']],
    ['non_retryable_errors', ['.*']],
    ['on_exhaustion', 'retry_forever'],
    ['backoff_strategy', 'random'],
  ])('refuses %s: %j and names the field (RET-03, RET-16, RET-19, T:L1-RTR-011)', (field, value) => {
    expect(issuesOf({ [field]: value })).toEqual([
      { path: `$.retry.${field}`, message: expect.stringContaining(field) },
    ]);
  });

  test('refuses a cap below the first interval, and anything but an object', () => {
    expect(issuesOf({ initial_interval: 'PT10S', max_interval: 'PT5S' })).toHaveLength(1);
    for (const value of [null, [], 'fast', 3]) expect(issuesOf(value)).toHaveLength(1);
  });

  test('collects every issue', () => {
    expect(issuesOf({ max_attempts: -1, jitter: 1, backoff_coefficient: 0 })).toHaveLength(3);
  });

  test('reads any value without another exception, and whatever it accepts resolves to a usable policy', () => {
    const names = words(`
      max_attempts initial_interval initial_interval_ms max_interval multiplier jitter backoff __proto__
      constructor
    `);
    const values = fc.oneof(fc.jsonValue(), fc.nat(), fc.constantFrom('PT1S', 'PT5M', 'linear'));
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom(...names), values)), (value) => {
        const read = readRetry(value, '$');
        if ('issues' in read) {
          expect(read.issues.length).toBeGreaterThan(0);
          return;
        }
        const policy = retryPolicy(read.policy);
        expect(policy.maxIntervalMs).toBeGreaterThanOrEqual(policy.initialIntervalMs);
        expect(policy.initialIntervalMs).toBeGreaterThan(0);
      }),
    );
  });
});

describe('retryText', () => {
  test('a policy in documented fields is untouched, to the byte', () => {
    const text = '{ "backoff_coefficient": 2.0, "max_attempts" :5,"x":9007199254740993}';
    expect(retryText(text)).toBe(text);
  });

  test('other spellings become the documented ones, values and unknown members stay as sent', () => {
    const text = retryText(
      '{"maxAttempts":5,"multiplier":2.0,"initial_interval_ms":100,"max_interval_ms":null,"x":1.0e3}',
    );
    expect([...members(text)]).toEqual([
      ['max_attempts', '5'],
      ['initial_interval', '"PT0.1S"'],
      ['backoff_coefficient', '2.0'],
      ['x', '1.0e3'],
    ]);
  });

  test('the normalised text reads to the same policy', () => {
    const sent = fc.record(
      {
        maxAttempts: fc.nat(9),
        base_delay_ms: fc.integer({ min: 1, max: 1000 }),
        max_interval_ms: fc.integer({ min: 1000, max: 1e6 }),
        multiplier: fc.integer({ min: 1, max: 4 }),
        backoff: fc.constantFrom('linear', 'none'),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(sent, (policy) => {
        expect(readRetry(JSON.parse(retryText(JSON.stringify(policy))), '$')).toEqual(readRetry(policy, '$'));
      }),
    );
  });
});

describe('retryPolicy', () => {
  test('no policy is the default one', () => {
    expect(retryPolicy(undefined)).toEqual(defaultRetry);
    expect(retryPolicy({ maxAttempts: 7 })).toEqual({ ...defaultRetry, maxAttempts: 7 });
  });

  test('a given interval wins over the default of the other one', () => {
    expect(retryPolicy({ initialIntervalMs: 600_000 }).maxIntervalMs).toBe(600_000);
    expect(retryPolicy({ maxIntervalMs: 500 }).initialIntervalMs).toBe(500);
  });
});

describe('retryDelay', () => {
  test.each([
    ['exponential', 2, [1000, 2000, 4000, 8000]],
    ['exponential', 1, [1000, 1000, 1000, 1000]],
    ['linear', 2, [1000, 2000, 3000, 4000]],
    ['polynomial', 2, [1000, 4000, 9000, 16_000]],
    ['none', 2, [1000, 1000, 1000, 1000]],
  ] as const)('%s with coefficient %d is %j', (backoffStrategy, backoffCoefficient, delays) => {
    const policy = { ...exact, backoffStrategy, backoffCoefficient };
    expect([1, 2, 3, 4].map((attempt) => retryDelay(policy, attempt, middle))).toEqual(delays);
  });

  test('caps, also where the power overflows', () => {
    expect(retryDelay(exact, 100, middle)).toBe(300_000);
    expect(retryDelay({ ...exact, backoffCoefficient: 1e300 }, 1_000_000, middle)).toBe(300_000);
    expect(retryDelay({ ...exact, backoffStrategy: 'polynomial', backoffCoefficient: 1e300 }, 2, middle)).toBe(300_000);
  });

  test('jitter is 0.5 to 1.5 of the capped delay, and capped again', () => {
    expect(retryDelay(defaultRetry, 1, () => 0)).toBe(500);
    expect(retryDelay(defaultRetry, 1, () => 0.999)).toBe(1499);
    // Jitter is applied to the capped delay: 0.5 of 5 minutes, not of the raw 2^29 s.
    expect(retryDelay(defaultRetry, 30, () => 0)).toBe(150_000);
    expect(retryDelay(defaultRetry, 30, () => 0.999)).toBe(300_000);
  });

  test('lies within half the capped delay and the cap, whatever the policy', () => {
    const policies = fc.record({
      initialIntervalMs: fc.integer({ min: 1, max: 1e9 }),
      backoffCoefficient: fc.double({ min: 1, max: 1e3, noNaN: true }),
      maxIntervalMs: fc.integer({ min: 1, max: 1e9 }),
      jitter: fc.boolean(),
      backoffStrategy: fc.constantFrom('exponential', 'linear', 'polynomial', 'none'),
    });
    fc.assert(
      fc.property(
        policies,
        fc.integer({ min: 1, max: 1e6 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (partial, attempt, random) => {
          const policy = retryPolicy(partial as Partial<RetryPolicy>);
          const unjittered = retryDelay({ ...policy, jitter: false }, attempt, middle);
          const delay = retryDelay(policy, attempt, () => random);
          expect(Number.isInteger(delay)).toBe(true);
          expect(delay).toBeLessThanOrEqual(policy.maxIntervalMs);
          expect(delay).toBeGreaterThanOrEqual(Math.floor(unjittered / 2));
          expect(unjittered).toBeGreaterThanOrEqual(policy.initialIntervalMs);
        },
      ),
    );
  });
});

test.each([
  ['AuthError', ['AuthError'], true],
  ['AuthError', ['AuthErrors', 'autherror'], false],
  ['Auth.*', ['Auth.TokenExpired'], true],
  ['Auth.*', ['AuthenticationError', 'Authx', 'XAuth.Y'], false],
  ['.*', ['anything'], false],
  ['a(b|c)+.*', ['a(b|c)+.d'], true],
  ['A', ['B', 'A'], true],
] as const)(
  'non_retryable_errors [%s] against %j: %s, case-sensitive and literal (RET-07, RET-18)',
  (pattern, names, expected) => {
    expect(isNonRetryable({ ...defaultRetry, nonRetryableErrors: [pattern] }, names)).toBe(expected);
  },
);
