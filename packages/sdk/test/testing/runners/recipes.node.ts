// Run by runners.long.ts with `node --test`: the recipes of docs/guides/testing.md.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Client } from '@ojs-ts/sdk';
import { allEnqueued, assertEnqueued, drain, fakeMode, restore } from '@ojs-ts/sdk/testing';

const client = new Client('http://localhost:9', { requestRetry: false });

/** Resolves when so many tests are there: they do run at the same time. */
function meeting(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let there = 0;
  return () => {
    there += 1;
    if (there === count) resolve();
    return promise;
  };
}

describe('hooks', () => {
  beforeEach(() => {
    fakeMode();
  });
  afterEach(() => {
    restore();
  });

  test('first', async () => {
    await client.enqueue('email.send', ['first']);
    assertEnqueued('email.send', { count: 1 });
  });

  test('the next starts with nothing', async () => {
    assert.deepEqual(allEnqueued(), []);
    await client.enqueue('email.send', ['next']);
    assertEnqueued('email.send', { args: ['next'], count: 1 });
  });

  test('an inner mode', async () => {
    await client.enqueue('email.send', ['outer']);
    {
      using store = fakeMode();
      store.registerHandler('email.send', () => null);
      await client.enqueue('email.send', ['inner']);
      assert.equal(await drain(), 1);
    }
    assertEnqueued('email.send', { args: ['outer'], count: 1 });
    assert.equal(allEnqueued().length, 1);
  });
});

describe('bodies of concurrent tests', { concurrency: 3 }, () => {
  const [meet, meetAgain] = [meeting(3), meeting(3)];
  for (const number of [1, 2, 3]) {
    test(`number ${number}`, () =>
      fakeMode(async () => {
        await meet();
        await client.enqueue('email.send', [number]);
        await meetAgain();
        assert.deepEqual(
          allEnqueued().map(({ args }) => args),
          [[number]],
        );
      }));
  }
});

describe('using in concurrent tests', { concurrency: 3 }, () => {
  const [meet, meetAgain] = [meeting(3), meeting(3)];
  for (const number of [1, 2, 3]) {
    test(`number ${number}`, async () => {
      using _ = fakeMode();
      await meet();
      await client.enqueue('email.send', [number]);
      await meetAgain();
      assert.deepEqual(
        allEnqueued().map(({ args }) => args),
        [[number]],
      );
    });
  }
});

test('afterwards calls go to the server again', async () => {
  assert.throws(() => allEnqueued(), /No test mode is on/);
  await assert.rejects(client.enqueue('email.send', []), { name: 'OJSConnectionError' });
});
