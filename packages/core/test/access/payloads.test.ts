import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { payloadFilter, readRedaction } from '../../src/access/index.ts';

const all = ['*'];
const viewer = { roles: ['viewer'], queues: all } as const;
const hide = payloadFilter(viewer) ?? ((text: string) => text);
const redact = (paths: readonly string[]) => {
  const filter = payloadFilter({ roles: ['inspector'], queues: all, redact: paths });
  if (filter === null) throw new Error('There is nothing to redact.');
  return filter;
};

test('what workers and clients add to a job with any content is a payload too; texts of errors are not', () => {
  const error = '{"code":"c","message":"m","details":{"card":"4111"},"backtrace":["at f(4111)"]}';
  const job = `{"id":"1","ext_ml_gpu_count":{"card":"4111"},"x-tenant":"4111","x:a":[4111],"x_note":"4111","x_progress":{"progress":0.5,"data":{"n":4111}},"x_lease":"l","error":${error},"errors":[${error}]}`;
  const shown = JSON.parse(hide(job));
  expect(JSON.stringify(shown)).not.toContain('4111');
  expect(shown).toMatchObject({ x_progress: { progress: 0.5 }, x_lease: 'l', errors: [{ code: 'c', message: 'm' }] });
  expect(Object.keys(shown)).toEqual(Object.keys(JSON.parse(job)));
});

test('an error of the server keeps its details, which say what is wrong with a request', () => {
  const item = '{"status":400,"error":{"code":"c","message":"m","canonical_code":"C","details":{"path":"$.type"}}}';
  const answer = `{"items":[${item}],"errors":[${item}],"errors":[]}`;
  expect(hide(answer)).toBe(answer);
});

describe('an answer for somebody without the right to see payloads', () => {
  test('keeps everything but arguments, results, checkpoints and data', () => {
    const job =
      '{"id":"1","args":[ {"card" : "4111"}, 1.0e3 ],"meta":{"a":1},"result" : {"x":[1]},"x_progress":{"data":{"k":1},"progress":0.5}}';
    expect(hide(`{"job":${job},"total":12345678901234567890}`)).toBe(
      '{"job":{"id":"1","args":[],"meta":{"a":1},"result" : null,"x_progress":{"data":null,"progress":0.5}},"total":12345678901234567890}',
    );
  });

  test('an escaped name is a name', () => {
    expect(hide('{"\\u0061rgs":["secret"],"state":"args","list":["args","result"]}')).toBe(
      '{"\\u0061rgs":[],"state":"args","list":["args","result"]}',
    );
  });

  test('pieces of an answer are filtered one by one', () => {
    expect(['{"jobs":[{"args":[1]}', ',{"args":[2]}', '],"total":2}'].map(hide).join('')).toBe(
      '{"jobs":[{"args":[]},{"args":[]}],"total":2}',
    );
  });

  test('no text of an argument or a result is left, whatever they are', () => {
    const canary = 'canary-4111';
    const value = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constant(canary),
        fc.string().map((text) => `${text}${canary}"`),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.string(), tie('value'), { maxKeys: 3 }),
      ),
    })).value;
    fc.assert(
      fc.property(value, value, fc.string(), (args, result, id) => {
        const answer = { job: { id, args: [args], result }, items: [{ args: [result], checkpoint: { state: args } }] };
        const shown = hide(JSON.stringify(answer));
        expect(shown).not.toContain(canary);
        expect(JSON.parse(shown)).toEqual({
          job: { id, args: [], result: null },
          items: [{ args: [], checkpoint: null }],
        });
      }),
    );
  });
});

describe('redacted paths', () => {
  test.each([
    [['args[0].card'], '{"args":[{"card":"4111","n":1.0}]}', '{"args":[{"card":"[redacted]","n":1.0}]}'],
    [
      ['args[*].card'],
      '{"args":[{"card":1},{"card":2},3]}',
      '{"args":[{"card":"[redacted]"},{"card":"[redacted]"},3]}',
    ],
    [['meta.*'], '{"meta":{"a":1,"b":{"c":2}}}', '{"meta":{"a":"[redacted]","b":"[redacted]"}}'],
    [
      ['result.a.b', 'result.c'],
      '{"result":{"a":{"b":1,"d":2},"c":3}}',
      '{"result":{"a":{"b":"[redacted]","d":2},"c":"[redacted]"}}',
    ],
    [['args[1].x'], '{"args":[{"x":1}],"other":{"x":1}}', '{"args":[{"x":1}],"other":{"x":1}}'],
    [
      ['result.card'],
      '{"parent_results":[{"card":"4111","n":1},null,[{"card":"4112"}]]}',
      '{"parent_results":[{"card":"[redacted]","n":1},null,[{"card":"[redacted]"}]]}',
    ],
    [['result[0]'], '{"parent_results":[["4111",2]]}', '{"parent_results":["[redacted]"]}'],
    [['args[0].a.b'], '{"args":[{"a":"text"}]}', '{"args":[{"a":"text"}]}'],
  ])('%j of %s', (paths, text, shown) => {
    expect(redact(paths)(text)).toBe(shown);
  });

  test.each(['args', 'args.', 'foo.bar', 'args[x]', 'args[0', 'meta..a', 'args[-1].a', `meta.${'a'.repeat(300)}`, ''])(
    '%j is none',
    (text) => {
      expect(readRedaction(text)).toBe(null);
    },
  );

  test('somebody who may see everything has no filter', () => {
    expect(payloadFilter({ roles: ['admin'], queues: all })).toBe(null);
    expect(payloadFilter(undefined)).toBe(null);
  });
});
