// docs/internals/operations.md against the table of core, and against what the methods send.
import { readFileSync } from 'node:fs';
import { operationNames } from '@ojs-ts/core/operations';
import { openEmbedded } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { Admin, Client, chain } from '../../src/index.ts';
import { SyncClient } from '../../src/sync/index.ts';
import { Faulty } from '../support/faulty.ts';

const page = readFileSync(new URL('../../../../docs/internals/operations.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `(\w+\.\w+)` \| (.+) \|$/gm)].map(([, operation = '', how = '']) => ({
  operation,
  how,
}));
const classes = { Client: Client.prototype, Admin: Admin.prototype };
const named = rows.flatMap(({ operation, how }) =>
  how.startsWith('not needed')
    ? []
    : [...how.matchAll(/`(Client|Admin)\.(\w+)`/g)].map(([, owner = '', method = '']) => ({
        operation,
        owner,
        method,
      })),
);

test('every operation has a method of the SDK, or a reason why it needs none', () => {
  expect(rows.map(({ operation }) => operation)).toEqual(operationNames);
  for (const { operation, how } of rows) {
    expect([operation, how]).toEqual([
      operation,
      expect.stringMatching(/^(`(Client|Admin|JobHandle)\.\w+`|`Worker`|not needed: \S)/),
    ]);
  }
});

test('the sync client has every method of a Client but those that are asynchronous by nature', () => {
  const missing = Object.getOwnPropertyNames(Client.prototype).filter((name) => !(name in SyncClient.prototype));
  expect(missing).toEqual(['enqueueMiddleware', 'events']);
});

/** Of methods that a name alone does not satisfy. */
const args: Readonly<Record<string, readonly unknown[]>> = {
  enqueue: ['a.job', []],
  enqueueBatch: [[{ type: 'a.job', args: [] }]],
  workflow: [chain('one', [{ type: 'a.job', args: [] }])],
  registerCronJob: ['tick', '@daily', 'a.job'],
  updateCronJob: ['tick', { enabled: false }],
  registerSchema: ['urn:x:v1', 'a.job', '1', {}],
  getSchemaVersion: ['a.job', '1'],
  deleteSchemaVersion: ['a.job', '1'],
  configureQueue: ['x', { concurrency: 1 }],
  overrideLimit: ['x', { concurrency: 1 }],
  createToken: [{ name: 'x', roles: ['viewer'] }],
  diagnose: [],
  editJob: ['x', { priority: 1 }],
  startBulk: [{ action: 'cancel', filter: {} }],
  countBulk: [{ action: 'cancel', filter: {} }],
  purgeQueue: ['x', { states: 'completed' }],
  ...Object.fromEntries(
    ['cancelJobs', 'retryJobs', 'deleteJobs', 'retryDeadLetterJobs', 'purgeDeadLetter'].map((name) => [name, [{}]]),
  ),
  ...Object.fromEntries(
    named.flatMap(({ method }) =>
      /^(list(?!SchemaVersions)|manifest|health|deadLetterStats|errors|stats|queueOverview|serverConfig)|[mM]aintenance$/.test(
        method,
      )
        ? [[method, []]]
        : [],
    ),
  ),
};

test('each method sends the operation that the table says', async () => {
  await using embedded = await openEmbedded('memory:');
  for (const { operation, owner, method } of named) {
    const wire = new Faulty(embedded);
    await using client =
      owner === 'Client' ? new Client(wire, { requestRetry: false }) : new Admin(wire, { requestRetry: false });
    if (method === 'events') {
      const { done } = await new Client({ call: (call) => wire.call(call), [Symbol.asyncDispose]: async () => {} })
        .events({ after: '0' })
        [Symbol.asyncIterator]()
        .next();
      expect(done).toBe(false);
    } else {
      const found: unknown = Reflect.get(classes[owner === 'Client' ? 'Client' : 'Admin'], method);
      if (typeof found !== 'function') throw new Error(`${owner} has no method ${method}`);
      const call = () => Promise.resolve(Reflect.apply(found, client, args[method] ?? ['x'])).catch(() => {});
      await Promise.all(operation === 'bulk.enqueue' ? [call(), call()] : [call()]);
    }
    expect([method, wire.calls.map((call) => call.operation)]).toEqual([method, expect.arrayContaining([operation])]);
  }
});
