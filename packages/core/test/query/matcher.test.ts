import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxDepth } from '../../src/index.ts';
import { entryText, errorText, type JobRecord, State } from '../../src/job/index.ts';
import { matcherOf, parseQuery } from '../../src/query/index.ts';
import { conditionOf } from '../support/conditions.ts';
import { cpuMs } from '../support/cpu.ts';
import { jobOf, start } from '../support/records.ts';
import { checks } from '../support/runs.ts';
import { now, sample, tame } from '../support/samples.ts';
import { isMatch } from './reference.ts';

const isFound = (query: string, job: JobRecord) => matcherOf(parseQuery(query), now)(job);

/** A job with this envelope text in place of its args and meta. */
function withText(args: string, meta = '{}'): JobRecord {
  return { ...jobOf(), envelope: `{"args":${args},"meta":${meta}}` };
}

test('a job matches exactly where it does by the reference', () => {
  let matched = 0;
  const count = checks(10_000);
  fc.assert(
    fc.property(conditionOf(tame), sample, (condition, job) => {
      const expected = isMatch(condition, job);
      matched += Number(expected);
      expect(matcherOf(condition, now)(job.job)).toBe(expected);
    }),
    { numRuns: count },
  );
  // Else the vocabulary has become so large that nothing is compared.
  expect(matched).toBeGreaterThan(count / 10);
});

describe('a field', () => {
  const failure = { code: 'ETIMEDOUT', type: 'TimeoutError', message: 'no answer within 5 s', names: [] };
  const job: JobRecord = {
    ...jobOf({
      type: 'email.send',
      queue: 'mail',
      tags: ['vip', 'eu'],
      args: [{ user: 42 }],
      meta: { tenant: 'acme' },
    }),
    state: State.discarded,
    attempt: 4,
    deadLetter: true,
    worker: 'worker-1',
    cron: 'nightly',
    uniqueKey: 'ab12',
    limits: ['tenant:7'],
    node: { workflow: 'w-7', index: 0 },
    createdAt: now - 3_600_000,
    enqueuedAt: now - 3_000_000,
    startedAt: now - 2_000_000,
    finishedAt: now - 1_000_000,
    history: entryText({ kind: 'failed', at: now, attempt: 4, claim: 4 }, errorText(failure, 4, now)),
  };

  test.each([
    [`id:${job.id}`, `id:${job.id}x`],
    ['state:failed', 'state:retryable'],
    ['queue:mail,web', 'queue:Mail'],
    ['limit:tenant:7', 'limit:tenant:8'],
    ['limit:"queue:mail"', 'limit:queue:web'],
    ['queue~AI', 'queue~x'],
    ['type:email.*', 'type:mail*'],
    ['tag:eu', 'tag:e'],
    ['tag:vip tag:eu', '-tag:eu'],
    ['worker:worker-1', 'worker:worker-2'],
    ['workflow:w-7', 'workflow:w-8'],
    ['cron:*', '-cron:*'],
    ['unique:ab*', 'unique:b*'],
    ['error:TimeoutError', 'error:timeouterror'],
    ['error:ETIMEDOUT', 'error:no'],
    ['error~TIMEOUT', 'error~econn'],
    ['"within 5"', '"within 6"'],
    ['acme', 'acne'],
    ['attempts>3', 'attempts>4'],
    ['attempts:4.0e0', 'attempts:4.1'],
    ['priority:0 priority!=1', 'priority<0'],
    ['dead:true', 'dead:false'],
    ['age<2h', 'age>2h'],
    ['created<=-1h created>=-PT60M', 'created>-1h'],
    ['enqueued>=-50m', 'enqueued<-50m'],
    ['started>-34m', 'started>-33m'],
    ['finished:*', '-finished:*'],
    ['-scheduled:*', 'scheduled:*'],
    ['created:2026-01-12', 'created:2026-01-13'],
    ['created<=2026-01-12 created>=2026-01-12', 'created<2026-01-12'],
    ['args[0].user=42', 'args[1].user=42'],
    ['args~user', 'args~users'],
    ['meta.tenant=acme', 'meta.tenant=Acme'],
    ['meta.tenant:*', 'meta.user:*'],
    ['-result:*', 'result:*'],
  ])('%s matches, %s does not', (matching, other) => {
    expect([isFound(matching, job), isFound(other, job)]).toEqual([true, false]);
  });

  test('a result can be found until it expires', () => {
    const done = { ...job, state: State.completed, result: '{"x":1}', finishedAt: start };
    const ofWeek = 7 * 86_400_000;
    const query = parseQuery('result.x:1');
    expect(matcherOf(query, start + ofWeek - 1)(done)).toBe(true);
    expect(matcherOf(query, start + ofWeek)(done)).toBe(false);
  });
});

