// Run by runners.long.ts with a vitest of its own: the recipes of docs/guides/testing.md.
import { Client } from '@ojs-ts/sdk';
import { allEnqueued, assertEnqueued, drain, fakeMode, restore } from '@ojs-ts/sdk/testing';
import { afterEach, aroundEach, beforeEach, describe, expect, test } from 'vitest';

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
    expect(allEnqueued()).toEqual([]);
    await client.enqueue('email.send', ['next']);
    assertEnqueued('email.send', { args: ['next'], count: 1 });
  });

  test('an inner mode', async () => {
    await client.enqueue('email.send', ['outer']);
    {
      using store = fakeMode();
      store.registerHandler('email.send', () => null);
      await client.enqueue('email.send', ['inner']);
      expect(await drain()).toBe(1);
    }
    assertEnqueued('email.send', { args: ['outer'], count: 1 });
    expect(allEnqueued()).toHaveLength(1);
  });
});

describe.concurrent('aroundEach of concurrent tests', () => {
  const [meet, meetAgain] = [meeting(3), meeting(3)];
  aroundEach((runTest) => fakeMode(() => runTest()));

  test.each([1, 2, 3])('number %i', async (number) => {
    await meet();
    await client.enqueue('email.send', [number]);
    await meetAgain();
    expect(allEnqueued().map(({ args }) => args)).toEqual([[number]]);
  });
});

describe.concurrent('bodies of concurrent tests', () => {
  const [meet, meetAgain] = [meeting(3), meeting(3)];

  test.each([1, 2, 3])('number %i', (number) =>
    fakeMode(async () => {
      await meet();
      await client.enqueue('email.send', [number]);
      await meetAgain();
      expect(allEnqueued().map(({ args }) => args)).toEqual([[number]]);
    }),
  );
});

test('afterwards calls go to the server again', async () => {
  expect(() => allEnqueued()).toThrow('No test mode is on');
  await expect(client.enqueue('email.send', [])).rejects.toMatchObject({ name: 'OJSConnectionError' });
});
