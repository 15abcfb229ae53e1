import { expect, test } from 'vitest';
import { parseCase } from '../src/case.ts';

const step = { id: 's', action: 'GET', path: '/' };
const good = {
  test_id: 'T-1',
  level: 0,
  category: 'c',
  name: 'n',
  description: 'd',
  spec_ref: 'r',
  tags: ['t'],
  steps: [step],
};
const parse = (change: object) => parseCase('f.json', JSON.stringify({ ...good, ...change }));

test('reads a case, with setup and teardown as a list or as an object with one', () => {
  const read = parse({
    setup: { steps: [{ id: 'a', action: 'WAIT', duration_ms: 5, delay_ms: 9 }] },
    teardown: [{ id: 'z', action: 'DELETE', path: '/x', delay_ms: 3, wait: 2 }],
  });
  expect(read).toMatchObject({
    id: 'T-1',
    level: 0,
    isolated: false,
    setup: [{ action: 'WAIT', delayMs: 5 }],
    teardown: [{ action: 'DELETE', delayMs: 5 }],
  });
  expect(parse({ steps: [{ ...step, path: '/{{unique}}' }] }).isolated).toBe(true);
});

test('an error names the place that is not in the format', () => {
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ extra: 1 }, /the case has the unknown key extra/],
    [{ level: '0' }, /level is "0"/],
    [{ steps: [] }, /steps is empty/],
    [{ steps: undefined }, /steps is empty/],
    [{ tags: 'x' }, /tags/],
    [{ steps: [{ ...step, retries: 3 }] }, /steps\[0\] has the unknown key retries/],
    [{ steps: [{ ...step, assertions: { statuses: 1 } }] }, /steps\[0\]\.assertions has the unknown key statuses/],
    [{ steps: [{ ...step, assertions: { timing_ms: { under: 1 } } }] }, /unknown key under/],
    [{ steps: [{ ...step, assertions: { body: { 'job.id': 1 } } }] }, /does not start with \$/],
    [{ steps: [{ ...step, assertions: { body: { '$.a': { $gt: 1 } } } }] }, /no operator \$gt/],
    [{ steps: [{ ...step, assertions: { body: { $or: [{ $or: 5 }] } } }] }, /\$or is not an array/],
    [{ steps: [{ ...step, captures: { a: 'job' } }] }, /does not start with \$/],
    [{ steps: [{ id: 's', action: 'GET' }] }, /path is nothing/],
    [{ steps: [{ ...step, action: 'get' }] }, /action is "get"/],
    [{ steps: [step, step] }, /two steps are called s/],
    [{ steps: [{ ...step, raw_body: {} }] }, /raw_body is not a string/],
    [{ steps: [{ ...step, headers: { a: 1 } }] }, /headers\.a is not a string/],
  ];
  for (const [change, message] of wrong) expect(() => parse(change), JSON.stringify(change)).toThrow(message);
  expect(() => parseCase('f.json', '{')).toThrow(/not a JSON object/);
});
