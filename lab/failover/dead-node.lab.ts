import { State } from '@ojs-ts/core/job';
import { expect, test } from 'vitest';
import { openStorage } from '../../packages/server/src/storage/open.ts';
import type { Storage } from '../../packages/server/src/storage/storage.ts';
import {
  claimOf,
  idOf,
  insert,
  limitOf,
  newJob,
  t0,
  to,
  uniqueOf,
} from '../../packages/server/test/storage/suite/tools.ts';
import { storages } from '../../packages/server/test/support/storages.ts';
import { storeProxy } from '../../packages/server/test/support/store-proxy.ts';

const remote = storages.filter(({ name }) => name === 'postgres' || name === 'redis');
/** What others wait for at most where a node goes dead with a lock in its hand. */
const patienceMs = 10_000;

/** A change that a node is in the middle of, and a call of another node that meets it. */
const meetings: Readonly<
  Record<
    string,
    readonly [change: (storage: Storage) => Promise<unknown>, other: (storage: Storage) => Promise<unknown>]
  >
> = {
  'the numbers of a limit, and a claim under it': [
    (storage) => storage.registry.overrideLimit('k', { concurrency: 2, rates: [] }, t0),
    (storage) => storage.jobs.claim([claimOf({ limit: 5 })], t0),
  ],
  'the settings of a queue, and a claim of it': [
    (storage) => storage.registry.configureQueue('default', { limit: { concurrency: 2, rates: [] } }, t0),
    (storage) => storage.jobs.claim([claimOf({ limit: 5 })], t0),
  ],
  'two jobs of one unique key': [
    (storage) => storage.jobs.insert([[newJob(7, { unique: uniqueOf() })]], t0),
    (storage) => storage.jobs.insert([[newJob(8, { unique: uniqueOf() })]], t0),
  ],
  'a job that is cancelled, and claims': [
    (storage) => storage.jobs.transition([to(idOf(1), State.cancelled, State.available)], t0),
    (storage) => storage.jobs.claim([claimOf({ limit: 5 })], t0),
  ],
  'two ends of one job': [
    (storage) => storage.jobs.transition([to(idOf(2), State.cancelled, State.available)], t0),
    (storage) => storage.jobs.transition([to(idOf(2), State.cancelled, State.available)], t0),
  ],
};

const cases = remote.flatMap((storage) =>
  Object.entries(meetings).map(([title, meeting]) => ({ ...storage, title, meeting })),
);

test.concurrent.each(cases)(
  'a node goes dead in the middle of a change, $name: $title',
  async ({ url, meeting: [change, other] }) => {
    const target = url();
    await using direct = await openStorage(target);
    await direct.migrate();
    await insert(
      direct,
      [1, 2, 3, 4].map((number) =>
        newJob(number, { limits: number % 2 === 0 ? [limitOf('k', { concurrency: 1 })] : [] }),
      ),
    );
    await using proxy = await storeProxy(target);
    const dead = await openStorage(proxy.url);
    await dead.ping();
    const hole = proxy.blackHole();
    const stuck = change(dead).catch(() => {});
    await hole;
    const from = performance.now();
    await other(direct);
    expect(performance.now() - from).toBeLessThan(patienceMs);
    await proxy[Symbol.asyncDispose]();
    await stuck;
    await dead[Symbol.asyncDispose]();
  },
);
