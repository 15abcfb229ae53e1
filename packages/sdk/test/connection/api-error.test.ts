import { inspect } from 'node:util';
import type { Answer } from '@ojs-ts/core';
import { describe, expect, test } from 'vitest';
import { apiError, retryAfterMs } from '../../src/connection/api-error.ts';
import * as sdk from '../../src/index.ts';

const answer = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  status,
  text: typeof body === 'string' ? body : JSON.stringify(body),
  headers,
});

/** What the error adds to the words of the server. */
const advice: Readonly<Record<number, string>> = {
  401: ' Set OJS_AUTH_TOKEN, or pass the option token.',
};

describe('API errors', () => {
  test.each([
    [401, 'unauthenticated', sdk.OJSAuthenticationError],
    [403, 'permission_denied', sdk.OJSPermissionError],
    [404, 'not_found', sdk.JobNotFoundError],
    [409, 'duplicate', sdk.DuplicateJobError],
    [422, 'queue_paused', sdk.QueuePausedError],
    [429, 'rate_limited', sdk.RateLimitedError],
    [429, 'queue_full', sdk.RateLimitedError],
    [409, 'conflict', sdk.OJSAPIError],
  ] as const)('%i %s has its class, code and context', (status, code, type) => {
    const error = apiError(
      answer(status, { error: { code, message: 'no', retryable: false, request_id: 'r1', details: { a: 1 } } }),
      { operation: 'job.get', jobId: 'j', queue: 'q', attempt: 2 },
    );
    expect(error).toBeInstanceOf(type);
    expect(error).toBeInstanceOf(sdk.OJSAPIError);
    expect(error.name).toBe(type.name);
    expect(error).toMatchObject({
      statusCode: status,
      code,
      retryable: false,
      message: `no${advice[status] ?? ''}`,
      operation: 'job.get',
      jobId: 'j',
      queue: 'q',
      attempt: 2,
      requestId: 'r1',
    });
    expect(error.error.details).toEqual({ a: 1 });
  });

  test('apiError reads codes in any case, by any name of the catalogue, nested or flat', () => {
    expect(apiError(answer(404, { code: 'NOT_FOUND', message: 'm' }), {}).code).toBe('not_found');
    expect(apiError(answer(409, { error: { code: 'DUPLICATE_JOB' } }), {})).toBeInstanceOf(sdk.DuplicateJobError);
    expect(apiError(answer(404, { error: { code: 'OJS-3000' } }), {}).code).toBe('not_found');
    expect(apiError(answer(400, { error: 'plain words' }), {}).message).toContain('plain words');
  });

  test.each<[unknown, boolean]>([
    [{ error: { code: 'not_found' } }, false],
    [{ code: 'NOT_FOUND' }, false],
    ['<html>no</html>', true],
    ['', true],
    [{ error: 'Not Found', message: 'no route' }, true],
    [{ code: 404 }, true],
    [{ error: { code: '' } }, true],
  ])('%o: whether somebody else than an OJS server speaks', (body, foreign) => {
    expect(apiError(answer(404, body), {}).error.foreign ?? false).toBe(foreign);
  });

  test('a proxy’s page becomes the error of its status', () => {
    expect(apiError(answer(502, '<html>Bad Gateway</html>'), {})).toMatchObject({
      code: 'backend_unavailable',
      retryable: true,
    });
    expect(apiError(answer(418, ''), {})).toMatchObject({ code: 'http_418', retryable: false });
  });

  test('an unknown code is retryable only where the server says so', () => {
    expect(apiError(answer(500, { error: { code: 'x_new' } }), {}).retryable).toBe(false);
    expect(apiError(answer(500, { error: { code: 'x_new', retryable: true } }), {}).retryable).toBe(true);
  });

  test('rate limits: headers and Retry-After in seconds or as an HTTP date', () => {
    const error = apiError(
      answer(
        429,
        {},
        {
          'retry-after': '2',
          'x-ratelimit-limit': '10',
          'x-ratelimit-remaining': '0',
          'x-ratelimit-reset': '1700000000',
        },
      ),
      {},
    );
    expect(error).toMatchObject({
      retryAfter: 2,
      rateLimit: { limit: 10, remaining: 0, reset: 1700000000, retryAfter: 2 },
    });
    const ms = retryAfterMs({ 'retry-after': new Date(Date.now() + 60_000).toUTCString() });
    expect(ms).toBeGreaterThan(58_000);
    expect(ms).toBeLessThanOrEqual(60_000);
    // By the clock of the server, which may be another one.
    const at = (second: number) => new Date(Date.UTC(2020, 0, 1, 0, 0, second)).toUTCString();
    expect(retryAfterMs({ 'retry-after': at(30), date: at(10) })).toBe(20_000);
    expect(retryAfterMs({ 'retry-after': 'soon' })).toBeUndefined();
  });

  test('the error of a duplicate names the existing job', () => {
    const error = apiError(answer(409, { error: { code: 'duplicate', details: { existing_job_id: 'abc' } } }), {});
    expect(error).toMatchObject({ existingJobId: 'abc' });
  });
});

describe('what the server advises', () => {
  const about = { hint: 'Check the id.', docs_url: 'https://docs/reference/errors.html#not_found' };

  test('an error carries the hint and the address, and shows both as a text and when it is printed', () => {
    const error = apiError(answer(404, { error: { code: 'not_found', message: 'No job 7', ...about } }), {});
    expect(error).toMatchObject({ message: 'No job 7', hint: about.hint, docsUrl: about.docs_url });
    expect(String(error)).toBe(`JobNotFoundError: No job 7. ${about.hint} ${about.docs_url}`);
    expect(inspect(error)).toContain(`hint: '${about.hint}'`);
    expect(inspect(error)).toContain(`docsUrl: '${about.docs_url}'`);
  });

  test('without advice an error shows its message alone', () => {
    const error = apiError(answer(404, { error: { code: 'not_found', message: 'No job 7.' } }), {});
    expect(error).toMatchObject({ hint: undefined, docsUrl: undefined });
    expect(String(error)).toBe('JobNotFoundError: No job 7.');
  });

  test('a refused token gets the advice of this package, once', () => {
    const error = apiError(answer(401, { error: { code: 'unauthenticated', message: 'No.', ...about } }), {});
    expect(error.hint).toBe('Set OJS_AUTH_TOKEN, or pass the option token.');
    expect(String(error)).toBe(`OJSAuthenticationError: No. ${error.hint} ${about.docs_url}`);
  });
});

describe('isOjsError', () => {
  test('isOjsError recognizes errors and codes of another copy of the package', () => {
    const foreign = Object.assign(new Error('x'), { [Symbol.for('@ojs-ts/sdk.error')]: true, code: 'duplicate' });
    expect(sdk.isOjsError(foreign)).toBe(true);
    expect(sdk.isOjsError(foreign, 'duplicate')).toBe(true);
    expect(sdk.isOjsError(foreign, 'not_found')).toBe(false);
    expect(sdk.isOjsError(new sdk.OJSTimeoutError('t'))).toBe(true);
    expect(sdk.isOjsError(new Error('x'))).toBe(false);
    expect(sdk.isOjsError(undefined)).toBe(false);
  });

  test('a validation error can be thrown with a message alone', () => {
    expect(new sdk.OJSValidationError('args must not be empty')).toMatchObject({
      name: 'OJSValidationError',
      issues: [],
    });
  });
});
