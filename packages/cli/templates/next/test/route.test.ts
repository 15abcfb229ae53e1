import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertEnqueued, fakeMode, refuteEnqueued } from '@ojs-ts/sdk/testing';
import { POST } from '../src/app/api/welcome/route.ts';
import { emailWelcome } from '../src/jobs.ts';

const post = (body: object) =>
  POST(new Request('http://localhost/api/welcome', { method: 'POST', body: JSON.stringify(body) }));

test('POST /api/welcome enqueues a welcome', () =>
  fakeMode(async () => {
    const { status } = await post({ to: 'ada@example.com', name: 'Ada' });

    assert.equal(status, 202);
    assertEnqueued(emailWelcome, { args: ['ada@example.com', 'Ada'], count: 1 });
  }));

test('POST /api/welcome without a name is refused', () =>
  fakeMode(async () => {
    const { status } = await post({ to: 'ada@example.com' });

    assert.equal(status, 400);
    refuteEnqueued(emailWelcome);
  }));
