import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '@ojs-ts/sdk';
import { assertCompleted, drain, fakeMode } from '@ojs-ts/sdk/testing';
import { worker } from '../src/handlers.ts';
import { emailWelcome } from '../src/jobs.ts';

// In fake mode jobs stay in the memory of the test, and drain() runs them.
test('a welcome is sent', () =>
  fakeMode(async (store) => {
    store.useWorker(worker);
    const client = new Client();

    const job = await client.enqueue(emailWelcome, ['ada@example.com', 'Ada']);
    assert.equal(await drain(), 1);

    assertCompleted(emailWelcome, { args: ['ada@example.com', 'Ada'] });
    assert.deepEqual(await job.wait(), { messageId: `welcome-${job.id}` });
  }));

test('a text without @ is no address, and is not tried again', () =>
  fakeMode(async (store) => {
    store.useWorker(worker);
    const client = new Client();

    const job = await client.enqueue(emailWelcome, ['ada', 'Ada']);
    await drain();

    assert.equal((await job.refresh()).state, 'discarded');
  }));
