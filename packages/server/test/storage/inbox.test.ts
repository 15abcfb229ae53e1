import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { stepsKind } from '@ojs-ts/core/durable';
import { recordOf, State } from '@ojs-ts/core/job';
import { refusedImport } from '@ojs-ts/core/lifecycle';
import type { RecordChange } from '@ojs-ts/core/memory';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { inboxBytes } from '../../src/storage/inbox.ts';
import { memoryStorage } from '../../src/storage/memory/memory.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { newSchema, server as postgres } from './postgres/schema.ts';
import { temporaryDirectory } from './sqlite/temporary.ts';
import { pagesThroughJson, recordsOf } from './suite/dump.ts';
import { claim, get, idOf, newJob, t0, to } from './suite/tools.ts';

/** What users' transactions append. */
interface Rows {
  request(number: number, request?: string): Promise<void>;
  completion(id: string, claim: number, result: string | null): Promise<void>;
}

interface Kind {
  readonly name: string;
  readonly url: () => string;
  readonly rows: (url: string) => Promise<Rows & AsyncDisposable>;
}

const sqlite: Kind = {
  name: 'sqlite',
  url: () => `sqlite:${join(temporaryDirectory(), 'jobs.db')}`,
  async rows(url) {
    const file = new DatabaseSync(url.slice('sqlite:'.length), { timeout: 5_000 });
    return {
      request: async (number, request = '{}') =>
        void file.prepare('INSERT INTO ojs_inbox (id, request) VALUES (?, ?)').run(idOf(number), request),
      completion: async (id, claim, result) =>
        void file
          .prepare('INSERT INTO ojs_inbox_completions (id, claim, result) VALUES (?, ?, ?)')
          .run(id, claim, result),
      [Symbol.asyncDispose]: async () => file.close(),
    };
  },
};

const onPostgres: Kind = {
  name: 'postgres',
  url: () => newSchema(),
  async rows(url) {
    const address = new URL(url);
    const schema = address.searchParams.get('schema');
    address.searchParams.delete('schema');
    const client = new pg.Client({ connectionString: address.toString() });
    await client.connect();
    return {
      request: async (number, request = '{}') =>
        void (await client.query(`INSERT INTO ${schema}.inbox (id, request) VALUES ($1, $2)`, [idOf(number), request])),
      completion: async (id, claim, result) =>
        void (await client.query(`INSERT INTO ${schema}.inbox_completions (id, claim, result) VALUES ($1, $2, $3)`, [
          id,
          claim,
          result,
        ])),
      [Symbol.asyncDispose]: () => client.end(),
    };
  },
};

const kinds = [sqlite, ...(postgres === null ? [] : [onPostgres])];

function inboxOf({ inbox }: Storage) {
  if (inbox === null) throw new Error('The storage has no inbox.');
  return inbox;
}

