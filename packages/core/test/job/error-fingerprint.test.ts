import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  errorFingerprint,
  fingerprintAfter,
  fingerprintOf,
  hasFingerprint,
  messageFingerprint,
  normalisedMessage,
} from '../../src/job/error-fingerprint.ts';
import { State } from '../../src/job/states.ts';
import { anyCharacter } from '../support/text.ts';

test.each([
  ['Connection to 10.0.0.5:5432 refused', 'Connection to <ip>:<n> refused'],
  ['connect ECONNREFUSED ::1:5432 and fe80::1ff:fe23:4567:890a', 'connect ECONNREFUSED <ip> and <ip>'],
  ['Order 1234 not found', 'Order <n> not found'],
  ['took 1.5 s, -3.25e+7 bytes, 10,000 rows', 'took <n> s, <n> bytes, <n> rows'],
  ['user 01a22351-4e62-7868-9a3e-5f9525f8a381 is gone', 'user <uuid> is gone'],
  ['at 0x7ffe12 in deadbeef99 commit 3671ECF412', 'at <n> in <n> commit <n>'],
  [`Cannot read 'name' of "a \n b" or \`c\``, 'Cannot read <text> of <text> or <text>'],
  ["can't find it, don't know why", "can't find it, don't know why"],
  ['no mailbox ada.b+c@mail.example.org here', 'no mailbox <email> here'],
  [
    'GET https://api.example.com/users/42/orders?page=3&key=ab failed',
    'GET https://api.example.com/users/<n>/orders?<query> failed',
  ],
  ['Why? Because 2 = 2', 'Why? Because <n> = <n>'],
  ['2026-11-28T21:36:19.123Z late, since 2026-11-28, at 21:36:19', '<time> late, since <time>, at <time>'],
  ['job_01HXYZ7K2M3N4P5Q6R7S8T9V0W failed', 'job_<n> failed'],
  ['std::vector of Foo::Bar', 'std::vector of Foo::Bar'],
  ['  two\n\tlines  ', 'two lines'],
  ['', ''],
])('%j becomes %j', (message, expected) => {
  expect(normalisedMessage(message)).toBe(expected);
});

/** Texts that have much of what is replaced, and of what almost is. */
const piece = fc.oneof(
  fc.string(),
  fc.string({ unit: anyCharacter }),
  fc.constantFrom(
    '"',
    "'",
    '`',
    '?',
    '=',
    '@',
    '.',
    ':',
    '::',
    '-',
    '0x',
    'a1',
    'ffff',
    '😀',
    ' ',
    '\n',
    '<n>',
    'e9',
    '<',
  ),
  fc.nat().map(String),
  fc.uuid(),
  fc.emailAddress(),
  fc.ipV4(),
  fc.ipV6(),
  fc.webUrl({ withQueryParameters: true }),
);
const message = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''));

test('a normalised message stays as it is, is short, and has the same fingerprint', () => {
  fc.assert(
    fc.property(message, (text) => {
      const normalised = normalisedMessage(text);
      expect(normalisedMessage(normalised)).toBe(normalised);
      expect(normalised.length).toBeLessThanOrEqual(200);
      expect(messageFingerprint(normalised)).toBe(messageFingerprint(text));
    }),
    { numRuns: 2_000 },
  );
});

test('numbers, ids and texts do not change a fingerprint; the words and the type do', () => {
  const varying = fc.record({
    count: fc.nat(),
    id: fc.uuid(),
    ip: fc.ipV4(),
    name: fc.stringMatching(/^[a-z ]{0,20}$/),
  });
  const said = ({ count, id, ip, name }: { count: number; id: string; ip: string; name: string }) =>
    `Job ${id} of "${name}" lost host ${ip} after ${count} tries`;
  fc.assert(
    fc.property(varying, varying, (one, other) => {
      expect(fingerprintOf({ type: 'Lost', message: said(one) })).toBe(
        fingerprintOf({ type: 'Lost', message: said(other) }),
      );
    }),
  );
  expect(fingerprintOf({ type: 'Lost', message: 'No room' })).not.toBe(
    fingerprintOf({ type: 'Full', message: 'No room' }),
  );
  expect(fingerprintOf({ type: 'Lost', message: 'No room' })).not.toBe(
    fingerprintOf({ type: 'Lost', message: 'No way' }),
  );
});

test('a fingerprint has 16 digits, and begins with those of its message', () => {
  fc.assert(
    fc.property(fc.string(), message, (type, text) => {
      const fingerprint = fingerprintOf({ type, message: text });
      expect(fingerprint).toMatch(/^[0-9a-f]{16}$/);
      expect(messageFingerprint(text)).toHaveLength(10);
      expect(hasFingerprint(fingerprint, messageFingerprint(text))).toBe(true);
    }),
  );
});

test('only the first 2,048 characters of a message are read', () => {
  const head = 'lost '.repeat(500).slice(0, 2_048);
  expect(normalisedMessage(head + 'x'.repeat(1_000_000))).toBe(normalisedMessage(head));
});

test.each([
  '"',
  "'a",
  "'",
  '?',
  '?a=',
  'a@',
  '1.',
  '1:',
  ':',
  '::',
  'ffff:',
  'e',
  '0',
  'a1',
  '-',
  '<n',
  ' ',
  "'\n",
  'a.b-',
])('a message of %j only takes no longer than its length allows', (unit) => {
  const normalise = (length: number) => {
    const text = unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
    const start = performance.now();
    for (let round = 0; round < 20; round++) normalisedMessage(text);
    return performance.now() - start;
  };
  normalise(2_048);
  // 0.05 ms a message is usual. A pattern that backtracks takes hundreds.
  expect(normalise(2_048) / 20).toBeLessThan(20);
});

test('only jobs that failed, and wait or have ended, have the fingerprint of their last error', () => {
  const error = { code: 'lost', type: 'Lost', message: 'Lost host 7', attempt: 1, occurred_at: '' };
  const history = `{"kind":"failed","at":1,"error":${JSON.stringify({ ...error, type: 'Old' })}},{"kind":"failed","at":2,"error":${JSON.stringify(error)}}`;
  const expected = fingerprintOf(error);
  expect(errorFingerprint({ state: State.retryable, history, policy: null })).toBe(expected);
  expect(errorFingerprint({ state: State.discarded, history, policy: null })).toBe(expected);
  for (const state of [State.available, State.active, State.completed, State.cancelled])
    expect(errorFingerprint({ state, history, policy: null })).toBeNull();
  expect(errorFingerprint({ state: State.discarded, history: '', policy: null })).toBeNull();
  const change = { id: '', from: State.active, events: [] };
  expect(fingerprintAfter({ ...change, to: State.retryable, history })).toBe(expected);
  expect(fingerprintAfter({ ...change, to: State.retryable })).toBeUndefined();
  expect(fingerprintAfter({ ...change, to: State.available, history })).toBeNull();
});
