import { State, Waiting } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import { redisStorage } from '../../../../src/storage/redis/redis.ts';
import type { Storage } from '../../../../src/storage/storage.ts';
import { StoreUnavailable } from '../../../../src/storage/unavailable.ts';
import { cronsOf } from '../../crons-of.ts';
import { idOf, insert, newJob, newNode, newWorkflow, t0, to } from '../../suite/tools.ts';
import { test } from '../namespace.ts';
import { newPrefix, urlOf, wholeUrlOf } from './stores.ts';

/** Starts with the map, does the work, and closes. */
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

test('a store of one namespace grows as the first of a map that keeps its queues; other maps are refused', async () => {
  const prefix = newPrefix();
  await start(wholeUrlOf('ojs', prefix), (storage) => insert(storage, [newJob(1), newJob(2, { queue: 'emails' })]));
  await expect(start(urlOf('ojs:*;b:emails', prefix))).rejects.toThrow(
    /the map moves queue emails, which is in namespace \S+ojs; keep them in \S+ojs, or/,
  );
  await expect(start(urlOf('b:reports;ojs:*', prefix))).rejects.toThrow(/used before as a store by itself/);
  await start(urlOf('ojs:*;b:reports', prefix), async (storage) => {
    await insert(storage, [newJob(3, { queue: 'reports' })]);
    expect(await storage.jobs.get([1, 2, 3].map(idOf))).not.toContain(null);
  });
  // A shard cannot be opened as a store by itself.
  for (const name of ['ojs', 'b'])
    await expect(start(wholeUrlOf(name, prefix))).rejects.toThrow(
      /one of several namespaces: open it with \?namespaces=/,
    );
  await start(urlOf('ojs:*;b:reports', prefix));
  await expect(start(urlOf('ojs:*', prefix))).rejects.toThrow(
    /queue reports, which is in namespace \S+b, and leaves that namespace out/,
  );
  await expect(start(urlOf('b:reports;ojs:*', prefix))).rejects.toThrow(/must stay the first/);
  await start(urlOf('ojs:*;b:reports', prefix), async (storage) => {
    await storage.jobs.remove([idOf(3)], { from: State.available }, t0);
    expect(await storage.registry.removeQueue('reports')).toBe(true);
  });
  await start(urlOf('ojs:*', prefix));
  await start(wholeUrlOf('ojs', prefix), async (storage) => expect(await storage.registry.queues()).toHaveLength(2));
});

test('a map that moves the queue of a cron or of a waiting step is refused', async () => {
  const prefix = newPrefix();
  const node = newNode(0, { spec: '{"run":{"type":"x","queue":"later","args":[]}}' });
  await start(urlOf('a:*;b:b', prefix), async ({ records, workflows }) => {
    await cronsOf({ records }).put(cron('nightly'), t0);
    await workflows.create(newWorkflow(), [node], [], t0);
  });
  await expect(start(urlOf('a:*;b:b,nightly', prefix))).rejects.toThrow(
    /cron c in namespace \S+a is for queue nightly; remove the cron/,
  );
  await expect(start(urlOf('a:*;b:b,later', prefix))).rejects.toThrow(
    /workflow w in namespace \S+a has steps for queue later to come/,
  );
  await start(urlOf('a:*;b:b', prefix), async ({ records, workflows }) => {
    await cronsOf({ records }).remove('c');
    await workflows.cancel('w', [], t0);
  });
  await start(urlOf('a:*;b:b,later,nightly', prefix));
});

test('a server with a former map, or without one, refuses calls after it next reads the clock', async () => {
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
  await expect(old.ping()).rejects.toThrow(/restart this one with the same namespaces/);
  await whole.clock();
  await expect(insert(whole, [newJob(3)])).rejects.toThrow(StoreUnavailable);
});
