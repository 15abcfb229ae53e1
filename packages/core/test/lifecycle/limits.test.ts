import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, ProtocolError, type ValidationIssue } from '../../src/index.ts';
import { type Limit, queueLimitKey } from '../../src/job/index.ts';
import { readLimits } from '../../src/lifecycle/index.ts';

function read(
  value: unknown,
  queue = 'q',
): { readonly limits: readonly Limit[]; readonly issues: readonly ValidationIssue[] } {
  const issues: ValidationIssue[] = [];
  return { limits: readLimits(value, '$.rate_limit', queue, issues), issues };
}

/** The limits of a value that is right. */
function limits(value: unknown, queue = 'q'): readonly Limit[] {
  const { limits, issues } = read(value, queue);
  expect(issues).toEqual([]);
  return limits;
}

test.each(['.', '..'])('the key %s is refused: no path of a limit could have it', (key) => {
  expect(read({ key, concurrency: 1 }).issues).toEqual([
    { path: '$.rate_limit.key', message: `key must not be . or .., which mean another path, got ${key}` },
  ]);
});

describe('readLimits', () => {
  test('accepts the policy of ojs-rate-limiting §6', () => {
    const policy = {
      key: 'stripe-api',
      concurrency: 5,
      rate: { limit: 100, period: 'PT1M' },
      throttle: { limit: 10, period: 'PT1S' },
      on_limit: 'wait',
    };
    expect(limits(policy)).toEqual([
      {
        key: 'stripe-api',
        concurrency: 5,
        rates: [
          { count: 100, perMs: 60_000 },
          { count: 1, perMs: 100 },
        ],
      },
    ]);
  });

  test.each([
    ['a number beside a word (EXT-RL-004)', { key: 'k', rate: 1, period: 'second' }, [{ count: 1, perMs: 1_000 }]],
    ['a number beside a duration', { key: 'k', rate: 7, period: 'PT2H' }, [{ count: 7, perMs: 7_200_000 }]],
    ['a number alone, a second', { key: 'k', rate: 7 }, [{ count: 7, perMs: 1_000 }]],
    ['starts a second (L4-RL-001)', { key: 'k', max_per_second: 3 }, [{ count: 3, perMs: 1_000 }]],
    ['less than one a second', { key: 'k', max_per_second: 0.1 }, [{ count: 1, perMs: 10_000 }]],
    [
      'a throttle that does not divide evenly, on the safe side',
      { key: 'k', throttle: { limit: 3, period: 'PT1S' } },
      [{ count: 1, perMs: 334 }],
    ],
    ['nothing but a key', { key: 'k' }, []],
    [
      'null as absent',
      { key: 'k', concurrency: null, rate: null, throttle: null, max_per_second: null, on_limit: null },
      [],
    ],
  ])('reads %s', (_, value, rates) => {
    expect(limits(value)).toEqual([{ key: 'k', concurrency: null, rates }]);
  });

  test('without a key the limit is the queue’s', () => {
    expect(limits({ max_per_second: 1 }, 'email')).toEqual([
      { key: 'queue:email', concurrency: null, rates: [{ count: 1, perMs: 1_000 }] },
    ]);
    expect(limits({ key: queueLimitKey('email'), concurrency: 2 }, 'email')).toMatchObject([
      { key: 'queue:email', concurrency: 2 },
    ]);
  });

  test('several limits come sorted by key, each key once', () => {
    expect(limits([{ key: 'b', concurrency: 1 }, { key: 'a' }, { concurrency: 1 }], 'q').map(({ key }) => key)).toEqual(
      ['a', 'b', 'queue:q'],
    );
    expect(read([{ key: 'a' }, { key: 'a', concurrency: 1 }]).issues).toMatchObject([
      { message: expect.stringContaining('twice') },
    ]);
    expect(read(Array.from({ length: 9 }, (_, index) => ({ key: `k${index}` }))).issues).toMatchObject([
      { path: '$.rate_limit' },
    ]);
    expect(limits(Array.from({ length: 8 }, (_, index) => ({ key: `k${index}` })))).toHaveLength(8);
  });

  test.each<readonly [string, unknown, string]>([
    ['no object', 5, '$.rate_limit'],
    ['an empty key', { key: '' }, '$.rate_limit.key'],
    ['a key that is no text', { key: 5 }, '$.rate_limit.key'],
    ['a key with a control character', { key: 'a\nb' }, '$.rate_limit.key'],
    ['half a surrogate pair', { key: '\ud800' }, '$.rate_limit.key'],
    ['a key of 256 characters', { key: 'k'.repeat(256) }, '$.rate_limit.key'],
    ['the key of another queue', { key: 'queue:other', concurrency: 1 }, '$.rate_limit.key'],
    ['a key of the server’s own', { key: 'cron:nightly', concurrency: 1 }, '$.rate_limit.key'],
    ['a concurrency below 0', { key: 'k', concurrency: -1 }, '$.rate_limit.concurrency'],
    ['a concurrency that is not whole', { key: 'k', concurrency: 1.5 }, '$.rate_limit.concurrency'],
    ['a rate of nothing', { key: 'k', rate: { limit: 0, period: 'PT1S' } }, '$.rate_limit.rate.limit'],
    ['a rate without a period', { key: 'k', rate: { limit: 1 } }, '$.rate_limit.rate.period'],
    ['a period of nothing', { key: 'k', rate: { limit: 1, period: 'PT0S' } }, '$.rate_limit.rate.period'],
    ['a period of more than a day', { key: 'k', rate: { limit: 1, period: 'P2D' } }, '$.rate_limit.rate.period'],
    ['an unknown word', { key: 'k', rate: 1, period: 'fortnight' }, '$.rate_limit.period'],
    ['a name of every object', { key: 'k', rate: 1, period: 'constructor' }, '$.rate_limit.period'],
    ['a throttle that is a number', { key: 'k', throttle: 5 }, '$.rate_limit.throttle'],
    ['no start a second', { key: 'k', max_per_second: 0 }, '$.rate_limit.max_per_second'],
  ])('refuses %s', (_, value, path) => {
    expect(read(value).issues).toMatchObject([{ path }]);
  });

  test('names the place in an array', () => {
    expect(read([{ key: 'a' }, { key: 'b', concurrency: 'x' }]).issues).toMatchObject([
      { path: '$.rate_limit[1].concurrency' },
    ]);
  });

  test('none at once is for operators to say', () => {
    const issues: ValidationIssue[] = [];
    expect(readLimits({ key: 'k', concurrency: 0 }, '$', 'q', issues, 0)).toMatchObject([{ concurrency: 0 }]);
    expect(issues).toEqual([]);
    expect(read({ key: 'k', concurrency: 0 }).issues).toMatchObject([{ path: '$.rate_limit.concurrency' }]);
  });

  test.each(['reschedule', 'drop', 'later'])('on_limit %s is unsupported: a limited job waits', (on_limit) => {
    expect(() => read({ key: 'k', on_limit })).toThrow(ProtocolError);
    expect(() => read({ key: 'k', on_limit })).toThrow(
      expect.objectContaining({ code: 'unsupported', details: { field: 'on_limit' } }),
    );
  });
});

