import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { SlowReaders } from '../../src/realtime/http/slow-readers.ts';
import { items, newJob } from '../support/engine.ts';
import { serve } from '../support/server.ts';
import { followStream } from '../support/streams.ts';

function kept() {
  const lines: (readonly [string, object])[] = [];
  const dropped: string[] = [];
  const reader = (name: string) => ({ destroy: () => dropped.push(name) });
  return { lines, dropped, reader, slow: new SlowReaders(100, (fields, event) => lines.push([event, fields])) };
}

test('who waits longest is dropped where all hold too much, after a moment only, and whoever reads nothing for 15 s', () => {
  const { lines, dropped, reader, slow } = kept();
  const now = performance.now();
  slow.waits(reader('a'), 60);
  slow.waits(reader('b'), 60);
  const taken = slow.waits(reader('c'), 60);
  slow.check(now + 200);
  expect(dropped).toEqual([]);
  taken();
  slow.check(now + 1_000);
  expect(dropped).toEqual(['a']);
  slow.check(now + 14_000);
  expect(dropped).toEqual(['a']);
  slow.check(now + 16_000);
  expect(dropped).toEqual(['a', 'b']);
  expect(lines).toMatchObject([
    ['slow reader dropped', { bytes: 60, held_bytes: 60 }],
    ['slow reader dropped', { bytes: 60, held_bytes: 0 }],
  ]);
});

/** A stream that is asked for, and of which nothing is ever read. */
async function unread(url: string, path: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({
    host: hostname,
    port: Number(port),
    onread: { buffer: Buffer.alloc(1), callback: () => false },
  });
  socket.write(`GET /ojs/v1${path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n`);
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

test('sockets that are not read are dropped by the total, and a reader that reads goes on', async () => {
  // 64 readers' worth: 4 MiB.
  await using server = await serve({ memoryMb: 32, realtime: { ratePerSecond: 0 } });
  const { engine } = server;
  await engine.jobs.push(items([newJob(engine.clock.now())]));
  using reading = await followStream(server.url, '/queues/q/events');
  const sockets = await Promise.all(Array.from({ length: 90 }, () => unread(server.url, '/queues/q/events')));
  await expect.poll(() => engine.subscriptions.followers).toBe(91);
  const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  const type = `t.${'t'.repeat(240)}`;
  let followers = 91;
  for (let round = 0; round < 200 && followers > 66; round++) {
    const now = engine.clock.now();
    await engine.jobs.push(items(Array.from({ length: 500 }, () => newJob(now, { type }))));
    // Delivery gives way to the pushes, so each round waits for its own events.
    expect((await reading.events.take(500)).length).toBe(500);
    followers = engine.subscriptions.followers;
  }
  expect(followers).toBeLessThanOrEqual(66);
  await engine.jobs.push(items([newJob(engine.clock.now())]));
  expect((await reading.events.take(1)).length).toBe(1);
  for (const socket of sockets) socket.destroy();
  await Promise.all(closed);
});
