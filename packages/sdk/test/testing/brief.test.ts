// The brief's Testing section, in TypeScript. Nothing listens on the URL.
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as ojs from '../../src/index.ts';
import {
  allEnqueued,
  assertEnqueued,
  assertNotEnqueued,
  clearAll,
  drain,
  fakeMode,
  refuteEnqueued,
  restore,
} from '../../src/testing/index.ts';

beforeEach(() => {
  fakeMode();
});
afterEach(() => {
  restore();
});

test('signup enqueues welcome email', async () => {
  const client = new ojs.Client('http://localhost:9');

  await client.enqueue('email.send', ['user@example.com', 'welcome'], { queue: 'email' });
  await client.enqueue('analytics.track', ['signup']);

  assertEnqueued('email.send');
  assertEnqueued('email.send', { args: ['user@example.com', 'welcome'], queue: 'email' });
  assertEnqueued('email.send', { count: 1 });
  refuteEnqueued('billing.charge');
  assertNotEnqueued('billing.charge');

  const emailJobs = allEnqueued({ jobType: 'email.send' });
  expect(emailJobs).toHaveLength(1);
  expect(emailJobs[0]?.args[0]).toBe('user@example.com');

  expect(allEnqueued({ queue: 'email' })).toHaveLength(1);
  clearAll();
  expect(allEnqueued()).toEqual([]);
});

test('drain processes jobs', async () => {
  using store = fakeMode();
  store.registerHandler('email.send', () => null);

  const client = new ojs.Client('http://localhost:9');
  await client.enqueue('email.send', ['user@example.com']);

  expect(await drain()).toBe(1);
});

test('jobs of an earlier test are gone', () => {
  expect(allEnqueued()).toEqual([]);
});
