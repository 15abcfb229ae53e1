import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { uuidv7, type ValidationIssue } from '../../src/index.ts';
import { readEnvelope, readEnvelopes, State, Terminal } from '../../src/job/index.ts';
import { newUnique, type UniquePolicy, uniqueOf } from '../../src/lifecycle/index.ts';
import { type UniqueSubject, uniqueKey } from '../../src/lifecycle/unique/fingerprint.ts';
import { sha256 } from '../../src/lifecycle/unique/sha256.ts';
import { cpuMs } from '../support/cpu.ts';
import { faultOf } from '../support/fault.ts';
import { spellings } from '../support/spellings.ts';
import { words } from '../support/text.ts';

const path = '$.options.unique';
function issuesOf(policy: unknown): readonly ValidationIssue[] {
  const issues: ValidationIssue[] = [];
  uniqueOf(policy, path, issues);
  return issues;
}

function read(policy: object): UniquePolicy {
  const issues: ValidationIssue[] = [];
  const read = uniqueOf(policy, path, issues);
  expect(issues).toEqual([]);
  return read;
}

const keyOf = (policy: object, job: Partial<UniqueSubject>) =>
  uniqueKey(read(policy), { type: 'a.b', queue: 'default', args: '[]', meta: '{}', ...job });

const unfinished = State.available | State.active | State.scheduled | State.retryable | State.pending;

