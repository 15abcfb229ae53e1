import { isUuidv7 } from '@ojs-ts/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpuMs } from '../../../core/test/support/cpu.ts';
import { OJSValidationError } from '../../src/index.ts';
import type { JobRequest } from '../../src/job/definition.ts';
import { startingFrom, wireRequest } from '../../src/job/wire.ts';

const wire = (request: Partial<JobRequest>) =>
  JSON.parse(wireRequest({ type: 'email.send', args: [], ...request }).text);

function problem(request: object): { path: string | undefined; message: string } {
  try {
    wireRequest({ type: 'email.send', args: [], ...request });
  } catch (error) {
    if (error instanceof OJSValidationError) return { path: error.issues[0]?.path, message: error.message };
    throw error;
  }
  throw new Error('was accepted');
}

describe('options to wire (ojs-http-binding §9.1)', () => {
  test('a request without options sends id, type and args only', () => {
    const body = wire({ args: ['a', 1] });
    expect(body).toEqual({ id: expect.any(String), type: 'email.send', args: ['a', 1], options: {} });
    expect(isUuidv7(body.id)).toBe(true);
  });

  test('every option has its wire name; durations are ISO 8601, schema and meta stand beside options', () => {
    const body = wire({
      id: '01900000-0000-7000-8000-000000000001',
      queue: 'email',
      meta: { traceId: 'x' },
      priority: -100,
      timeout: '1.5m',
      scheduledAt: new Date('2030-01-01T00:00:00Z'),
      expiresAt: '2099-12-31T23:59:59+02:00',
      retry: {
        maxAttempts: 5,
        initialInterval: 200,
        maxInterval: '1h',
        backoffCoefficient: 1,
        nonRetryableErrors: ['Auth.*'],
        onExhaustion: 'dead_letter',
        jitter: false,
      },
      unique: {
        keys: ['type', 'args'],
        argsKeys: ['id'],
        period: 'PT1H',
        states: ['active'],
        onConflict: 'replace_except_schedule',
      },
      tags: ['a'],
      schema: 'urn:x',
      visibilityTimeoutMs: 1000,
    });
    expect(body).toEqual({
      id: '01900000-0000-7000-8000-000000000001',
      type: 'email.send',
      args: [],
      meta: { traceId: 'x' },
      schema: 'urn:x',
      options: {
        queue: 'email',
        priority: -100,
        timeout_ms: 90_000,
        delay_until: '2030-01-01T00:00:00.000Z',
        expires_at: '2099-12-31T23:59:59+02:00',
        retry: {
          max_attempts: 5,
          initial_interval: 'PT0.2S',
          max_interval: 'PT1H',
          backoff_coefficient: 1,
          non_retryable_errors: ['Auth.*'],
          on_exhaustion: 'dead_letter',
          jitter: false,
        },
        unique: {
          keys: ['type', 'args'],
          args_keys: ['id'],
          period: 'PT1H',
          states: ['active'],
          on_conflict: 'replace_except_schedule',
        },
        tags: ['a'],
        visibility_timeout_ms: 1000,
      },
    });
  });

  test('a partial retry policy sends only the fields given', () => {
    expect(wire({ retry: { maxAttempts: 1 } }).options.retry).toEqual({ max_attempts: 1 });
  });

  test('a delay is a duration; for servers that take none, the time that it comes to', () => {
    const request = wireRequest({ type: 'email.send', args: [1], delay: '5m', tags: ['a'] });
    expect(request.isDelayed).toBe(true);
    expect(JSON.parse(request.text).options).toEqual({ tags: ['a'], delay_until: '+PT5M' });
    const now = Date.UTC(2026, 0, 1);
    const timed = JSON.parse(startingFrom(request, now).text);
    expect(timed).toEqual({
      ...JSON.parse(request.text),
      options: { tags: ['a'], delay_until: '2026-01-01T00:05:00.000Z' },
    });
    const fixed = wireRequest({ type: 'email.send', args: [], delayUntil: '2098-01-01T00:00:00Z' });
    expect(startingFrom(fixed, now)).toEqual(fixed);
  });

  test('two spellings of one option are refused', () => {
    expect(problem({ timeout: 1, timeoutMs: 1 }).path).toBe('timeout');
    expect(problem({ delay: 1, delayUntil: new Date() }).path).toBe('delay');
    expect(problem({ delayUntil: new Date(), scheduledAt: new Date() }).path).toBe('scheduledAt');
  });

  test.each<[string, object]>([
    ['type', { type: 'Email' }],
    ['type', { type: 'a..b' }],
    ['args', { args: { 0: 'x' } }],
    ['id', { id: '01900000-0000-4000-8000-000000000001' }],
    ['meta.when', { meta: { when: new Date(0) } }],
    ['queue', { queue: 'No' }],
    ['priority', { priority: 101 }],
    ['priority', { priority: 0.5 }],
    ['timeoutMs', { timeoutMs: -1 }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['timeout', { timeout: 0 }],
    ['timeout', { timeout: 'soon' }],
    ['expiresAt', { expiresAt: '2030-01-01T00:00:00' }],
    ['delayUntil', { delayUntil: new Date(Number.NaN) }],
    ['retry.maxAttempts', { retry: { maxAttempts: -1 } }],
    ['retry.backoffCoefficient', { retry: { backoffCoefficient: 0.5 } }],
    ['retry.initialInterval', { retry: { initialInterval: 'x' } }],
    ['retry.initialInterval', { retry: { initialInterval: 0 } }],
    ['retry.maxInterval', { retry: { maxInterval: '0s' } }],
    ['retry.nonRetryableErrors', { retry: { nonRetryableErrors: ['*'] } }],
    ['retry.nonRetryableErrors', { retry: { nonRetryableErrors: ['Timeout', '*Error'] } }],
    ['unique.period', { unique: { keys: ['type'], period: 0 } }],
    ['retry.onExhaustion', { retry: { onExhaustion: 'keep' } }],
    ['unique.keys', { unique: { keys: [] } }],
    ['unique.keys', { unique: {} }],
    // As the Python SDK has them: without a word they would do nothing.
    ['timeout_ms', { timeout_ms: 5_000 }],
    ['retry.max_attempts', { retry: { max_attempts: 5 } }],
    ['unique.on_conflict', { unique: { keys: ['type'], on_conflict: 'ignore' } }],
  ])('%s: %o is refused with its path', (path, request) => {
    expect(problem(request).path).toBe(path);
  });

  // A fault of other SDKs: the official pattern takes 24 s for 24 letters and an underscore.
  test('a hostile queue or type name is refused in linear time', () => {
    const both = () => {
      expect(problem({ queue: `${'a'.repeat(127)}_` }).path).toBe('queue');
      expect(problem({ type: `${'a.'.repeat(120)}A` }).path).toBe('type');
    };
    expect(cpuMs(both)).toBeLessThan(200);
  });
});

describe('what JSON would lose in silence is refused with its path', () => {
  const loop: Record<string, unknown> = {};
  loop.self = { again: loop };

  test.each<[string, unknown]>([
    ['args[1].x', { x: Number.NaN }],
    ['args[1].x[0]', { x: [Number.POSITIVE_INFINITY] }],
    ['args[1]', 1n],
    ['args[1].a.b', { a: { b: 1n } }],
    ['args[1]', undefined],
    ['args[1][2]', [1, 2, undefined]],
    ['args[1].f', { f: () => 1 }],
    ['args[1]', Symbol('x')],
    ['args[1].when', { when: new Date(0) }],
    ['args[1].self.again', loop],
    ['args[1]', new Map([[1, 2]])],
    ['args[1].bytes', { bytes: new Uint8Array(1) }],
    ['args[1]', 2 ** 53],
  ])('%s', (path, value) => {
    expect(problem({ args: ['fine', value] }).path).toBe(path);
  });

  test('an undefined property is omitted; the same object twice is no cycle', () => {
    const shared = { x: 1 };
    expect(wire({ args: [{ a: undefined, b: shared }, shared] }).args).toEqual([{ b: { x: 1 } }, { x: 1 }]);
  });

  test('deep nesting is refused without a stack overflow', () => {
    let deep: unknown = 0;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(problem({ args: [deep] }).message).toContain('nested deeper');
  });

  test('every JSON value goes through unchanged', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (args) => {
        const text = JSON.stringify(args);
        fc.pre(!/\d{16,}/.test(text));
        expect(JSON.stringify(wire({ args }).args)).toBe(JSON.stringify(JSON.parse(text)));
      }),
      { numRuns: 50 },
    );
  });
});
