import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OJSValidationError } from '../../../src/index.ts';
import { ResultError, refusedResult, resultText } from '../../../src/worker/execution/result.ts';

class Money {
  readonly cents = 5n;
  toJSON() {
    return { cents: String(this.cents) };
  }
}

describe('results', () => {
  test('a result that JSON can hold is sent as JSON.stringify writes it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(resultText(value)).toBe(JSON.stringify(value));
      }),
    );
  });

  test('a value with toJSON is sent in that form; undefined members are omitted, undefined items become null', () => {
    const at = new Date(0);
    expect(resultText({ at, price: new Money(), none: undefined, all: [undefined, 1] })).toBe(
      '{"at":"1970-01-01T00:00:00.000Z","price":{"cents":"5"},"all":[null,1]}',
    );
    expect(resultText(Buffer.from('a'))).toBe('{"type":"Buffer","data":[97]}');
  });

  const bad = [
    1n,
    () => 1,
    Symbol('s'),
    new Map(),
    new Set(),
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Promise.resolve(),
    new Error('e'),
    new Uint8Array(1),
  ];

  test('a value that JSON would lose is refused with its path, at any depth', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(3), fc.constantFrom('a', 'b'))), fc.constantFrom(...bad), (path, loss) => {
        const value = path.reduceRight<unknown>(
          (inner, key) =>
            typeof key === 'number' ? [...Array.from({ length: key }, () => 0), inner] : { [key]: inner },
          loss,
        );
        const place = `result${path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('')}`;
        expect(() => resultText(value)).toThrow(ResultError);
        expect(() => resultText(value)).toThrow(`${place}: `);
      }),
    );
  });

  test('the same value twice is no cycle; a cycle and endless depth are refused', () => {
    const shared = { a: 1 };
    expect(resultText([shared, shared])).toBe('[{"a":1},{"a":1}]');
    const loop: { self?: unknown } = {};
    loop.self = { loop };
    expect(() => resultText(loop)).toThrow('result.self.loop: the value contains itself');
    const deep = Array.from({ length: 300 }).reduce<unknown>((inner) => [inner], 1);
    expect(() => resultText(deep)).toThrow('nested deeper than 256 levels');
  });

  test('a known limit counts bytes, not characters', () => {
    expect(resultText('é'.repeat(49), 100)).toHaveLength(51);
    expect(() => resultText('é'.repeat(50), 100)).toThrow(
      'result: 102 bytes of JSON, and the server takes 100. The handler succeeded, but its result cannot be sent: store it elsewhere and return a reference to it.',
    );
  });

  test('a bad result gives a validation error with its issue that never quotes the value', () => {
    const error = refusedResult(422, 'lone surrogate.');
    expect(error).toBeInstanceOf(OJSValidationError);
    expect(error).toMatchObject({
      code: 'invalid_result',
      issues: [{ path: 'result', message: 'the server refused it with 422: lone surrogate' }],
    });
    expect(() => resultText({ password: 'secret', n: 1n })).toThrow(/^(?!.*secret)/);
  });
});