describe('uniqueOf', () => {
  test('fills in the defaults', () => {
    expect(read({})).toEqual({
      keys: ['type'],
      argsKeys: null,
      metaKeys: null,
      name: null,
      argsKeysPath: `${path}.key`,
      periodMs: null,
      states: unfinished,
      onConflict: 'reject',
    });
    const absent = {
      keys: null,
      key: null,
      args_keys: null,
      meta_keys: null,
      period: null,
      states: null,
      on_conflict: null,
    };
    expect(read(absent)).toEqual(read({}));
  });

  const expectPolicy = (policy: object, expected: Partial<UniquePolicy>) =>
    expect(read(policy)).toMatchObject(expected);

  test.each<[object, Partial<UniquePolicy>]>([
    // ojs-unique-jobs: type counts, listed or not (§2.2), and an empty list of names is none.
    [{ keys: [] }, { keys: ['type'] }],
    [{ keys: ['args', 'queue'] }, { keys: ['type', 'queue', 'args'] }],
    [
      { keys: ['args', 'args'], args_keys: ['b', 'a'] },
      { keys: ['type', 'args'], argsKeys: ['b', 'a'], argsKeysPath: `${path}.args_keys` },
    ],
    [
      { keys: ['type'], args_keys: [], meta_keys: [] },
      { keys: ['type'], argsKeys: null },
    ],
    [
      { keys: ['meta'], meta_keys: ['tenant_id'] },
      { keys: ['type', 'meta'], metaKeys: ['tenant_id'] },
    ],
    [
      { keys: ['args'], argsKeys: ['a'] },
      { argsKeys: ['a'], argsKeysPath: `${path}.argsKeys` },
    ],
    [{ keys: ['meta'], metaKeys: ['a'] }, { metaKeys: ['a'] }],
    // The older `key`: names of args of the JavaScript SDK, dimensions of the Python SDK, all of args where it is empty
    // (X18).
    [
      { key: ['report_id', 'to'] },
      { keys: ['type', 'args'], argsKeys: ['report_id', 'to'], argsKeysPath: `${path}.key` },
    ],
    [{ key: ['type', 'report_id'] }, { keys: ['type', 'args'], argsKeys: ['type', 'report_id'] }],
    [{ key: ['type', 'queue', 'args'] }, { keys: ['type', 'queue', 'args'], argsKeys: null }],
    [{ key: [] }, { keys: ['type', 'args'], argsKeys: null }],
    [
      { key: ['args'], args_keys: ['a'] },
      { keys: ['type', 'args'], argsKeys: ['a'], argsKeysPath: `${path}.args_keys` },
    ],
    [
      { keys: ['queue'], key: ['report_id'] },
      { keys: ['type', 'queue'], argsKeys: null },
    ],
    // The command line's own name.
    [{ key: 'order-42' }, { keys: ['type'], name: 'order-42' }],
    [
      { keys: ['queue'], key: 'order-42' },
      { keys: ['type', 'queue'], name: 'order-42' },
    ],
    [{ period: 'PT1H' }, { periodMs: 3_600_000 }],
    [{ period_ms: 1500 }, { periodMs: 1500 }],
    [{ periodMs: 1500 }, { periodMs: 1500 }],
    [{ period: 'PT1S', period_ms: 9 }, { periodMs: 1000 }],
    [{ within: 'PT5M' }, { periodMs: 300_000 }],
    [{ within: '5m' }, { periodMs: 300_000 }],
    [{ within: '1h5m0s' }, { periodMs: 3_900_000 }],
    [{ states: ['active', 'completed', 'active'] }, { states: State.active | State.completed }],
    [{ on_conflict: 'use_existing' }, { onConflict: 'ignore' }],
    [{ on_conflict: 'ignore' }, { onConflict: 'ignore' }],
    [{ on_conflict: 'replace' }, { onConflict: 'replace' }],
    [{ onConflict: 'replace_except_schedule' }, { onConflict: 'replace_except_schedule' }],
    [{ colour: 'blue', keys: ['type'] }, { keys: ['type'] }],
  ])('%j', expectPolicy);

  test.each<[unknown, ...string[]]>([
    [5, path],
    [[], path],
    [{ keys: 'type' }, `${path}.keys`],
    [{ keys: ['Type'] }, `${path}.keys`],
    [{ keys: ['argz'], args_keys: ['a'] }, `${path}.keys`],
    [{ key: [''] }, `${path}.key`],
    [{ key: 5 }, `${path}.key`],
    [{ key: '' }, `${path}.key`],
    [{ keys: ['args'], args_keys: 'a' }, `${path}.args_keys`],
    [{ keys: ['args'], args_keys: [1] }, `${path}.args_keys`],
    [{ keys: ['type'], args_keys: ['a'] }, `${path}.args_keys`],
    [{ args_keys: ['a'] }, `${path}.args_keys`],
    [{ keys: ['meta'] }, `${path}.meta_keys`],
    [{ keys: ['meta'], meta_keys: [] }, `${path}.meta_keys`],
    [{ keys: ['meta'], meta_keys: 5 }, `${path}.meta_keys`],
    [{ keys: ['type'], metaKeys: ['a'] }, `${path}.metaKeys`],
    [{ key: ['type', 'meta'] }, `${path}.meta_keys`],
    [{ period: 'PT0S' }, `${path}.period`],
    [{ period: '3600s' }, `${path}.period`],
    [{ period: 60 }, `${path}.period`],
    [{ period: 'P101Y' }, `${path}.period`],
    [{ period_ms: 0 }, `${path}.period_ms`],
    [{ period_ms: 1.5 }, `${path}.period_ms`],
    [{ within: 'soon' }, `${path}.within`],
    [{ within: '0s' }, `${path}.within`],
    [{ within: `${'9'.repeat(70)}s` }, `${path}.within`],
    [{ states: [] }, `${path}.states`],
    [{ states: ['processing'] }, `${path}.states`],
    [{ states: ['constructor'] }, `${path}.states`],
    [{ on_conflict: 'error' }, `${path}.on_conflict`],
    [{ keys: 1, states: 2, on_conflict: 3 }, `${path}.keys`, `${path}.states`, `${path}.on_conflict`],
  ])('%j is refused', (policy, ...paths) => {
    const envelope = JSON.stringify({ type: 'a.b', args: [], options: { unique: policy } });
    const fault = faultOf(() => readEnvelope(envelope, 0, () => ''));
    expect(fault.code).toBe('invalid_request');
    expect(issuesOf(policy).map((issue) => issue.path)).toEqual(paths);
    expect(fault.details.validation_errors).toEqual(issuesOf(policy));
  });
});