describe.each(kinds)('inbox of $name', (kind) => {
  async function open() {
    const url = kind.url();
    const storage = await openStorage(url);
    await storage.migrate();
    return { url, storage, inbox: inboxOf(storage), rows: await kind.rows(url) };
  }

  test('entries are read oldest first; the commit of the import removes one, a refusal keeps it', async () => {
    const { storage, inbox, rows } = await open();
    await using _ = storage;
    await using __ = rows;
    await rows.request(1, '{"a":"\\u0000"}');
    await rows.request(2);
    await rows.request(3);
    expect(await inbox.depth()).toBe(3);
    const entries = await inbox.read(10);
    expect(entries.map(({ id, request }) => [id, request])).toEqual([
      [idOf(1), '{"a":"\\u0000"}'],
      [idOf(2), '{}'],
      [idOf(3), '{}'],
    ]);
    expect(await inbox.read(1)).toHaveLength(1);
    expect(await inbox.holds([idOf(2), idOf(9)])).toEqual([true, false]);
    await storage.registry.configureQueue('full', { capacity: 0 }, t0);
    const jobs = [newJob(1), newJob(2, { queue: 'full' }), newJob(3)];
    const intakes = jobs.map((job, at) => ({ entry: entries[at]?.number ?? -1, job }));
    expect((await inbox.take(intakes, t0)).map((answer) => answer?.kind)).toEqual(['inserted', 'full', 'inserted']);
    expect(await inbox.take(intakes.slice(0, 1), t0)).toEqual([null]);
    expect((await inbox.read(10)).map(({ id }) => id)).toEqual([idOf(2)]);
    expect(await inbox.holds([idOf(1), idOf(2)])).toEqual([false, true]);

    const job = newJob(2, { queue: 'full', state: State.pending });
    const end = refusedImport(
      recordOf(job),
      { code: 'queue_full', type: 'queue_full', message: 'full', names: [] },
      t0,
    );
    const refusal = { entry: entries[1]?.number ?? -1, job, end };
    expect(await inbox.refuse([refusal], t0)).toMatchObject([{ kind: 'inserted' }]);
    expect(await inbox.refuse([refusal], t0)).toEqual([null]);
    expect(await get(storage, idOf(2))).toMatchObject({ state: State.discarded, finishedAt: t0 });
    expect(await inbox.depth()).toBe(0);
  });

  test('a row of a step is not recorded behind a completion of its claim, and one of an earlier claim is no obstacle', async () => {
    const { storage, inbox, rows } = await open();
    await using _ = storage;
    await using __ = rows;
    await storage.jobs.insert([[newJob(1), newJob(2)]], t0);
    await claim(storage, { limit: 2 }, t0);
    await storage.jobs.transition([to(idOf(2), State.available, State.active)], t0);
    await claim(storage, {}, t0);
    await rows.completion(idOf(1), 1, null);
    await rows.completion(idOf(2), 1, null);
    const claims = [
      { id: idOf(1), claim: 1 },
      { id: idOf(2), claim: 2 },
    ];
    const changes = claims.map((one): RecordChange => {
      const row = { kind: stepsKind(one.id), key: 'a', version: 1, createdAt: t0, updatedAt: t0, body: '{}' };
      return { claims: [one], puts: [row] };
    });
    expect(await storage.records.commit(changes)).toEqual([false, true]);
    const ends = claims.map(({ id }) => to(id, State.retryable, State.active, { runAt: t0 + 9, history: '' }));
    const suspensions = changes.map((change, at) => ({ ...change, ends: ends.slice(at, at + 1) }));
    expect(await storage.records.commit(suspensions, t0)).toEqual([false, true]);
    await inbox.complete(9, t0);
    expect(await storage.jobs.get([idOf(1), idOf(2)])).toMatchObject([
      { state: State.completed },
      { state: State.retryable },
    ]);
  });

  test('a completion is the ACK of its claim: it does not affect a later claim, and other calls find the job completed', async () => {
    const { storage, inbox, rows } = await open();
    await using _ = storage;
    await using __ = rows;
    await storage.jobs.insert([[newJob(1), newJob(2), newJob(3), newJob(4)]], t0);
    await claim(storage, { limit: 4, worker: 'w' }, t0);
    await rows.completion(idOf(1), 1, '{"n":1.0}');
    await rows.completion(idOf(2), 7, null);
    await rows.completion(idOf(9), 1, null);
    expect(await inbox.complete(10, t0 + 5)).toEqual({ count: 3, ready: [] });
    expect(await get(storage, idOf(1))).toMatchObject({
      state: State.completed,
      result: '{"n":1.0}',
      finishedAt: t0 + 5,
    });
    expect(await get(storage, idOf(2))).toMatchObject({ state: State.active });
    expect(await inbox.depth()).toBe(0);

    await rows.completion(idOf(3), 1, '"by transaction"');
    await rows.completion(idOf(4), 1, '"by transaction"');
    const from = State.active;
    const answers = await storage.jobs.transition(
      [
        { id: idOf(3), from, to: State.available, claim: 1, events: [] },
        { id: idOf(4), from, to: State.completed, claim: 1, worker: 'w', result: '"by ack"', events: [] },
      ],
      t0 + 6,
    );
    expect(answers.map(({ kind }) => kind)).toEqual(['refused', 'already']);
    for (const number of [3, 4])
      expect(await get(storage, idOf(number))).toMatchObject({ state: State.completed, result: '"by transaction"' });
    expect(await inbox.depth()).toBe(0);
  });

  test('a page of large requests ends where they reach its bytes', async () => {
    const { storage, inbox, rows } = await open();
    await using _ = storage;
    await using __ = rows;
    const request = JSON.stringify('é'.repeat(inboxBytes / 5));
    for (let number = 1; number <= 4; number++) await rows.request(number, request);
    expect((await inbox.read(10)).map(({ id }) => id)).toEqual([1, 2, 3].map(idOf));
    expect(await inbox.read(2)).toHaveLength(2);
  });

  test('rows are counted, not jobs: a job that two transactions have completed ends no run early, and the first of them counts', async () => {
    const { storage, inbox, rows } = await open();
    await using _ = storage;
    await using __ = rows;
    await storage.jobs.insert([[newJob(1), newJob(2)]], t0);
    await claim(storage, { limit: 2, worker: 'w' }, t0);
    await rows.completion(idOf(1), 1, '"first"');
    await rows.completion(idOf(1), 1, '"second"');
    await rows.completion(idOf(2), 1, null);
    // A page that is not full would end the run.
    expect(await inbox.complete(2, t0)).toMatchObject({ count: 2 });
    expect(await inbox.complete(2, t0)).toMatchObject({ count: 1 });
    expect(await get(storage, idOf(1))).toMatchObject({ state: State.completed, result: '"first"' });
    expect(await inbox.depth()).toBe(0);
  });

  test('two imports at once do nothing twice', async () => {
    const { url, storage, inbox, rows } = await open();
    await using _ = storage;
    await using __ = rows;
    await using other = await openStorage(url);
    for (let number = 1; number <= 40; number++) await rows.request(number);
    const entries = await inbox.read(100);
    const intakes = entries.map(({ number }, at) => ({ entry: number, job: newJob(at + 1) }));
    const answers = await Promise.all([
      inbox.take(intakes, t0),
      inboxOf(other).take(intakes.slice(20), t0),
      inboxOf(other).take(intakes, t0),
    ]);
    const took = answers.flat().filter((answer) => answer?.kind === 'inserted');
    expect(took).toHaveLength(40);
    expect(answers.flat().filter((answer) => answer === null)).toHaveLength(100 - 40);
  });

  test('a dump carries what waits, into either storage; one without an inbox says what to do', async () => {
    const { storage, inbox, rows } = await open();
    await using _ = storage;
    await using __ = rows;
    await storage.jobs.insert([[newJob(1)]], t0);
    await claim(storage, { limit: 1, worker: 'w' }, t0);
    await rows.request(2, '{"x":1.0,"s":"\\u0000"}');
    await rows.request(3);
    await rows.completion(idOf(1), 1, '1.0');
    const records = await recordsOf(storage);
    for (const into of kinds) {
      const url = into.url();
      await using copy = await openStorage(url);
      await copy.migrate();
      await copy.backup.restore(pagesThroughJson(records));
      const restored = inboxOf(copy);
      expect(await restored.read(10)).toEqual(await inbox.read(10));
      // What comes later stands behind.
      await using later = await into.rows(url);
      await later.request(4);
      expect((await restored.read(10)).map(({ id }) => id)).toEqual([2, 3, 4].map(idOf));
      await later.completion(idOf(8), 1, null);
      expect(await restored.complete(10, t0)).toMatchObject({ count: 2 });
      expect(await get(copy, idOf(1))).toMatchObject({ state: State.completed, result: '1.0' });
    }
    await using memory = memoryStorage();
    await expect(memory.backup.restore(pagesThroughJson(records))).rejects.toThrow('this storage has no inbox');
    await storage.clear();
    expect(await inbox.depth()).toBe(0);
  });
});
