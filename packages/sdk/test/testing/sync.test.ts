import { expect, test } from 'vitest';
import { chain, OJSError } from '../../src/index.ts';
import { SyncClient } from '../../src/sync/index.ts';
import { allEnqueued, assertEnqueued, drain, fakeMode, inlineMode } from '../../src/testing/index.ts';

test('drain processes the jobs of a SyncClient: no thread, no network', async () => {
  using store = fakeMode();
  store.registerHandler('email.send', () => 'sent');

  const client = new SyncClient('http://localhost:9');
  const job = client.enqueue('email.send', ['user@example.com']);
  client.enqueueBatch([{ type: 'email.send', args: ['b'], delay: '1h' }]);
  client.workflow(chain('c', [{ type: 'email.send', args: ['c'] }]));

  assertEnqueued('email.send', { count: 3 });
  expect(allEnqueued()).toHaveLength(3);
  expect(await drain()).toBe(2);
  expect(client.getJob(job.id)).toMatchObject({ state: 'completed', result: 'sent' });
});

test('inline mode is refused, and nothing is enqueued', () => {
  using store = inlineMode();
  store.registerHandler('email.send', () => null);
  const client = new SyncClient('http://localhost:9');
  expect(() => client.enqueue('email.send', [])).toThrow(OJSError);
  expect(allEnqueued()).toHaveLength(0);
});