describe('uniqueKey', () => {
  test.each<[string, object, UniqueSubject, string]>([
    [
      'the type, the queue and an argument',
      { keys: ['type', 'queue', 'args'], args_keys: ['user_id'] },
      {
        type: 'email.send',
        queue: 'notifications',
        args: '[{"user_id":42,"template":"welcome"}]',
        meta: '{"tenant_id":"acme"}',
      },
      '71f9344b82e66297a49775bbe27752297922842b675330641ebe3ff4fea46c1f',
    ],
    [
      'the type alone',
      {},
      { type: 'report.daily', queue: 'q', args: '[1]', meta: '{}' },
      'be66720bd0f961a37ab755101a985ca3f8563bd89ed8d412c41fa5791f3e4d95',
    ],
    [
      'all of args',
      { keys: ['type', 'args'] },
      { type: 'email.send', queue: 'q', args: '["user@example.com", "welcome", {"locale": "en", "a": 1}]', meta: '{}' },
      '26ac039c6fe01157eb607ccb179077aec5a0c9596ac64082569c69fa0f757465',
    ],
    [
      'a key of meta',
      { keys: ['type', 'args', 'meta'], meta_keys: ['tenant_id'] },
      {
        type: 'cache.warm',
        queue: 'q',
        args: '[{"resource":"products"}]',
        meta: '{"region":"us-east-1","tenant_id":"acme"}',
      },
      '2898ca17642332cb2ee024ef6a85f8ee2b67a268093164fcc62f5eb4691cfc30',
    ],
    [
      'a decomposed é',
      { keys: ['args'] },
      { type: 't.nfc', queue: 'q', args: '["e\\u0301"]', meta: '{}' },
      'ef7323f31892c1c667603d79de3cc187f512817f7a540e8e357ee1c3a4282268',
    ],
  ])('vectors of the fingerprint: %s', (_, policy, job, expected) => {
    expect(keyOf(policy, job)).toBe(expected);
  });

  test('a job’s own key counts together with the type and the other chosen parts', () => {
    expect(keyOf({ key: 'order-42' }, { args: '[1]' })).toBe(sha256('{"key":"order-42","type":"a.b"}'));
    expect(keyOf({ key: 'e\u0301', keys: ['queue', 'args'] }, {})).toBe(
      sha256('{"args":[],"key":"\u00e9","queue":"default","type":"a.b"}'),
    );
  });

  test.each([
    ['["x",{"a":1,"b":2}]', ['b', 'a'], '{"a":1,"b":2}'],
    ['["x",{"a":1},{"a":2,"c":3}]', ['a', 'c'], '{"a":1,"c":3}'],
    ['["x",{"a":null},{"a":2}]', ['a'], '{"a":null}'],
    ['[{"a":1,"a":2}]', ['a', 'a'], '{"a":2}'],
    ['["x",{"0":"y"}]', ['0'], '{"0":"x"}'],
    ['["x","y"]', ['1', '01'], '{"1":"y"}'],
    ['["x",{"a":[1.0]}]', ['0', 'a'], '{"0":"x","a":[1]}'],
    ['[{"e\\u0301":1}]', ['\u00e9'], '{"\u00e9":1}'],
    ['[{"\\u00e9":1}]', ['e\u0301'], '{"\u00e9":1}'],
    ['[{"__proto__":1}]', ['__proto__'], '{"__proto__":1}'],
  ])('of args %s the keys %j are %s', (args, argsKeys, selected) => {
    expect(keyOf({ keys: ['args'], args_keys: argsKeys }, { args })).toBe(sha256(`{"args":${selected},"type":"a.b"}`));
  });

  test.each([
    ['[]', ['a'], 0],
    ['[{"a":1}]', ['a', 'b'], 1],
    ['["a",["a"]]', ['a'], 0],
    ['[{"x":{"a":1}}]', ['a'], 0],
    ['[1]', ['1'], 0],
    ['[1]', ['9'.repeat(400)], 0],
    ['[{}]', ['constructor'], 0],
    ['[{}]', ['toString'], 0],
  ])('args %s do not have one of %j: 400 at its path (ojs-unique-jobs §2.2)', (args, names, index) => {
    const fault = faultOf(() => keyOf({ keys: ['args'], args_keys: names }, { args }));
    expect([fault.code, fault.kind.status]).toEqual(['invalid_request', 400]);
    expect(fault.details.validation_errors).toMatchObject([{ path: `${path}.args_keys[${index}]` }]);
    expect(faultOf(() => keyOf({ key: names }, { args })).details.validation_errors).toMatchObject([
      { path: `${path}.key[${index}]` },
    ]);
  });

  test('a job without a key of meta differs from a job with null under it', () => {
    const policy = { keys: ['meta'], meta_keys: ['t'] };
    expect(keyOf(policy, { meta: '{"u":1}' })).toBe(sha256('{"meta":{},"type":"a.b"}'));
    expect(keyOf(policy, { meta: '{"t":null}' })).toBe(sha256('{"meta":{"t":null},"type":"a.b"}'));
  });

  test('numbers beyond JavaScript’s precision stay different', () => {
    const keys = words(`
      9007199254740992 9007199254740993 9007199254740993.1 1e400 1e401 -1e400 1e-400 0.1 0.10000000000000000001
    `);
    expect(new Set(keys.map((number) => keyOf({ keys: ['args'] }, { args: `[${number}]` }))).size).toBe(keys.length);
    expect(keyOf({ keys: ['args'] }, { args: '[9007199254740993]' })).toBe(
      keyOf({ keys: ['args'] }, { args: '[ 9007199254740.9930E3 ]' }),
    );
  });

  const everything = { keys: ['type', 'queue', 'args', 'meta'], meta_keys: ['m'] };
  const some = { keys: ['args', 'meta'], args_keys: ['0', 'b'], meta_keys: ['m'] };

  test('the spelling of what counts makes no difference', () => {
    fc.assert(
      fc.property(spellings, spellings, fc.constantFrom(everything, some), ([a, b], [m, n], policy) => {
        const one = { args: `[${a},{"a":1,"b":${m}}]`, meta: `{"x":0,"m":${m}}` };
        const other = { args: `[ ${b} , { "b" : ${n} , "\\u0061":1e0 } ]`, meta: ` { "\\u006d" : ${n},"x":0}` };
        expect(keyOf(policy, one)).toBe(keyOf(policy, other));
      }),
    );
  });

  test('any change of what counts makes another key, any change of the rest none', () => {
    // In an array, because a value that is an object could itself be the first with a key "b".
    const value = fc.jsonValue({ maxDepth: 2 }).map((json) => JSON.stringify([json]));
    fc.assert(
      fc.property(value, value, (a, b) => {
        const isSame = sha256(canonicalOf(a)) === sha256(canonicalOf(b));
        const base = { args: `[${a},{"a":1,"b":${a}}]`, meta: `{"m":${a},"x":1}` };
        const counted = [
          { ...base, args: `[${b},{"a":1,"b":${a}}]` },
          { ...base, args: `[${a},{"a":1,"b":${b}}]` },
          { ...base, meta: `{"m":${b},"x":1}` },
        ];
        for (const job of counted) {
          expect(keyOf(some, job) === keyOf(some, base)).toBe(isSame);
          expect(keyOf(everything, job) === keyOf(everything, base)).toBe(isSame);
        }
        const rest = { args: `[${a},{"a":${b},"b":${a},"c":1},${b}]`, meta: `{"m":${a},"y":${b}}`, queue: 'other' };
        expect(keyOf(some, { ...base, ...rest })).toBe(keyOf(some, base));
        expect(keyOf(everything, { ...base, queue: 'other' })).not.toBe(keyOf(everything, base));
        expect(keyOf(some, { ...base, type: 'a.c' })).not.toBe(keyOf(some, base));
      }),
    );
  });

  /** Objects of `fc.jsonValue` may differ in the order of their keys only, or in the sign of a zero. */
  function canonicalOf(json: string): string {
    const sorted = (_: string, item: unknown): unknown =>
      typeof item === 'object' && item !== null && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
        : typeof item === 'string'
          ? item.normalize('NFC')
          : item;
    return JSON.stringify(JSON.parse(json), sorted);
  }

  test('names that repeat and many objects cost no more than time that grows with the length', () => {
    const large = `"${'x'.repeat(300_000)}"`;
    const names = Array.from({ length: 50_000 }, (_, index) => ['0', '00', 'k', `n${index}`][index % 4] ?? '');
    const objects = names.map((name) => `{"${name}":1}`).join(',');
    const key = () => keyOf({ keys: ['args'], args_keys: names }, { args: `[${large},{"k":${large}},${objects}]` });
    expect(cpuMs(() => expect(key()).toHaveLength(64))).toBeLessThan(2000);
  });
});

