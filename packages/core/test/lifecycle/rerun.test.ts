import { expect, test } from 'vitest';
import { members } from '../../src/index.ts';
import { State } from '../../src/job/index.ts';
import { rerun, retriedWith } from '../../src/lifecycle/index.ts';
import { claimed, jobOf, start } from '../support/records.ts';

const dead = { ...claimed(jobOf({ args: [1.5], meta: { a: 1, b: 2 } })), state: State.discarded, deadLetter: true };

test('a manual retry replaces args and adds to meta, and keeps all else byte for byte (ojs-dead-letter §6.3)', () => {
  expect(retriedWith(dead, {}, start).envelope).toBeUndefined();
  const {
    envelope = '',
    to,
    attempt,
    deadLetter,
  } = retriedWith(dead, { args: '[2.0]', meta: '{"b":3.0,"c":"d"}' }, start, 'k');
  expect([to, attempt, deadLetter]).toEqual([State.available, 0, false]);
  const before = new Map(members(dead.envelope));
  before.set('args', '[2.0]');
  before.set('meta', '{"a":1,"b":3.0,"c":"d"}');
  expect([...members(envelope)]).toEqual([...before]);
});

test('a failed job runs again: discarded ones from the first attempt, retryable ones at once, no others', () => {
  expect(rerun(dead, start)).toMatchObject({ to: State.available, attempt: 0, runAt: start });
  const waiting = { ...dead, state: State.retryable, deadLetter: false, runAt: start + 60_000 };
  const hastened = rerun(waiting, start);
  expect(hastened).toMatchObject({ from: State.retryable, to: State.available, runAt: start, claim: 1 });
  expect(hastened).not.toHaveProperty('attempt');
  for (const state of Object.values(State).filter((one) => one !== State.discarded && one !== State.retryable))
    expect(() => rerun({ ...dead, state }, start)).toThrow(expect.objectContaining({ code: 'conflict' }));
});
