import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JobRecord } from '../../src/job/index.ts';
import { JobGroups, parsePlace, QueryError } from '../../src/query/index.ts';
import { jobOf } from '../support/records.ts';
import { now } from '../support/samples.ts';

function counts(by: string, jobs: readonly JobRecord[], limit = 100) {
  const groups = new JobGroups(parsePlace(by), now);
  for (const job of jobs) groups.add(job);
  const { groups: largest, others } = groups.largest(limit);
  return { groups: largest.map(({ value, count }) => [value, count]), others, without: groups.without };
}

const withArgs = (args: string): JobRecord => ({ ...jobOf(), envelope: `{"args":[${args}],"meta":{}}` });

describe('jobs by the values of a field', () => {
  test('numbers are told apart by their value, objects in any order of members', () => {
    const values = '1.0e3 1000 "1000" 9007199254740993 9007199254740992 {"a":1,"b":2} {"b":2,"a":1.0}'.split(' ');
    expect(counts('args[0]', values.map(withArgs))).toEqual({
      groups: [
        ['1000', 2],
        ['{"a":1,"b":2}', 2],
        ['"1000"', 1],
        ['9007199254740992', 1],
        ['9007199254740993e0', 1],
      ],
      others: 0,
      without: 0,
    });
  });

  test('null is a value, and a missing one is none', () => {
    expect(counts('args[0].user', ['{"user":null}', '{"user":7}', '{}', '5'].map(withArgs))).toEqual({
      groups: [
        ['7', 1],
        ['null', 1],
      ],
      others: 0,
      without: 2,
    });
  });

  test('a job counts under each of its tags once', () => {
    const jobs = [jobOf({ tags: ['vip', 'eu', 'vip'] }), jobOf({ tags: ['vip'] }), jobOf()];
    expect(counts('tag', jobs)).toEqual({
      groups: [
        ['"vip"', 2],
        ['"eu"', 1],
      ],
      others: 0,
      without: 1,
    });
  });

  test('long values are told apart by their digest', () => {
    const long = 'x'.repeat(2_000);
    const groups = new JobGroups(parsePlace('args[0]'), now);
    for (const text of [`"${long}a"`, `"${long}a"`, `"${long}b"`]) groups.add(withArgs(text));
    const [first, second] = groups.largest(10).groups;
    expect([first?.count, second?.count]).toEqual([2, 1]);
    expect(first?.value).toHaveLength(503);
    expect(first?.digest).not.toBe(second?.digest);
  });

  test('every job is in a group, among the others, or without a value', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(9))), fc.integer({ min: 1, max: 10 }), (values, limit) => {
        const jobs = values.map((value) => withArgs(value === null ? '{}' : `{"n":${value}}`));
        const { groups, others, without } = counts('args[0].n', jobs, limit);
        const shown = groups.reduce((sum, [, count]) => sum + Number(count), 0);
        expect(shown + others + without).toBe(values.length);
        expect(groups.map(([, count]) => count)).toEqual(
          groups.map(([, count]) => count).toSorted((a, b) => Number(b) - Number(a)),
        );
        for (const [value, count] of groups)
          expect(count).toBe(values.filter((one) => one !== null && String(one) === value).length);
      }),
    );
  });
});

describe('the name of a field', () => {
  test.each([
    'type',
    'job_type',
    'state',
    'worker',
    'limit',
    'attempts',
    'dead',
    'meta',
    'meta."a b".c',
    'args[0].user',
  ])('%s is one', (name) => expect(parsePlace(name).field).not.toBe(''));

  test.each([
    ['tpye', /unknown field "tpye"[\s\S]*Did you mean type\?/],
    ['', /unknown field ""/],
    ['created', /jobs are not counted by created/],
    ['age', /jobs are not counted by age/],
    ['text', /jobs are not counted by text/],
    ['type:a', /behind the field/],
    ['meta.tenant other', /behind the field/],
    ['args.user', /the path begins wrongly/],
    ['x'.repeat(3_000), /more than 2000 characters/],
  ])('%s is none', (name, message) => {
    expect(() => parsePlace(name)).toThrow(QueryError);
    expect(() => parsePlace(name)).toThrow(message);
  });
});
