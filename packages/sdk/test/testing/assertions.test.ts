import { AssertionError } from 'node:assert';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batch, Client, chain, dag, defineJob, group } from '../../src/index.ts';
import {
  allEnqueued,
  assertCompleted,
  assertEnqueued,
  assertFailed,
  assertJobState,
  assertNotEnqueued,
  assertPerformed,
  assertWorkflowCreated,
  clearAll,
  drain,
  fakeMode,
  refuteEnqueued,
  refutePerformed,
  restore,
} from '../../src/testing/index.ts';
import { difference } from '../../src/testing/match.ts';

const client = new Client('http://localhost:9');
const email = defineJob<'email.send', [to: string]>('email.send', { queue: 'email' });

/** The message of an assertion that must fail. */
function failure(assertion: () => void): string {
  try {
    assertion();
  } catch (error) {
    if (error instanceof AssertionError) return error.message.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID');
    throw error;
  }
  throw new Error('The assertion did not fail.');
}

test('assertEnqueued lists the jobs that do not match, and why', () =>
  fakeMode(async () => {
    expect(failure(() => assertEnqueued('email.send'))).toBe(
      'expected at least 1 email.send to be enqueued, found 0. There is none at all.',
    );
    await client.enqueue(email, ['a@example.com'], { meta: { tenant: 't1', plan: { name: 'pro' } } });
    await client.enqueue('email.send', ['b@example.com', 2]);
    await client.enqueue('billing.charge', []);
    assertEnqueued(email, { args: ['a@example.com'], queue: 'email', meta: { plan: { name: 'pro' } }, count: 1 });
    expect(failure(() => assertEnqueued('email.send', { args: ['a@example.com'], queue: 'default' }))).toBe(
      [
        'expected at least 1 email.send with args ["a@example.com"], queue "default" to be enqueued, found 0.',
        '3 did not match:',
        '  - email.send ID: queue: expected default, got email',
        '  - email.send ID: args: expected 1 elements, got 2: ["b@example.com",2]',
        '  - billing.charge ID: type: expected email.send, got billing.charge',
      ].join('\n'),
    );
    expect(failure(() => assertEnqueued('email.send', { count: 3 }))).toBe(
      [
        'expected exactly 3 email.send to be enqueued, found 2.',
        '1 did not match:',
        '  - billing.charge ID: type: expected email.send, got billing.charge',
        '2 matched:',
        '  - email.send ID in email, available',
        '  - email.send ID in default, available',
      ].join('\n'),
    );
    expect(failure(() => assertEnqueued('email.send', { meta: { tenant: 't2' } }))).toContain(
      'meta.tenant: expected "t2", got "t1"',
    );
    expect(failure(() => assertEnqueued('email.send', { meta: { tenant: 't2' } }))).toContain(
      'meta.tenant: expected "t2", got nothing',
    );
    expect(failure(() => refuteEnqueued('billing.charge'))).toContain(
      '1 matched:\n  - billing.charge ID in default, available',
    );
    refuteEnqueued('email.send', { queue: 'other' });
    expect(allEnqueued({ jobType: 'billing.charge' }).map(({ queue }) => queue)).toEqual(['default']);
    expect(allEnqueued({ queue: 'email' }).map(({ args }) => args)).toEqual([['a@example.com']]);
    clearAll();
    assertNotEnqueued('email.send');
    expect(allEnqueued()).toEqual([]);
  }));

test('assertPerformed, assertCompleted, assertFailed and assertJobState check runs and states', () =>
  fakeMode(async (store) => {
    store.registerHandler('email.send', () => null);
    const one = await client.enqueue('email.send', ['a']);
    expect(failure(() => assertPerformed('email.send'))).toContain('email.send ID: it was not run, it is available');
    expect(failure(() => assertCompleted('email.send'))).toContain('email.send ID: it is available');
    expect(failure(() => assertJobState(one.id, 'completed'))).toBe(
      'assertJobState(ID): expected completed; email.send is available.',
    );
    expect(failure(() => assertJobState('none', 'completed'))).toBe(
      'assertJobState(none): expected completed; there is no job with this id.',
    );
    await drain();
    assertPerformed('email.send', { args: ['a'], count: 1 });
    assertCompleted('email.send');
    assertJobState(one.id, 'completed');
    expect(failure(() => refutePerformed('email.send'))).toContain('expected no email.send to be performed, found 1.');
    refutePerformed('email.send', { count: 2 });
    expect(failure(() => refutePerformed('email.send', { count: 1 }))).toContain('any number but 1');
    expect(failure(() => assertFailed('email.send'))).toContain('no execution failed; it is completed');
    store.failNext('email.send', new RangeError('too far'));
    await client.enqueue('email.send', ['b']);
    await drain();
    expect(failure(() => assertCompleted('email.send', { args: ['b'] }))).toContain(
      'it is retryable (RangeError: too far)',
    );
    assertFailed('email.send', { args: ['b'] });
  }));

