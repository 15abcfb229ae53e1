import { describe, expect, test } from 'vitest';
import { optionsAt, placeAt, quotedValue } from '../app/pages/jobs/completion.ts';
import { maySort, sorts, stateOf, withTerm } from '../app/pages/jobs/query.ts';

const known = {
  values: [
    { text: 'mail', count: 3 },
    { text: 'two words', count: 1 },
  ],
  paths: ['meta.tenant', 'meta."a b"', 'args[0].customer'],
};

function labels(text: string, caret = text.length): readonly string[] {
  return optionsAt(placeAt(text, caret), known).map(({ label }) => label);
}

/** The query after the first option was taken at the end. */
function taken(text: string): string {
  const place = placeAt(text, text.length);
  const [option] = optionsAt(place, known);
  return option === undefined ? text : text.slice(0, place.from) + option.insert + text.slice(place.to);
}

describe('completion of a query', () => {
  test.each([
    ['st', 'state:'],
    ['-st', '-state:'],
    ['(st', '(state:'],
    ['state:fai', 'state:failed '],
    ['state:failed que', 'state:failed queue:'],
    ['state:active,ret', 'state:active,retryable '],
    ['queue:two', 'queue:"two words" '],
    ['error~"no route, no host" que', 'error~"no route, no host" queue:'],
    ['dead:', 'dead:true '],
    ['args', 'args['],
    ['meta.te', 'meta.tenant:'],
    ['meta."a', 'meta."a'],
    ['customer', 'args[0].customer:'],
    ['error~"an open text sta', 'error~"an open text sta'],
  ])('%s becomes %s', (text, expected) => expect(taken(text)).toBe(expected));

  test('a field has its operators, and a value in the middle is replaced whole', () => {
    expect(labels('attempts').slice(0, 6)).toEqual([':', '!=', '<', '<=', '>', '>=']);
    expect(placeAt('state:activ queue:mail', 8)).toMatchObject({ kind: 'value', from: 6, to: 11, typed: 'ac' });
    expect(labels('state:xyz')).toEqual([]);
  });

  test('a value that would end early is in quotes', () => {
    expect(['mail', 'a b', 'a"b', '', 'x*', "'x"].map(quotedValue)).toEqual([
      'mail',
      '"a b"',
      '"a\\"b"',
      '""',
      '"x*"',
      '"\'x"',
    ]);
  });
});

describe('a term of its own', () => {
  test.each([
    ['', 'state:active'],
    ['state:failed queue:mail', 'state:active queue:mail'],
    ['queue:mail  error~" state:x  y"', 'state:active queue:mail  error~" state:x  y"'],
    ['-state:failed', 'state:active -state:failed'],
    ['queue:a OR queue:b', 'state:active (queue:a OR queue:b)'],
  ])('of %s', (q, expected) => {
    expect(withTerm(q, 'states?', 'state:active')).toBe(expected);
    expect(stateOf(expected)).toBe('active');
  });

  test('is taken away, where the rest is still a query', () => {
    expect(withTerm('state:failed queue:mail', 'states?', '')).toBe('queue:mail');
    expect(withTerm('queue:a OR state:failed', 'states?', '')).toBe('queue:a OR state:failed');
  });
});

test('orders are offered where the server has an index for them', () => {
  const offered = (q: string) => sorts.filter((one) => maySort(q, one)).map(({ sort, order }) => `${sort} ${order}`);
  expect(offered('')).toEqual([' ', 'created_at asc']);
  expect(offered('state:scheduled')).toEqual([' ', 'created_at asc', 'scheduled_at asc', 'scheduled_at desc']);
  expect(offered('state:available queue:a')).toEqual([' ', 'created_at asc', 'priority desc', 'priority asc']);
  expect(offered('state:')).toEqual([' ', 'created_at asc']);
});
