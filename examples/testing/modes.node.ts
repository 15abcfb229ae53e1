import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '@ojs-ts/sdk';
import { assertCompleted, assertPerformed, drain, inlineMode, realMode } from '@ojs-ts/sdk/testing';
import { client, emailSend, signUp, worker } from './signup.ts';

test('inline: enqueue runs the job', async () => {
  using store = inlineMode();
  store.useWorker(worker);

  await signUp('ada@example.com');
  assertPerformed(emailSend, { count: 2 });
  await assert.rejects(client.enqueue(emailSend, ['ada', 'welcome']), /ada is no address/);
});

test('real: a server in this process', async () => {
  const store = await realMode();
  const real = new Client(store.url);
  store.useWorker(worker);

  const job = await real.enqueue(emailSend, ['ada@example.com', 'welcome']);
  assert.equal(await drain({ timeout: '10s' }), 1);
  assertCompleted(emailSend);
  assert.deepEqual(await job.wait(), { sent: true });

  await real.close();
  await store[Symbol.asyncDispose]();
});