describe('JSON', () => {
  test.each([
    ['1000', '1.0e3'],
    ['1.0E+3', '1000'],
    ['9007199254740993', '9007199254740993.0'],
    ['0', '-0.0'],
    ['1e999999999', '10e999999998'],
    ['"42"', '42'],
    ['"42"', '"42"'],
    ['42', '42'],
    ['true', 'true'],
    ['"true"', 'true'],
    ['null', 'null'],
    ['"\\u0061b"', 'ab'],
    ['"ab"', 'a*'],
    ['{}', '*'],
  ])('%s is %s', (value, wanted) => expect(isFound(`args[0]:${wanted}`, withText(`[${value}]`))).toBe(true));

  test.each([
    ['9007199254740992', '9007199254740993'],
    ['0.1', '0.1000000000000000055511151231257827'],
    ['42', '"42"'],
    ['"42.0"', '42'],
    ['true', '"true"'],
    ['null', '*'],
    ['null', '""'],
    ['42', '4*'],
    ['[1]', '1'],
    ['{"a":1}', 'a'],
  ])('%s is not %s', (value, wanted) => expect(isFound(`args[0]:${wanted}`, withText(`[${value}]`))).toBe(false));

  test('a part of a string is one of what it means, a part of another value one of its text', () => {
    const query = (text: string) => isFound(text, withText('["\\u0061b", {"\\u0061" : 1.0e3}]'));
    expect(query('args[0]~AB')).toBe(true);
    expect(query('args[0]~u0061 OR args[0]~"\\""')).toBe(false);
    expect(query('args[1]~u0061 args[1]~1.0E3')).toBe(true);
  });

  test('numbers are in the order of their exact values', () => {
    const query = (text: string) => isFound(text, withText('[9007199254740993]'));
    expect(query('args[0]>9007199254740992')).toBe(true);
    expect(query('args[0]>=9007199254740993.0 args[0]<=9007199254740993')).toBe(true);
    expect(query('args[0]<9007199254740993.0000000000000000000000001')).toBe(true);
    expect(query('args[0]>1e400 OR args[0]<-1e400')).toBe(false);
    // A number is never compared with a text.
    expect(query('args[0]<"9" OR args[0]>"9"')).toBe(false);
  });

  test('of a repeated member the last counts, whatever its name', () => {
    const job = withText('[]', '{"__proto__":{"a":1},"a":{"b":1},"\\u0061":{"c":2}}');
    expect(isFound('meta.__proto__.a:1', job)).toBe(true);
    expect(isFound('meta.a.c:2', job)).toBe(true);
    expect(isFound('meta.a.b:1', job)).toBe(false);
    expect(isFound('meta.constructor:* OR meta.toString:*', job)).toBe(false);
  });
});

test('what many terms search is read once for a job', () => {
  const reads = { envelope: 0, history: 0 };
  const job = jobOf();
  const counted = new Proxy(job, {
    get(target, name) {
      if (name === 'envelope' || name === 'history') reads[name]++;
      return Reflect.get(target, name);
    },
  });
  const terms = ['args[0]~x', 'meta.a~x', 'error~x', 'error:x', 'word'];
  const query = Array.from({ length: 20 }, (_, index) => terms.map((term) => `${term}${index}`).join(' OR '));
  expect(isFound(query.join(' OR '), counted)).toBe(false);
  // The envelope for args, for meta and for a word; the history for errors and for a word.
  expect(reads).toEqual({ envelope: 3, history: 2 });
});

test('a matcher reads each job anew', () => {
  const matches = matcherOf(parseQuery('args[0]~x x'), now);
  expect([withText('["x"]'), withText('["y"]'), withText('["xy"]')].map(matches)).toEqual([true, false, true]);
});

describe('a hostile job costs no more than time that grows with its size', () => {
  const size = 1 << 20;
  const deepest = maxDepth - 2;
  test.each([
    [
      'a deep document',
      `[${'{"a":'.repeat(deepest)}"${'x'.repeat(size)}"${'}'.repeat(deepest)}]`,
      `args[0]${'.a'.repeat(31)}~y`,
    ],
    ['many members', `[{${'"a":[1],'.repeat(size / 8)}"a":1}]`, 'args[0].a:2'],
    ['a long number', `[${'1'.repeat(size)}]`, 'args[0]<5'],
    ['a long exponent', `[1e${'9'.repeat(size)}]`, `args[0]<1e${'9'.repeat(100)}`],
    ['a text that nearly matches', `["${'a'.repeat(size)}"]`, `args[0]~b${'a'.repeat(1_000)}`],
    ['escapes', `["${'\\"'.repeat(size / 2)}"]`, 'args[0]~y'],
    [
      'a text that many terms search',
      `["${'aA'.repeat(size / 2)}"]`,
      Array.from({ length: 100 }, (_, index) => `${index % 2 === 0 ? 'args[0]~' : ''}zz${index}`).join(' OR '),
    ],
  ])('%s', (_, args, query) => {
    const job = withText(args);
    // About 20 ms each.
    expect(cpuMs(() => expect(isFound(query, job)).toBe(false))).toBeLessThan(1_000);
  });

  test('eighty places of one document cost little more than one place', () => {
    const jobs = Array.from({ length: 8 }, () => withText(`[[${'1,'.repeat(240_000)}1]]`));
    const search = (query: string) =>
      cpuMs(() => {
        const matches = matcherOf(parseQuery(query), now);
        for (const job of jobs) expect(matches(job)).toBe(false);
      });
    const places = (count: number) => Array.from({ length: count }, (_, at) => `args[0][${4_790 + at}]:x`).join(' OR ');
    search(places(1));
    expect(search(places(80))).toBeLessThan(10 * search(places(1)) + 200);
  });
});
