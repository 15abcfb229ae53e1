import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../../src/index.ts';
import { readFailure } from '../../src/job/index.ts';

const read = (body: object) => readFailure(JSON.stringify(body));
const failureOf = (error: object) => read({ job_id: 'x', error }).failure;

function issuesOf(body: object): readonly unknown[] {
  try {
    read(body);
  } catch (error) {
    if (error instanceof ProtocolError)
      return (error.details.validation_errors as { path: string }[]).map((issue) => issue.path);
    throw error;
  }
  return [];
}

describe('the forms of an error', () => {
  test('core: type, message, backtrace', () => {
    expect(failureOf({ type: 'SmtpError', message: 'refused', backtrace: ['a', 'b'] })).toEqual({
      code: 'SmtpError',
      type: 'SmtpError',
      message: 'refused',
      backtrace: ['a', 'b'],
      names: ['SmtpError'],
    });
  });

  test('HTTP: code, message, retryable, details; type follows from error_class or the code', () => {
    const failure = failureOf({
      code: 'handler_error',
      message: 'm',
      retryable: false,
      details: { error_class: 'TypeError' },
    });
    expect(failure).toMatchObject({
      code: 'handler_error',
      type: 'TypeError',
      retryable: false,
      names: ['TypeError', 'handler_error'],
    });
    expect(failureOf({ code: 'handler_error', message: 'm' }).type).toBe('handler_error');
  });

  test.each(['RETRY', 'DISCARD', 'DEAD_LETTER', 'FAIL'])(
    'retry: %s as code or response_code asks for that response',
    (response) => {
      expect(failureOf({ code: response, type: 'T', message: 'm' })).toMatchObject({
        code: response,
        type: 'T',
        response,
      });
      expect(failureOf({ code: 'handler_error', response_code: response, message: 'm' })).toMatchObject({
        code: 'handler_error',
        response,
      });
      expect(failureOf({ code: response.toLowerCase(), message: 'm' }).response).toBeUndefined();
    },
  );

  test('only the message is required, and it may be empty', () => {
    expect(failureOf({ message: '' })).toEqual({
      code: 'handler_error',
      type: 'handler_error',
      message: '',
      names: ['handler_error'],
    });
  });

  test('details stay as sent, to the byte', () => {
    const { failure } = readFailure('{"error":{"message":"m","details":{"n": 9007199254740993,"x":1.0e3}}}');
    expect(failure.details).toBe('{"n": 9007199254740993,"x":1.0e3}');
  });

  test('a backtrace is cut to 50 frames and 10,000 characters; a text is one frame a line', () => {
    expect(
      failureOf({ message: 'm', backtrace: Array.from({ length: 60 }, (_, line) => `${line}`) }).backtrace,
    ).toHaveLength(50);
    const long =
      failureOf({ message: 'm', backtrace: Array.from({ length: 5 }, () => 'x'.repeat(4000)) }).backtrace ?? [];
    expect(long.map((frame) => frame.length)).toEqual([4000, 4000, 2000]);
    expect(failureOf({ message: 'm', backtrace: 'a\nb' }).backtrace).toEqual(['a', 'b']);
  });
});

test('a message of more than 10,000 characters is cut, details of more than 64 KiB are left out, and both say so', () => {
  const failure = failureOf({ message: 'x'.repeat(20_000), details: 'y'.repeat(70_000) });
  expect(failure.message).toBe(`${'x'.repeat(10_000)}… (20000 characters)`);
  expect(JSON.parse(failure.details ?? '')).toEqual({ omitted: expect.stringContaining('70002') });
});

describe('requeue', () => {
  test('needs no error', () => {
    expect(read({ job_id: 'x', requeue: true })).toMatchObject({ requeue: true, failure: { type: 'requeue' } });
    expect(read({ requeue: true, error: { type: 'shutdown', message: 'm' } })).toMatchObject({
      requeue: true,
      failure: { type: 'shutdown' },
    });
    expect(read({ requeue: false, error: { message: 'm' } }).requeue).toBe(false);
  });
});

test.each([
  [{}, ['$.error']],
  [{ error: null }, ['$.error']],
  [{ error: 'boom' }, ['$.error']],
  [{ error: {} }, ['$.error.message']],
  [{ error: { message: 5 } }, ['$.error.message']],
  [{ error: { message: 'm', type: 5, code: {} } }, ['$.error.code', '$.error.type']],
  [{ error: { message: 'm', retryable: 'no' } }, ['$.error.retryable']],
  [{ error: { message: 'm', backtrace: [1] } }, ['$.error.backtrace']],
  [{ error: { message: 'm', response_code: 'MAYBE' } }, ['$.error.response_code']],
  [{ requeue: 1, error: { message: 'm' } }, ['$.requeue']],
])('%j is refused at %j', (body, paths) => {
  expect(issuesOf(body)).toEqual(paths);
});

test('any text yields a failure or an ProtocolError', () => {
  const error = fc.dictionary(
    fc.constantFrom('message', 'type', 'code', 'retryable', 'details', 'backtrace', 'response_code', '__proto__'),
    fc.jsonValue(),
  );
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.record({ error, requeue: fc.constantFrom(true, false, null) }).map((body) => JSON.stringify(body)),
  );
  fc.assert(
    fc.property(text, (any) => {
      try {
        expect(readFailure(any).failure.type).not.toBe('');
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(ProtocolError);
      }
    }),
  );
});
