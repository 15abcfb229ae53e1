import { expect, test } from 'vitest';
import { members } from '../../src/index.ts';
import { State } from '../../src/job/index.ts';
import { rerunOf, undoOf } from '../../src/lifecycle/index.ts';
import { jobOf, start } from '../support/records.ts';

const newId = () => '01980d2c-7b1e-7c44-9d0a-5f0c3c1b7a10';
const times = { now: start + 60_000 };
const ended = (request: object) => ({ ...jobOf(request), state: State.completed });

test('a job that runs again has all that was sent, byte for byte, and names the old one', () => {
  const old = ended({ args: [1.5], meta: { a: 1 }, tags: ['t'], priority: 7, timeout: 5, custom: { b: 2.0 } });
  const { job, named } = rerunOf(old, {}, times, newId);
  const before = new Map(members(old.envelope));
  before.set('id', `"${newId()}"`);
  before.set('meta', `{"a":1,"ojs.rerun_of":"${old.id}"}`);
  expect(new Map(members(job.envelope))).toEqual(before);
  expect(job).toMatchObject({
    state: State.available,
    priority: 7,
    createdAt: times.now,
    timeoutMs: 5_000,
    node: null,
  });
  expect(named).toBe(false);
});

test('changes replace args, and the members of meta and retry of the same names', () => {
  const retry = { max_attempts: 9, initial_interval: 'PT1S' };
  const old = ended({ args: [1], meta: { a: 1, b: 2, 'ojs.rerun_of': 'older' }, retry });
  const changes = {
    args: '[2.0]',
    meta: '{"b":3.0}',
    queue: '"other"',
    priority: '"HIGH"',
    retry: '{"max_attempts":2}',
    delay_until: '"+PT5S"',
  };
  const { job, args } = rerunOf(old, changes, { ...times, latest: times.now + 3 }, newId);
  const sent = members(job.envelope);
  expect(args).toBe('[2.0]');
  expect(sent.get('meta')).toBe(`{"a":1,"b":3.0,"ojs.rerun_of":"${old.id}"}`);
  expect(JSON.parse(sent.get('retry') ?? '')).toEqual({ ...retry, max_attempts: 2 });
  expect(sent.get('max_attempts')).toBe('2');
  expect(job).toMatchObject({ queue: 'other', priority: 10, state: State.scheduled, runAt: times.now + 5_003 });
});

test('a time of the old job counts no more, and a relative expiry counts anew', () => {
  const at = (ms: number) => new Date(start + ms).toISOString();
  const of = (request: object) => rerunOf(ended({ args: [], ...request }), {}, times, newId).job;
  const { state, runAt, expiresAt } = of({ scheduled_at: at(3_600_000), expires_at: at(30_000) });
  expect([state, runAt, expiresAt]).toEqual([State.available, times.now, null]);
  expect(of({ expires_at: at(90_000) }).expiresAt).toBe(start + 90_000);
  expect(of({ expires_at: '+PT1M' }).expiresAt).toBe(times.now + 60_000);
  expect(of({ enqueue_ttl: 10 }).expiresAt).toBe(times.now + 10_000);
});

test('only a job that has ended runs again as a new one; the refusal says what to do instead', () => {
  const job = jobOf({ args: [] });
  for (const [name, state] of Object.entries(State)) {
    const run = () => rerunOf({ ...job, state }, {}, times, newId).job.state;
    if (['completed', 'cancelled', 'discarded'].includes(name)) expect(run()).toBe(State.available);
    else expect(run).toThrow(expect.objectContaining({ code: 'conflict', hint: expect.stringMatching(/cancel/i) }));
  }
});

test('finished holders of the unique key do not count, or the old job would be one of them', () => {
  const states = ['available', 'active', 'completed'];
  const of = (policy: object) => rerunOf(ended({ args: [], unique: policy }), {}, times, newId).job.unique;
  expect(of({ keys: ['type'], states })?.states).toBe(State.available | State.active);
  expect(of({ keys: ['type'], states: ['completed'] })?.states).toBe(0);
});

test('wrong changes are refused under their own paths, and args that the client encodes', () => {
  const old = ended({ args: ['x'], meta: { 'ojs.codec.encodings': ['binary/encrypted'] } });
  const refuses = (changes: Parameters<typeof rerunOf>[1], path: string, id?: string) => {
    const issues = { validation_errors: [expect.objectContaining({ path })] };
    expect(() => rerunOf(old, changes, times, newId, id)).toThrow(expect.objectContaining({ details: issues }));
  };
  refuses({ meta: '5' }, '$.meta');
  refuses({ retry: '"x"' }, '$.retry');
  refuses({ retry: '{"max_attempts":-1}' }, '$.retry.max_attempts');
  refuses({ priority: '101' }, '$.priority');
  refuses({ scheduled_at: '"soon"' }, '$.scheduled_at');
  refuses({}, '$.id', '"x"');
  refuses({ args: '[1]' }, '$.args');
  expect(rerunOf(old, { args: '[1]', meta: '{"ojs.codec.encodings":[]}' }, times, newId).args).toBe('[1]');
});

test('a job that undoes has the args, the meta and the queue, and nothing that could refuse or end it', () => {
  const request = { args: [1], meta: { a: 1 }, queue: 'q', unique: {}, total_timeout: 60, timeout: 9, tags: ['t'] };
  const old = ended(request);
  const { job, args } = undoOf(old, {}, times, newId);
  const { type, meta, ...rest } = JSON.parse(job.envelope);
  expect([type, meta, args]).toEqual([`${old.type}.undo`, { a: 1, 'ojs.undo_of': old.id }, '[1]']);
  expect(rest).toMatchObject({ queue: 'q', timeout: 9, tags: ['t'] });
  expect([job.unique, job.limits, job.deadlineAt, job.expiresAt]).toEqual([null, [], null, null]);
  expect(undoOf({ ...old, type }, {}, times, newId).job.type).toBe(type);
});
