import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allEnqueued, assertEnqueued, fakeMode } from '@ojs-ts/sdk/testing';
import { emailSend, signUp } from './signup.ts';

describe('sign-ups at the same time', { concurrency: true }, () => {
  for (const name of ['ada', 'bob']) {
    test(`of ${name}`, () =>
      fakeMode(async () => {
        await signUp(name);
        assertEnqueued(emailSend, { args: [name, 'welcome'] });
        assert.equal(allEnqueued().length, 2);
      }));
  }
});
