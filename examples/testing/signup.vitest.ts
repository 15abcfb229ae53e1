import { allEnqueued, assertEnqueued, fakeMode, refuteEnqueued, restore } from '@ojs-ts/sdk/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { emailSend, signUp } from './signup.ts';

beforeEach(() => {
  fakeMode();
});
afterEach(() => {
  restore();
});

test('a sign-up sends the welcome at once and the tips a day later', async () => {
  await signUp('ada@example.com');

  assertEnqueued(emailSend, { count: 2 });
  assertEnqueued(emailSend, { args: ['ada@example.com', 'welcome'], queue: 'email', meta: { source: 'signup' } });
  refuteEnqueued('billing.charge');

  const [welcome, tips] = allEnqueued({ jobType: 'email.send' });
  expect(welcome?.state).toBe('available');
  expect(tips?.state).toBe('scheduled');
});
