import { assertEnqueued, fakeMode } from '@ojs-ts/sdk/testing';
import { aroundEach, describe, test } from 'vitest';
import { emailSend, signUp } from './signup.ts';

describe.concurrent('sign-ups', () => {
  aroundEach((runTest) => fakeMode(() => runTest()));

  test.each(['ada', 'bob', 'eve'])('of %s', async (name) => {
    await signUp(name);
    assertEnqueued(emailSend, { count: 2 });
  });
});