describe('properties', () => {
  const key = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,40}$/).map((text) => `k.${text}`);
  const count = fc.integer({ min: 1, max: 1_000_000 });
  const period = fc.integer({ min: 1, max: 86_400_000 });

  test('reading returns what was written', () => {
    fc.assert(
      fc.property(
        key,
        fc.option(count),
        fc.option(fc.record({ limit: count, perMs: period })),
        (name, concurrency, rate) => {
          const policy = {
            key: name,
            concurrency,
            rate: rate && { limit: rate.limit, period: formatDuration(rate.perMs) },
          };
          const rates = rate === null ? [] : [{ count: rate.limit, perMs: rate.perMs }];
          expect(limits(policy)).toEqual([{ key: name, concurrency, rates }]);
        },
      ),
    );
  });

  test('a throttle never lets more starts into its period than it says', () => {
    fc.assert(
      fc.property(count, period, (limit, perMs) => {
        const [read] = limits({ key: 'k', throttle: { limit, period: formatDuration(perMs) } });
        const spacing = read?.rates[0]?.perMs ?? 0;
        expect(read?.rates).toEqual([{ count: 1, perMs: spacing }]);
        expect(spacing).toBeGreaterThanOrEqual(1);
        // Starts at 0, spacing, 2 × spacing… before `perMs`.
        expect(Math.ceil(perMs / spacing)).toBeLessThanOrEqual(limit);
      }),
    );
  });

  test('less than one start a second is never more', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 1e6, noNaN: true }), (perSecond) => {
        const [read] = limits({ key: 'k', max_per_second: perSecond });
        const { count = 0, perMs = 1 } = read?.rates[0] ?? {};
        expect(count).toBeGreaterThanOrEqual(1);
        // A window is at most a day, so that little is more than asked for.
        if (perMs < 86_400_000) expect((count * 1_000) / perMs).toBeLessThanOrEqual(perSecond * (1 + 1e-9));
      }),
    );
  });

  test('any JSON gives either sorted limits or issues', () => {
    const field = fc.oneof(
      fc.jsonValue(),
      fc.integer(),
      fc.constant('PT1S'),
      fc.record({ limit: fc.jsonValue(), period: fc.jsonValue() }),
    );
    const policy = fc.record(
      { key: field, concurrency: field, rate: field, throttle: field, max_per_second: field, period: field },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(policy, fc.array(policy, { maxLength: 10 }), fc.jsonValue()), (value) => {
        const { limits, issues } = read(value);
        if (issues.length === 0) {
          const keys = limits.map((limit) => limit.key);
          expect(keys).toEqual([...new Set(keys)].sort());
          for (const { concurrency, rates } of limits) {
            expect(concurrency === null || (Number.isInteger(concurrency) && concurrency >= 0)).toBe(true);
            for (const { count, perMs } of rates)
              expect(count >= 1 && perMs >= 1 && Number.isInteger(count) && Number.isInteger(perMs)).toBe(true);
          }
        }
        for (const { path } of issues) expect(path.startsWith('$.rate_limit')).toBe(true);
      }),
    );
  });
});
