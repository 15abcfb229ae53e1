import { join } from 'node:path';
import { StatementSync } from 'node:sqlite';
import { uuidv7 } from '@ojs-ts/core';
import { stepsKind } from '@ojs-ts/core/durable';
import { type JobRecord, State } from '@ojs-ts/core/job';
import { completed } from '@ojs-ts/core/lifecycle';
import type { RecordChange } from '@ojs-ts/core/memory';
import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { postgresStorage } from '../../src/storage/postgres/postgres.ts';
import { redisStorage } from '../../src/storage/redis/redis.ts';
import { sqliteStorage } from '../../src/storage/sqlite/sqlite.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { startRedis } from '../support/redis.ts';
import { newSchema, test as onPostgres } from './postgres/schema.ts';
import { test as onRedis } from './redis/namespace.ts';
import { temporaryDirectory } from './sqlite/temporary.ts';
import { claim, newJob, t0, to } from './suite/tools.ts';

/** What a storage sends for three plain jobs, and then for a first and a later step of each of two jobs. */
interface Sent {
  readonly plain: Readonly<Record<'insert' | 'claim' | 'ack', readonly string[]>>;
  readonly steps: Readonly<Record<'first' | 'later', readonly string[]>>;
}

/** @param take answers what was sent since it was called before. */
async function sent(storage: Storage, take: () => Promise<readonly string[]>): Promise<Sent> {
  const during = async (call: Promise<unknown>) => {
    await call;
    return take();
  };
  const insert = (from: number) =>
    storage.jobs.insert(
      [1, 2, 3].map((number) => [newJob(from + number)]),
      t0,
    );
  // The first calls of a store read more than the later ones.
  await insert(0);
  await ack(storage, await claim(storage, { limit: 3 }));
  await take();
  const inserted = await during(insert(10));
  const jobs = await claim(storage, { limit: 3 });
  const claimed = await take();
  const plain = { insert: inserted, claim: claimed, ack: await during(ack(storage, jobs)) };
  await insert(20);
  const own = await claim(storage, { limit: 2 });
  await take();
  const marks = own.map((job) => ({
    ...recording(job, 'a'),
    ends: [to(job.id, State.active, State.active, { policy: '{"steps":{}}' })],
  }));
  const first = await during(storage.records.commit(marks, t0));
  const later = await during(storage.records.commit(own.map((job) => recording(job, 'b'))));
  expect(await storage.records.scan(stepsKind(own[1]?.id ?? ''), { limit: 9 })).toHaveLength(2);
  return { plain, steps: { first, later } };
}

function ack({ jobs }: Storage, claimed: readonly JobRecord[]): Promise<unknown> {
  return jobs.transition(
    claimed.map(({ id, claim }) => completed({ id, claim, result: null })),
    t0,
  );
}

function recording({ id, claim }: JobRecord, key: string): RecordChange {
  const put = { kind: stepsKind(id), key, version: 1, createdAt: t0, updatedAt: t0, body: '{}' };
  return { checks: [{ ...put, version: null }], claims: [{ id, claim }], puts: [put] };
}

function expectCalls({ plain, steps }: Sent, wanted: Readonly<Record<string, number>>): void {
  const each = Object.entries({ ...plain, ...steps });
  const counts = Object.fromEntries(each.map(([name, texts]) => [name, texts.length]));
  expect(counts, JSON.stringify(Object.fromEntries(each), null, 1)).toEqual(wanted);
  expect(
    Object.values(plain)
      .flat()
      .filter((text) => text.includes('record')),
  ).toEqual([]);
}

onPostgres('on PostgreSQL plain jobs cost no look for steps, and later steps are one statement', async () => {
  const query = vi.spyOn(pg.Client.prototype, 'query');
  try {
    // A second connection would begin with statements of its own.
    await using storage = postgresStorage({ url: newSchema({ connections: '1' }) });
    await storage.migrate();
    const found = await sent(storage, async () => {
      const texts = query.mock.calls.splice(0).map(([query]: readonly unknown[]) => textOf(query));
      return texts.filter((text) => !text.includes('pg_notify'));
    });
    expectCalls(found, { insert: 1, claim: 1, ack: 1, first: 17, later: 1 });
  } finally {
    query.mockRestore();
  }
});

function textOf(query: unknown): string {
  return typeof query === 'object' && query !== null && 'text' in query ? String(query.text) : String(query);
}

test('on SQLite plain jobs cost no look for steps', async () => {
  const methods = (['get', 'all', 'run', 'iterate'] as const).map((name) => vi.spyOn(StatementSync.prototype, name));
  try {
    await using storage = sqliteStorage({ path: join(temporaryDirectory(), 'jobs.db') });
    await storage.migrate();
    const found = await sent(storage, async () =>
      methods.flatMap(({ mock }) =>
        mock.contexts.splice(0).map((one) => (one instanceof StatementSync ? one.sourceSQL : '')),
      ),
    );
    expectCalls(found, { insert: 15, claim: 14, ack: 14, first: 16, later: 12 });
  } finally {
    for (const method of methods) method.mockRestore();
  }
});

onRedis('on Redis plain jobs cost no look for steps', async () => {
  const prefix = '{plain}:';
  await using connected = new AsyncDisposableStack();
  // The client cannot begin to watch a server that others use at that moment.
  const instance = connected.use(await startRedis());
  const client = connected.adopt(new Redis(instance.url), (client) => client.disconnect());
  const monitor = connected.adopt(await client.monitor(), (monitor) => monitor.disconnect());
  const texts: string[] = [];
  let passed = (_mark: string) => {};
  monitor.on('monitor', (_: string, [command = '', key = '']: readonly string[], source: string) => {
    passed(key);
    if (source === 'lua' && key.startsWith(prefix)) texts.push(`${command} ${key}`);
  });
  await using storage = await redisStorage({ url: `${instance.url}?namespace=plain` });
  await storage.migrate();
  const found = await sent(storage, async () => {
    const end = uuidv7();
    const ended = Promise.withResolvers<void>();
    passed = (mark) => {
      if (mark === end) ended.resolve();
    };
    await client.echo(end);
    await ended.promise;
    return texts.splice(0);
  });
  expectCalls(found, { insert: 14, claim: 18, ack: 16, first: 12, later: 7 });
});
