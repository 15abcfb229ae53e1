import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allEnqueued,
  assertCompleted,
  assertFailed,
  assertPerformed,
  drain,
  fakeMode,
  perform,
  refutePerformed,
} from '@ojs-ts/sdk/testing';
import { client, emailSend, signUp, worker } from './signup.ts';

test('drain runs what is enqueued', async () => {
  using store = fakeMode();
  store.registerHandler(emailSend, ({ args: [to] }) => ({ sent: to !== '' }));

  await signUp('ada@example.com');
  refutePerformed(emailSend);

  assert.equal(await drain(), 1); // the other one has its time tomorrow
  assertCompleted(emailSend, { args: ['ada@example.com', 'welcome'] });
  assert.deepEqual(allEnqueued()[0]?.result, { sent: true });
});

test('time is yours', async () => {
  using store = fakeMode();
  store.useWorker(worker);
  store.freezeTime('2026-02-13T10:00:00Z');

  await signUp('ada@example.com');
  await drain();
  store.advanceTime('1d');
  assert.equal(await drain(), 1);
  assertPerformed(emailSend, { count: 2 });
});

test('a failure is tried again when its backoff is over', async () => {
  using store = fakeMode();
  store.useWorker(worker).failNext(emailSend, new Error('SMTP connection refused'));

  const job = await client.enqueue(emailSend, ['ada@example.com', 'welcome'], { retry: { initialInterval: '10s' } });
  await drain();
  assertFailed(emailSend);

  store.advanceTime('10s');
  await drain();
  assert.equal((await job.refresh()).attempt, 2);
  assertCompleted(emailSend);
});

test('one handler alone', async () => {
  using store = fakeMode();
  store.useWorker(worker);

  assert.deepEqual(await perform(emailSend, ['ada@example.com', 'welcome']), { sent: true });
  await assert.rejects(perform(emailSend, ['ada', 'welcome']), /ada is no address/);
});
