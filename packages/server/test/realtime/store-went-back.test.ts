import { describe, expect, test } from 'vitest';
import { readEvents } from '../../src/realtime/log/events.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { pagesThroughJson, recordsOf } from '../storage/suite/dump.ts';
import { type ClockedServer, serveClocked } from '../support/clocked.ts';
import { storages } from '../support/storages.ts';
import { followStream, openSocket } from '../support/streams.ts';

async function push({ bench }: ClockedServer, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    bench.clock.advance(1_000);
    await bench.push({ queue: 'a' });
  }
}

/** The store loses what it got during `work`, as after a crash, a failover or a restore; then its log grows again. */
async function goBack(server: ClockedServer, work: () => Promise<void>): Promise<void> {
  const { storage } = server.bench.engine;
  const before = await recordsOf(storage);
  await work();
  await storage.clear();
  await storage.backup.restore(pagesThroughJson(before));
  await push(server, 9);
}

function poll(storage: Storage, after: string | null) {
  return readEvents(storage, 'ojs://test', { after, types: [], queues: [], jobTypes: [], limit: 100 });
}

describe.each(storages)('a store that has lost its last writes, $name', ({ url }) => {
  test('answers a poll with a gap and all events, by a cursor and by the id of an event', async () => {
    await using server = await serveClocked(url());
    const { storage } = server.bench.engine;
    await push(server, 3);
    const early = await poll(storage, null);
    const cursors: string[] = [];
    await goBack(server, async () => {
      await push(server, 5);
      const { cursor, events } = await poll(storage, early.cursor);
      cursors.push(cursor, events.at(-1)?.id ?? '');
      expect(await poll(storage, cursor)).toMatchObject({ events: [], gap: false });
    });
    for (const cursor of cursors) {
      const page = await poll(storage, cursor);
      expect([page.gap, page.events.length]).toEqual([true, 12]);
    }
    // The reader of what was kept has missed nothing.
    const kept = await poll(storage, early.cursor);
    expect([kept.gap, kept.events.length]).toEqual([false, 9]);
  });

  test('tells streams, sockets and those that still follow of a gap', async () => {
    await using server = await serveClocked(url());
    await push(server, 3);
    const gap = Promise.withResolvers<void>();
    const { subscriptions } = server.bench.engine;
    let seen = 0;
    const onEvent = () => {
      seen += 1;
    };
    const follower = subscriptions.subscribe('all', { onEvent, onGap: () => gap.resolve() });
    await follower.live;
    let last = '';
    await goBack(server, async () => {
      using stream = await followStream(server.url, '/queues/a/events');
      await push(server, 5);
      last = (await stream.events.take(5)).at(-1)?.id ?? '';
      // One that has seen nothing of what is lost has no gap.
      await expect.poll(() => seen).toBe(5);
    });
    using again = await followStream(server.url, '/queues/a/events', { 'last-event-id': last });
    expect((await again.events.take(1))[0]?.event).toBe('system.gap');
    using socket = await openSocket(server.url);
    expect(await socket.ask({ action: 'resume', last_event_id: last })).toMatchObject({ code: 'unknown_event_id' });
    await gap.promise;
    follower.close();
  });
});
