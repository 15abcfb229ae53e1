import { describe, expect, test } from 'vitest';
import { Client, OJSValidationError } from '../../src/index.ts';
import { allEnqueued, drain, fakeMode, inlineMode, perform, realMode } from '../../src/testing/index.ts';

const client = new Client('http://localhost:9');
const cases: [string, () => unknown, string][] = [
  ['a BigInt', () => ({ total: 1n }), 'invalid_result'],
  ['3 MB', () => 'x'.repeat(3_000_000), 'result_too_large'],
];

describe.each(cases)('a result that cannot be sent: %s', (_, handler, type) => {
  test('fake mode: the job fails as with a server', async () => {
    using store = fakeMode();
    store.registerHandler('a.job', handler);
    const job = await client.enqueue('a.job', [], { retry: { maxAttempts: 3 } });
    expect(await drain()).toBe(1);
    expect(allEnqueued()[0]).toMatchObject({
      state: 'discarded',
      attempt: 1,
      error: { type, code: type, retryable: false },
    });
    await expect(job.wait()).rejects.toMatchObject({ name: 'JobFailedError', errors: [{ type }] });
  });

  test('inline mode: enqueue rejects', async () => {
    using store = inlineMode();
    store.registerHandler('a.job', handler);
    await expect(client.enqueue('a.job', [])).rejects.toMatchObject({ name: 'ResultError', code: type });
    await expect(client.enqueue('a.job', [])).rejects.toThrow(OJSValidationError);
  });

  test('perform() rejects', async () => {
    using store = fakeMode();
    store.registerHandler('a.job', handler);
    await expect(perform('a.job', [])).rejects.toMatchObject({ code: type });
  });

  test('real mode: the job fails', async () => {
    await using store = await realMode();
    store.registerHandler('a.job', handler);
    await using real = new Client(store.url);
    const job = await real.enqueue('a.job', [], { retry: { maxAttempts: 3 } });
    expect(await drain()).toBe(1);
    expect(await job.refresh()).toMatchObject({ state: 'discarded', attempt: 1, error: { type } });
  });
});