describe('newUnique', () => {
  const job = { type: 'a.b', queue: 'q', args: '[]', meta: '{}' };
  const now = Date.UTC(2026, 0, 1);

  test('has the key, the states and the start of the period of this request', () => {
    const policy = read({ keys: ['queue'], period: 'PT1H', states: ['completed'] });
    expect(newUnique(policy, job, now)).toEqual({
      key: uniqueKey(policy, job),
      states: State.completed,
      createdAfter: now - 3_600_000,
      onConflict: 'keep',
    });
    expect(newUnique(read({}), job, now)).toMatchObject({ createdAfter: null, states: unfinished });
    expect(unfinished & Terminal).toBe(0);
  });

  test.each([
    ['reject', 'keep'],
    ['ignore', 'keep'],
    ['replace', 'replace'],
    ['replace_except_schedule', 'replace_unscheduled'],
  ])('%s is %s for the storage', (onConflict, stored) => {
    expect(newUnique(read({ on_conflict: onConflict }), job, now).onConflict).toBe(stored);
  });
});

describe('in an envelope', () => {
  const now = Date.UTC(2026, 0, 1);
  const unique = { keys: ['args', 'meta'], args_keys: ['id'], meta_keys: ['t'], on_conflict: 'ignore' };

  test('the key is that of the job, whatever place its attributes came from', () => {
    const flat = readEnvelope(
      `{"type":"a.b","args":[{"id":1.0}],"meta":{"t":1},"unique":${JSON.stringify(unique)}}`,
      now,
      uuidv7,
    );
    const nested = readEnvelope(
      `{"type":"a.b","args":[{"id":1}],"options":{"metadata":{"t":1e0},"unique":${JSON.stringify(unique)}}}`,
      now,
      uuidv7,
    );
    expect(flat.job.unique?.key).toBe(sha256('{"args":{"id":1},"meta":{"t":1},"type":"a.b"}'));
    expect(nested.job.unique).toEqual(flat.job.unique);
    expect(flat.onConflict).toBe('ignore');
    expect(readEnvelope('{"type":"a.b","args":[]}', now, uuidv7).job.unique).toBeNull();
  });

  test('a missing argument is reported with its path in the batch', () => {
    const jobs = [{ id: 1 }, {}].map((arg) => ({ type: 'a.b', args: [arg], options: { unique: { key: ['id'] } } }));
    const fault = faultOf(() => readEnvelopes(JSON.stringify({ jobs }), now, uuidv7));
    expect(fault.details).toEqual({
      index: 1,
      validation_errors: [{ path: '$.jobs[1].options.unique.key[0]', message: 'no object in args has the key "id"' }],
    });
  });
});
