import { expect, test } from 'vitest';
import { CaseError } from '../src/json.ts';
import { lookup, parsePath } from '../src/jsonpath.ts';

const root = {
  job: { id: 'a', tags: ['x', 'y'], 'retry-after': 1, none: null },
  jobs: [
    { id: 'a', state: 'available', n: 1, deep: [{ v: 1 }, { v: 2 }] },
    { id: 'b', state: 'active', n: 2, deep: [{ v: 3 }] },
    { id: 'c', state: 'active', deep: [] },
  ],
  matrix: [
    [1, 2],
    [3, 4],
  ],
};

test('names, indexes and absent values', () => {
  expect(lookup(root, '$')).toBe(root);
  expect(lookup(root, '$.job.id')).toBe('a');
  expect(lookup(root, '$.job.retry-after')).toBe(1);
  expect(lookup(root, '$.job.none')).toBeNull();
  expect(lookup(root, '$.job.none.more')).toBeUndefined();
  expect(lookup(root, '$.job.toString')).toBeUndefined();
  expect(lookup(root, '$.matrix[1][0]')).toBe(3);
  expect(lookup(root, '$.jobs[3]')).toBeUndefined();
  expect(lookup(root, '$.job[0]')).toBeUndefined();
});

test('a wildcard collects the values that exist into one flat array', () => {
  expect(lookup(root, '$.jobs[*].id')).toEqual(['a', 'b', 'c']);
  expect(lookup(root, '$.jobs[*].n')).toEqual([1, 2]);
  expect(lookup(root, '$.jobs[*].deep[*].v')).toEqual([1, 2, 3]);
  expect(lookup(root, '$.job[*].id')).toBeUndefined();
});

test('a filter takes the first element that matches, quoted or not', () => {
  expect(lookup(root, "$.jobs[?(@.state=='active')].id")).toBe('b');
  expect(lookup(root, '$.jobs[?(@.state=="active")].id')).toBe('b');
  expect(lookup(root, '$.jobs[?(@.n==2)].id')).toBe('b');
  expect(lookup(root, "$.jobs[?(@.deep[0].v=='3')].id")).toBe('b');
  expect(lookup(root, "$.jobs[?(@.state=='gone')].id")).toBeUndefined();
});

test('a text that is not a path is an error', () => {
  for (const path of ['job', '$job', '$.jobs[', '$.jobs[x]', "$.jobs[?(@.n>'1')]", '$..id'])
    expect(() => parsePath(path), path).toThrow(CaseError);
});
