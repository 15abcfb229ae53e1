import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertEnqueued, fakeMode, refuteEnqueued } from '@ojs-ts/sdk/testing';
import { buildApp } from '../src/app.ts';
import { emailWelcome } from '../src/jobs.ts';

test('POST /welcome enqueues a welcome', () =>
  fakeMode(async () => {
    const app = await buildApp();
    const payload = { to: 'ada@example.com', name: 'Ada' };

    const answer = await app.inject({ method: 'POST', url: '/welcome', payload });

    assert.equal(answer.statusCode, 202);
    assertEnqueued(emailWelcome, { args: ['ada@example.com', 'Ada'], count: 1 });
    await app.close();
  }));

test('POST /welcome without a name is refused', () =>
  fakeMode(async () => {
    const app = await buildApp();

    const answer = await app.inject({ method: 'POST', url: '/welcome', payload: { to: 'ada@example.com' } });

    assert.equal(answer.statusCode, 400);
    refuteEnqueued(emailWelcome);
    await app.close();
  }));