test('workflows of every kind, by name, steps and types; their first jobs are enqueued, none is run', () =>
  fakeMode(async () => {
    const step = (type: string) => ({ type, args: [] });
    expect(failure(() => assertWorkflowCreated('chain'))).toBe(
      'assertWorkflowCreated(chain): no such workflow. There is none at all.',
    );
    await client.workflow(chain('pipeline', [step('data.fetch'), step('data.transform'), step('data.load')]));
    await client.workflow(group('pair', [step('a.one'), step('a.two')]));
    await client.workflow(batch('bulk', [step('b.one'), step('b.two')], { onComplete: step('b.done') }));
    await client.workflow(dag('graph', { one: { job: step('d.one') }, two: { job: step('d.two'), after: ['one'] } }));
    assertWorkflowCreated('chain', {
      name: 'pipeline',
      stepCount: 3,
      stepTypes: ['data.fetch', 'data.transform', 'data.load'],
    });
    assertWorkflowCreated('group', { stepTypes: ['a.one', 'a.two'] });
    assertWorkflowCreated('batch', { stepCount: 2 });
    assertWorkflowCreated('dag', { stepTypes: ['d.one', 'd.two'] });
    expect(allEnqueued().map(({ type }) => type)).toEqual(['data.fetch', 'a.one', 'a.two', 'b.one', 'b.two', 'd.one']);
    refutePerformed('data.fetch');
    const message = failure(() => assertWorkflowCreated('chain', { stepCount: 2 }));
    expect(message).toContain('assertWorkflowCreated(chain with stepCount 2): no such workflow.\n4 did not match:');
    expect(message).toContain('chain ID: stepCount: expected 2, got 3');
    expect(message).toContain('group ID: kind: expected chain, got group');
  }));

test('a misspelt filter is refused instead of matching everything', () =>
  fakeMode(async () => {
    await client.enqueue('email.send', ['a']);
    // @ts-expect-error it is args
    expect(() => assertEnqueued('email.send', { arg: ['b'] })).toThrow('arg: unknown option. Did you mean args?');
    // @ts-expect-error it is args
    expect(() => refuteEnqueued('email.send', { arguments: ['b'] })).toThrow(
      'arguments: unknown option. Did you mean args?',
    );
    // @ts-expect-error it is jobType
    expect(() => allEnqueued({ type: 'billing.charge' })).toThrow('type: unknown option. Did you mean jobType?');
  }));

test('without a mode every helper throws with advice', () => {
  restore();
  for (const call of [() => assertEnqueued('a.b'), () => allEnqueued(), () => clearAll()]) {
    expect(call).toThrow('No test mode is on: call fakeMode(), inlineMode() or realMode() first.');
  }
});

test('args are compared as JSON: key order, undefined, Date and −0 make no difference; matchers work', () => {
  expect(difference([{ a: 1, b: [2] }], [{ b: [2], a: 1 }], 'args')).toBeNull();
  expect(
    difference(
      [{ a: undefined, b: new Date(0), c: -0, d: Number.NaN }],
      [{ b: '1970-01-01T00:00:00.000Z', c: 0, d: null }],
      'args',
    ),
  ).toBeNull();
  expect(difference([expect.any(String), { id: expect.anything() }], ['x', { id: 3 }], 'args')).toBeNull();
  expect(difference([expect.any(String)], [3], 'args')).toContain('args[0]: expected');
  expect(difference([{ a: 1 }], [{ a: 1, b: 2 }], 'args')).toBe('args[0].b: expected nothing, got 2');
  expect(difference([[]], [{}], 'args')).toBe('args[0]: expected [], got {}');
  expect(difference([{}], [[]], 'args')).toBe('args[0]: expected {}, got []');
  expect(difference([null], [{}], 'args')).toBe('args[0]: expected null, got {}');
});

/** The same value with the keys of its objects in the other order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, inner]) => [name, turned(inner)]),
  );
}

test('any JSON value equals what came over the wire of it, and no other', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
      const wire: unknown = JSON.parse(JSON.stringify(turned(one)));
      expect(difference(one, wire, 'args')).toBeNull();
      const same = JSON.stringify(canonical(one)) === JSON.stringify(canonical(other));
      expect(difference(one, JSON.parse(JSON.stringify(other)), 'args') === null).toBe(same);
    }),
  );
});

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inner]) => [`.${name}`, canonical(inner)])
    .concat([['object', null]]);
}
