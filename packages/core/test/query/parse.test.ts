import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { State } from '../../src/job/index.ts';
import {
  type Condition,
  formatQuery,
  maxQueryLength,
  maxQueryNesting,
  maxQuerySteps,
  maxQueryValues,
  parseQuery,
  QueryError,
} from '../../src/query/index.ts';
import { conditionOf, isWritable, wild } from '../support/conditions.ts';
import { cpuMs } from '../support/cpu.ts';
import { anyCharacter } from '../support/text.ts';

function problemOf(text: string): QueryError {
  try {
    parseQuery(text);
  } catch (error) {
    if (error instanceof QueryError) return error;
    throw error;
  }
  throw new Error(`${text} was read`);
}

describe('a query', () => {
  test('has terms of every kind', () => {
    const text =
      'state:failed type:email.* queue:mail error~"timeout" args[0].user=42 meta.tenant=acme attempts>3 age<2h';
    expect(parseQuery(text)).toEqual({
      kind: 'all',
      of: [
        { kind: 'states', mask: State.retryable | State.discarded },
        { kind: 'text', field: 'type', values: [{ kind: 'prefix', text: 'email.' }] },
        { kind: 'text', field: 'queue', values: [{ kind: 'exact', text: 'mail' }] },
        { kind: 'part', field: 'error', parts: ['timeout'] },
        {
          kind: 'json',
          field: 'args',
          path: [0, 'user'],
          test: { operator: ':', values: [{ kind: 'literal', text: '42' }] },
        },
        {
          kind: 'json',
          field: 'meta',
          path: ['tenant'],
          test: { operator: ':', values: [{ kind: 'exact', text: 'acme' }] },
        },
        { kind: 'number', field: 'attempts', test: { operator: '>', value: '3' } },
        { kind: 'age', operator: '<', ms: 7_200_000 },
      ],
    } satisfies Condition);
  });

  // What is typed on the left is the query on the right.
  test.each([
    ['', ''],
    [' \t\n ', ''],
    ['state:failed', 'state:retryable,discarded'],
    ['state:running,waiting', 'state:available,active'],
    ['state : active , pending', 'state:pending,active'],
    ['state=finished', 'state:completed,cancelled,discarded'],
    ['state!=active', '-state:active'],
    ['NOT state:active', '-state:active'],
    ['-state!=active', 'state:active'],
    ['a b', 'text~a text~b'],
    ['a AND b', 'text~a text~b'],
    ['a OR b c', 'text~a OR text~b text~c'],
    ['(a OR b) c', '(text~a OR text~b) text~c'],
    ['((a)) (b (c d))', 'text~a text~b text~c text~d'],
    ['-(a OR b)', '-(text~a OR text~b)'],
    ['a OR (b OR c)', 'text~a OR text~b OR text~c'],
    ['or and not', 'text~or text~and text~not'],
    ['"OR"', 'text~OR'],
    ['ORder', 'text~ORder'],
    ['"two words"', 'text~"two words"'],
    ["foo[0] a.b it's 50% wow!", "text~foo[0] text~a.b text~it's text~50% text~wow!"],
    ['queue:mail,web', 'queue:mail,web'],
    ['queue:"mail"', 'queue:mail'],
    ['queue:"a*"', 'queue:"a*"'],
    ['queue:"two wo"*', 'queue:"two wo"*'],
    ['worker:*', 'worker:*'],
    ['worker:""', 'worker:""'],
    ['error ~ "time out",econnreset', 'error~"time out",econnreset'],
    ['error~"\\u0041\\n\\/\\""', 'error~"A\\n/\\""'],
    ['job_type:a.b created_at>2026-01-31', 'type:a.b created>2026-01-31'],
    ['attempts:>3 attempts:<=9', 'attempts>3 attempts<=9'],
    ['attempts:1,2.0', 'attempts:1,2.0'],
    ['priority:-5', 'priority:-5'],
    ['dead:true', 'dead:true'],
    ['created>2026-01-31T10:00:00+01:00', 'created>2026-01-31T09:00:00.000Z'],
    ['created:2026-01-31', 'created:2026-01-31'],
    ['finished:*', 'finished:*'],
    ['finished>-120m', 'finished>-2h'],
    ['scheduled<+PT1H30M', 'scheduled<+90m'],
    ['started<now', 'started<now'],
    ['age>=PT36H age<500ms', 'age>=36h age<500ms'],
    ['args[0]."a b"[12].c:x', 'args[0]."a b"[12].c:x'],
    ['meta.a-b_c$.__proto__:1', 'meta.a-b_c$.__proto__:1'],
    ['meta."":1', 'meta."":1'],
    ['result:* result[0]:null', 'result:* result[0]:null'],
    ['meta.a:"42",42,"true",true', 'meta.a:"42",42,"true",true'],
    ['meta.a:007', 'meta.a:007'],
    ['meta.a<10 meta.a<"10" meta.a>=2026-01-31', 'meta.a<10 meta.a<"10" meta.a>=2026-01-31'],
    ['args~acme', 'args~acme'],
  ])('%j is %j', (text, canonical) => {
    expect(formatQuery(parseQuery(text))).toBe(canonical);
    expect(parseQuery(canonical)).toEqual(parseQuery(text));
  });

  test('is the same after it was written and read again', () => {
    fc.assert(
      fc.property(conditionOf(wild), (condition) => {
        const text = formatQuery(condition);
        fc.pre(isWritable(text));
        expect(parseQuery(text)).toEqual(condition);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('an error', () => {
  test.each([
    ['stat:failed', 0, 'state', 'unknown field "stat"'],
    ['queue:mail http://a.b', 11, undefined, 'unknown field "http"'],
    ['queue.name:mail', 0, 'queue', 'unknown field "queue.name"'],
    ['attemps > 3', 0, 'attempts', 'unknown field "attemps"'],
    ['state:faild', 6, 'failed', 'wrong value "faild"'],
    ['state:active,compleded', 13, 'completed', 'wrong value "compleded"'],
    ['state~act', 0, undefined, 'state does not know ~'],
    ['queue<a', 0, undefined, 'queue does not know <'],
    ['age:2h', 0, undefined, 'age does not know :'],
    ['age<2', 4, undefined, 'wrong value "2"'],
    ['age<-2h', 4, '2h', 'wrong value "-2h"'],
    ['created>2h', 8, '-2h', 'wrong value "2h"'],
    ['created:-2h', 8, undefined, 'no job has exactly a time from now'],
    ['created>2026-02-30', 8, undefined, 'wrong value "2026-02-30"'],
    ['created:2026-01-01,2026-01-02', 18, undefined, 'a second value'],
    ['attempts>1,2', 10, undefined, 'a second value'],
    ['attempts>"3"', 9, undefined, 'wrong value "3"'],
    ['attempts>0x10', 9, undefined, 'wrong value "0x10"'],
    ['dead:yes', 5, undefined, 'wrong value "yes"'],
    ['queue:', 6, undefined, 'a value is missing'],
    ['queue: ', 7, undefined, 'a value is missing'],
    ['queue:mail,', 11, undefined, 'a value is missing'],
    ['queue:==mail', 6, undefined, 'a value cannot begin with ='],
    ['queue:(mail OR web)', 6, undefined, 'a ( where a value is due'],
    ['queue:ma*l', 8, undefined, '* is only known at the end of a value'],
    ["error~'time out'", 6, undefined, 'a text in single quotes'],
    ['error~time*', 6, undefined, '* behind a text that is found anywhere'],
    ['error~""', 6, undefined, 'wrong value ""'],
    ['error~"time', 6, undefined, 'the quote is not closed'],
    ['error~"a\\x"', 8, undefined, 'an unknown escape'],
    ['"a"b', 3, undefined, 'a text in quotes ends here'],
    ['=mail', 0, undefined, '"=mail" without a field'],
    ['a , b', 2, undefined, '"," without a field'],
    ['(a', 0, undefined, 'the ( is not closed'],
    ['a)', 1, undefined, 'a ) without its ('],
    ['()', 1, undefined, 'a term is missing before ")"'],
    ['OR a', 0, undefined, 'a term is missing before "OR"'],
    ['AND a', 0, undefined, 'a term is missing before "AND"'],
    ['a AND AND b', 6, undefined, 'a term is missing before "AND"'],
    ['a OR', 4, undefined, 'a term is missing before the end'],
    ['a -', 3, undefined, 'a term is missing before the end'],
    ['NOT OR a', 4, undefined, 'a term is missing before "OR"'],
    ['meta.tenant', 11, undefined, 'a path without an operator'],
    ['meta.:1', 5, undefined, 'a name is missing'],
    ['meta[0]:1', 4, undefined, 'the path begins wrongly'],
    ['args.user:1', 4, undefined, 'the path begins wrongly'],
    ['args[-1]:1', 5, undefined, 'a wrong position'],
    ['args[1:1', 5, undefined, 'a wrong position'],
    // An emoji is one character.
    ['"😀😀" stat:failed', 5, 'state', 'unknown field "stat"'],
  ])('in %j has the position %d', (text, position, suggestion, problem) => {
    const error = problemOf(text);
    expect([error.position, error.details.suggestion]).toEqual([position, suggestion]);
    expect(error.message).toContain(`Query, position ${position}: ${problem}.`);
    expect(error).toMatchObject({ code: 'invalid_request', details: { position, expected: error.expected } });
  });

  test('says what is wrong and what was expected, and points at the place', () => {
    expect(problemOf('queue:mail state:faild').message).toBe(
      [
        'Query, position 17: wrong value "faild". Expected states out of scheduled, available, pending, active, completed, retryable, cancelled, discarded, waiting, running, failed, finished. Did you mean failed?',
        'queue:mail state:faild',
        '                 ^',
      ].join('\n'),
    );
  });

  test('points at characters, however many UTF-16 code units they have', () => {
    const [, line, caret] = problemOf('😀 state:faild').message.split('\n');
    expect([line, caret]).toEqual(['😀 state:faild', '        ^']);
    const [, cut = ''] = problemOf(`"${'😀'.repeat(60)}" state:x`).message.split('\n');
    expect(cut.isWellFormed()).toBe(true);
  });

  test('shows the part of a long query around the place, in one line', () => {
    const error = problemOf(`${'a '.repeat(40)}\n\u2028 state:x ${'b '.repeat(100)}`);
    const [, line = '', caret = ''] = error.message.split('\n');
    expect(line.length).toBeLessThan(100);
    expect(line.indexOf('state:x') + 6).toBe(caret.indexOf('^'));
    expect(error.message).not.toContain('\u2028');
  });
});

describe('the bounds', () => {
  const deep = (levels: number) => `${'('.repeat(levels)}a${')'.repeat(levels)}`;
  test.each([
    ['characters', 'a'.repeat(maxQueryLength), 'a'.repeat(maxQueryLength + 1)],
    ['emoji', '😀'.repeat(maxQueryLength), '😀'.repeat(maxQueryLength + 1)],
    ['values', `queue:${Array(maxQueryValues).fill('a').join(',')}`, 'a '.repeat(maxQueryValues + 1)],
    ['levels of (', deep(maxQueryNesting), deep(maxQueryNesting + 1)],
    ['levels of NOT', `${'-'.repeat(maxQueryNesting)}a`, `${'NOT '.repeat(maxQueryNesting + 1)}a`],
    ['steps of a path', `meta${'.a'.repeat(maxQuerySteps)}:1`, `meta${'.a'.repeat(maxQuerySteps + 1)}:1`],
  ])('%s', (_, largest, tooLarge) => {
    expect(() => parseQuery(largest)).not.toThrow();
    expect(problemOf(tooLarge).expected).toMatch(/^at most \d+/);
  });

  test('no text makes the parser throw anything but a QueryError within the text', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...'state: queue: ~ < >= != - ( ) " \\ \\u00 * , . [0] args meta. NOT OR AND failed 2h'.split(' '),
      ),
      fc.constantFrom(' ', '\n', '\ud800', "'"),
      fc.string({ unit: anyCharacter, maxLength: 3 }),
    );
    const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: anyCharacter })), (query) => {
        try {
          const condition = parseQuery(query);
          const canonical = formatQuery(condition);
          fc.pre(isWritable(canonical));
          expect(parseQuery(canonical)).toEqual(condition);
        } catch (error) {
          if (!(error instanceof QueryError)) throw error;
          expect(error.position).toBeLessThanOrEqual(query.length);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    ['spaces', ' '.repeat(maxQueryLength)],
    ['spaces behind a word', `a${' '.repeat(maxQueryLength - 1)}`],
    ['backslashes', `"${'\\\\'.repeat(maxQueryLength / 2 - 1)}"`],
    ['minus signs', '-'.repeat(maxQueryLength)],
    ['parentheses', '('.repeat(maxQueryLength)],
    ['commas', `queue:${'a,'.repeat(maxQueryLength / 2 - 3)}`],
    ['one name', 'a'.repeat(maxQueryLength)],
    ['digits', `attempts>${'1'.repeat(maxQueryLength - 9)}`],
    ['an exponent', `attempts>1e${'9'.repeat(maxQueryLength - 11)}`],
    ['a hundred million characters', 'a'.repeat(100_000_000)],
  ])('%s take no time', (_, text) => {
    const read = () => {
      try {
        parseQuery(text);
      } catch (error) {
        if (!(error instanceof QueryError)) throw error;
      }
    };
    // Less than a millisecond each.
    expect(cpuMs(read)).toBeLessThan(200);
  });
});
