import { assertPerformed, drain, type FakeStore, fakeMode } from '@ojs-ts/sdk/testing';
import { afterEach, beforeEach, test } from 'vitest';
import { emailSend, signUp, worker } from './signup.ts';

let store: FakeStore;
beforeEach(() => {
  store = fakeMode().useWorker(worker);
  store.freezeTime('2026-02-13T10:00:00Z');
});
afterEach(() => store.restore());

test('both mails are sent, a day apart', async () => {
  await signUp('ada@example.com');
  await drain();
  store.advanceTime('1d');
  await drain();
  assertPerformed(emailSend, { count: 2 });
});
