import { State, Waiting } from '@ojs-ts/core';
import { expect, test } from 'vitest';
import { redisStorage } from '../../../../src/storage/redis/redis.ts';
import type { Storage } from '../../../../src/storage/storage.ts';
import { StoreUnavailable } from '../../../../src/storage/unavailable.ts';
import { idOf, insert, newJob, newNode, newWorkflow, t0, to } from '../../suite/tools.ts';
import { server } from '../namespace.ts';
import { newPrefix, urlOf, wholeUrlOf } from './stores.ts';

/** Starts with the map, does what is given, and ends. */
async function start(url: string, work: (storage: Storage) => Promise<unknown> = async () => {}): Promise<void> {
  await using storage = await redisStorage({ url });
  await storage.migrate();
  await work(storage);
}

const cron = (queue: string) => ({
  name: 'c',
  spec: JSON.stringify({ enqueue: `{"type":"x","queue":"${queue}","args":[]}` }),
  enabled: true,
  dueAt: t0,
});

test.skipIf(server === null)(
  'a store by itself grows: it stays the first namespace and keeps its queues; another map that leaves them is refused',
  async () => {
    const prefix = newPrefix();
    await start(wholeUrlOf('ojs', prefix), (storage) => insert(storage, [newJob(1), newJob(2, { queue: 'emails' })]));
    await expect(start(urlOf('ojs:*;b:emails', prefix))).rejects.toThrow(
      /queue emails would be looked for elsewhere but is in namespace \S+ojs; keep them in \S+ojs, or/,
    );
    await expect(start(urlOf('b:reports;ojs:*', prefix))).rejects.toThrow(/used before as a store by itself/);
    await start(urlOf('ojs:*;b:reports', prefix), async (storage) => {
      await insert(storage, [newJob(3, { queue: 'reports' })]);
      expect(await storage.jobs.get([1, 2, 3].map(idOf))).not.toContain(null);
    });
    // From now on nobody opens a part for the whole.
    for (const name of ['ojs', 'b'])
      await expect(start(wholeUrlOf(name, prefix))).rejects.toThrow(
        /one of several namespaces: open it with \?namespaces=/,
      );
    await start(urlOf('ojs:*;b:reports', prefix));
    await expect(start(urlOf('ojs:*', prefix))).rejects.toThrow(
      /queue reports .* in namespace \S+b, which the map has no longer/,
    );
    await expect(start(urlOf('b:reports;ojs:*', prefix))).rejects.toThrow(/must stay the first/);
    await start(urlOf('ojs:*;b:reports', prefix), async (storage) => {
      await storage.jobs.remove([idOf(3)], { from: State.available }, t0);
      expect(await storage.registry.removeQueue('reports')).toBe(true);
    });
    await start(urlOf('ojs:*', prefix));
    await start(wholeUrlOf('ojs', prefix), async (storage) => expect(await storage.registry.queues()).toHaveLength(2));
  },
);

test.skipIf(server === null)('crons and steps to come hold their queue where it is', async () => {
  const prefix = newPrefix();
  const node = newNode(0, { spec: '{"job":{"type":"x","queue":"later","args":[]}}' });
  await start(urlOf('a:*;b:b', prefix), async ({ crons, workflows }) => {
    await crons.put(cron('nightly'), t0);
    await workflows.create(newWorkflow(), [node], [], t0);
  });
  await expect(start(urlOf('a:*;b:b,nightly', prefix))).rejects.toThrow(
    /cron c in namespace \S+a is for queue nightly; remove the cron/,
  );
  await expect(start(urlOf('a:*;b:b,later', prefix))).rejects.toThrow(
    /workflow w in namespace \S+a has steps for queue later to come/,
  );
  await start(urlOf('a:*;b:b', prefix), async ({ crons, workflows }) => {
    await crons.remove('c');
    await workflows.cancel('w', [], t0);
  });
  await start(urlOf('a:*;b:b,later,nightly', prefix));
});

test.skipIf(server === null)(
  'a server whose map is not that of the store any more stops working when it next looks at the clock, one without a map too',
  async () => {
    const prefix = newPrefix();
    await using whole = await redisStorage({ url: wholeUrlOf('a', prefix) });
    await whole.migrate();
    await whole.clock();
    await whole.ping();
    await using old = await redisStorage({ url: urlOf('a:*;b:b', prefix) });
    await old.migrate();
    await insert(old, [newJob(1)]);
    await old.jobs.transition([to(idOf(1), State.cancelled, Waiting)], t0);
    await old.jobs.remove([idOf(1)], { from: State.cancelled }, t0);
    await start(urlOf('a:*;b:b,reports', prefix));
    await old.clock();
    await expect(insert(old, [newJob(2, { queue: 'reports' })])).rejects.toThrow(StoreUnavailable);
    await expect(old.ping()).rejects.toThrow(/start this server again with the new map/);
    await whole.clock();
    await expect(insert(whole, [newJob(3)])).rejects.toThrow(StoreUnavailable);
  },
);
