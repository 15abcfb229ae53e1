// Run by jest.long.ts with Jest, against the packed packages: the recipes of docs/guides/testing.md.
const { Client } = require('@ojs-ts/sdk');
const { allEnqueued, assertEnqueued, drain, fakeMode, restore } = require('@ojs-ts/sdk/testing');

const client = new Client('http://localhost:9', { requestRetry: false });

/** Resolves when so many tests are there: they do run at the same time. */
function meeting(count) {
  const { promise, resolve } = Promise.withResolvers();
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
    assertEnqueued('email.send', { args: [expect.any(String)], count: 1 });
  });

  test('the next starts with nothing', async () => {
    expect(allEnqueued()).toEqual([]);
    await client.enqueue('email.send', ['next']);
    assertEnqueued('email.send', { args: ['next'], count: 1 });
  });

  test('an inner mode', async () => {
    await client.enqueue('email.send', ['outer']);
    await fakeMode(async (store) => {
      store.registerHandler('email.send', () => null);
      await client.enqueue('email.send', ['inner']);
      expect(await drain()).toBe(1);
    });
    assertEnqueued('email.send', { args: ['outer'], count: 1 });
  });
});

describe('bodies of concurrent tests', () => {
  const [meet, meetAgain] = [meeting(3), meeting(3)];
  for (const number of [1, 2, 3]) {
    test.concurrent(`number ${number}`, () =>
      fakeMode(async () => {
        await meet();
        await client.enqueue('email.send', [number]);
        await meetAgain();
        expect(allEnqueued().map(({ args }) => args)).toEqual([[number]]);
      }));
  }
});

test('afterwards calls go to the server again', async () => {
  expect(() => allEnqueued()).toThrow('No test mode is on');
  await expect(client.enqueue('email.send', [])).rejects.toMatchObject({ name: 'OJSConnectionError' });
});
