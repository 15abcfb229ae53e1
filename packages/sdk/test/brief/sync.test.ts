import assert from 'node:assert/strict';
import { expect, test } from 'vitest';
import { SyncClient } from '../../src/sync/index.ts';
import { serve } from '../support/serve.ts';

test('SyncClient for Tests', async () => {
  await using server = await serve();
  function testSyncEnqueue() {
    using client = new SyncClient(server.url);
    const job = client.enqueue('email.send', ['user@example.com', 'welcome']);
    assert.ok(job.id);
    return [
      client.listQueues().map(({ name }) => name),
      client.health().status,
      client.queueStats('default').available,
    ];
  }
  expect(testSyncEnqueue()).toEqual([['default'], 'ok', 1]);
});
