import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Answer, Call, Transport } from '@ojs-ts/core';
import { type Embedded, openEmbedded } from '@ojs-ts/server';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { newSchema, server as postgres } from '../../../server/test/storage/postgres/schema.ts';
import { temporaryDirectory } from '../../../server/test/storage/sqlite/temporary.ts';
import {
  createOutbox,
  OutboxRelay,
  outbox,
  pgDatabase,
  pgTransaction,
  type SqlDatabase,
  sqliteDatabase,
  TransactionClient,
  withTransaction,
} from '../../src/transaction/index.ts';
import { keepingLogger } from '../support/log.ts';

const denied = '{"error":{"code":"permission_denied","message":"The token lacks the scope enqueue."}}';

/** A transport that a test can cut: before a call takes effect, or after. */
class Cut implements Transport {
  readonly calls: Call[] = [];
  cut: 'no' | 'before' | 'after' | 'denied' = 'no';
  readonly #target: Transport;
  constructor(target: Transport) {
    this.#target = target;
  }
  async call(call: Call, context?: Parameters<Transport['call']>[1]): Promise<Answer> {
    if (this.cut === 'before') throw new Error('cut before');
    if (this.cut === 'denied') return { status: 403, text: denied, headers: {} };
    this.calls.push(call);
    const answer = await this.#target.call(call, context);
    if (this.cut === 'after') throw new Error('cut after');
    return answer;
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}

interface Own extends AsyncDisposable {
  readonly database: SqlDatabase;
  readonly table: string;
  /** Runs work that enqueues in a transaction; rolls back where `keep` is false. */
  stage(
    jobs: TransactionClient,
    requests: readonly { type: string; args: unknown[]; id?: string; queue?: string }[],
    keep?: boolean,
  ): Promise<readonly string[]>;
}

async function ownPostgres(): Promise<Own> {
  const address = new URL(newSchema());
  const schema = address.searchParams.get('schema') ?? '';
  address.searchParams.delete('schema');
  const pool = new pg.Pool({ connectionString: address.toString() });
  await pool.query(`CREATE SCHEMA ${schema}`);
  return {
    database: pgDatabase(pool),
    table: `${schema}.ojs_outbox`,
    async stage(jobs, requests, keep = true) {
      const client = await pool.connect();
      await client.query('BEGIN');
      const staged = await jobs.enqueueBatch(pgTransaction(client), requests);
      await client.query(keep ? 'COMMIT' : 'ROLLBACK');
      client.release();
      return staged.map(({ id }) => id);
    },
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

async function ownSqlite(): Promise<Own> {
  const file = new DatabaseSync(join(temporaryDirectory(), 'own.db'));
  return {
    database: sqliteDatabase(file),
    table: 'ojs_outbox',
    async stage(_, requests, keep = true) {
      let ids: string[] = [];
      const work = withTransaction(
        file,
        (jobs) => {
          ids = requests.map((request) => jobs.enqueue(request).id);
          if (!keep) throw new Error('undone');
        },
        { destination: outbox() },
      );
      await work.catch(() => {});
      return ids;
    },
    [Symbol.asyncDispose]: async () => file.close(),
  };
}

const kinds = [['sqlite', ownSqlite] as const, ...(postgres === null ? [] : [['postgres', ownPostgres] as const])];

describe.each(kinds)('outbox on %s', (_, openOwn) => {
  let embedded: Embedded;
  beforeAll(async () => {
    embedded = await openEmbedded('memory:', { pausedQueues: 'reject' });
  });
  afterAll(() => embedded[Symbol.asyncDispose]());

  async function open() {
    const own = await openOwn();
    const { database, table } = own;
    await createOutbox(database, { table });
    await createOutbox(database, { table });
    const transport = new Cut(embedded);
    const jobs = new TransactionClient({ destination: outbox({ table }) });
    const relayOf = (options: Partial<ConstructorParameters<typeof OutboxRelay>[1]> = {}) =>
      new OutboxRelay(transport, {
        ...{ database, table, logger: keepingLogger(), requestRetry: false, batchSize: 10 },
        ...options,
      });
    const rows = async () =>
      (await database.query(`SELECT job_id, status, error FROM ${table} ORDER BY id`, [])).map((row) => ({ ...row }));
    return {
      ...{ own, transport, jobs, relayOf, rows, database, table },
      [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
    };
  }

  const numbered = (count: number, type = 'a.job') =>
    Array.from({ length: count }, (_, n) => ({ type, args: [n, '\u0000"é'] }));

  const it = testWith(open);

  it('committed jobs are sent once and in order; rolled back jobs are not sent', async (o) => {
    const first = await o.own.stage(o.jobs, numbered(25));
    const undone = await o.own.stage(o.jobs, numbered(2), false);
    const second = await o.own.stage(o.jobs, numbered(1));
    await using relay = o.relayOf();
    expect(await relay.flush()).toBe(26);
    expect(await relay.flush()).toBe(0);
    const found = await embedded.engine.storage.jobs.get([...first, ...second, ...undone]);
    expect(found.map((job) => job?.state ?? null)).toEqual([...Array(26).fill(2), null, null]);
    const sent = o.transport.calls.flatMap(({ body }) => (body ?? '').match(/[0-9a-f]{8}-[0-9a-f-]{27}/g) ?? []);
    expect(sent).toEqual([...first, ...second]);
    expect(o.transport.calls).toHaveLength(3);
    expect((await o.rows()).every(({ status }) => status === 'sent')).toBe(true);
  });

  it('a relay killed between sending and its update sends again, and there is one job', async (o) => {
    const ids = await o.own.stage(o.jobs, numbered(3));
    await using dying = o.relayOf({ lease: 1 });
    o.transport.cut = 'after';
    await expect(dying.flush()).rejects.toThrow('cut after');
    expect((await o.rows()).map(({ status }) => status)).toEqual(['pending', 'pending', 'pending']);
    o.transport.cut = 'no';
    // More has come meanwhile, so the second request is not the first.
    const more = await o.own.stage(o.jobs, numbered(1));
    await dying.stop();
    await using next = o.relayOf();
    expect(await next.flush()).toBe(4);
    expect((await o.rows()).every(({ status }) => status === 'sent')).toBe(true);
    const { batches } = await embedded.engine.storage.events(0, 100_000);
    const sentJobs = batches.flatMap(({ entries }) => entries.split('job.enqueued').slice(1));
    for (const id of [...ids, ...more]) {
      expect(await embedded.engine.jobs.get(id)).not.toBeNull();
      expect(
        batches
          .map(({ entries }) => entries)
          .join()
          .split(id).length - 1,
        'events of a job',
      ).toBe(1);
    }
    expect(sentJobs.length).toBeGreaterThan(3);
  });

  it('a job that the server refuses is marked with the reason; the others are sent', async (o) => {
    await o.own.stage(o.jobs, [{ type: 'a.job', args: [1] }]);
    await o.database.query(
      `INSERT INTO ${o.table} (job_id, job_type, request, created_at) VALUES ('x', 'x', '{"type":7}', 1)`,
      [],
    );
    await o.own.stage(o.jobs, [{ type: 'a.job', args: [2] }]);
    await using relay = o.relayOf();
    expect(await relay.flush()).toBe(2);
    expect(await o.rows()).toMatchObject([
      { status: 'sent', error: null },
      { status: 'failed', error: expect.stringContaining('type') },
      { status: 'sent', error: null },
    ]);
  });

  const inQueue = (queue: string, count: number) => numbered(count).map((request) => ({ ...request, queue }));
  const unavailable = {
    paused: {
      close: (queue: string): Call => ({ operation: 'queue.pause', params: { name: queue } }),
      open: (queue: string): Call => ({ operation: 'queue.resume', params: { name: queue } }),
      code: 'queue_paused',
    },
    full: {
      close: (queue: string): Call => ({
        operation: 'queue.configure',
        params: { name: queue },
        body: '{"max_size":1}',
      }),
      open: (queue: string): Call => ({
        operation: 'queue.configure',
        params: { name: queue },
        body: '{"max_size":1000}',
      }),
      code: 'queue_full',
    },
  } as const;

  test.each(['paused', 'full'] as const)('a queue that is %s holds back its own rows only, in order', async (how) => {
    await using o = await open();
    const { close, open: reopen, code } = unavailable[how];
    const held = `held-${how}`;
    if (how === 'full')
      await embedded.call({ operation: 'job.enqueue', body: JSON.stringify({ type: 'a.job', args: [], queue: held }) });
    expect(await embedded.call(close(held))).toMatchObject({ status: 200 });
    const first = await o.own.stage(o.jobs, inQueue(held, 12));
    const others = await o.own.stage(o.jobs, inQueue('others', 3));
    const second = await o.own.stage(o.jobs, inQueue(held, 1));
    const logger = keepingLogger();
    await using relay = o.relayOf({ logger });
    await expect(relay.flush()).rejects.toMatchObject({ code });
    await expect(relay.flush()).rejects.toMatchObject({ code });
    const waiting = await o.rows();
    expect(waiting.filter(({ status }) => status === 'sent').map(({ job_id }) => job_id)).toEqual(others);
    expect(waiting.filter(({ status }) => status === 'pending').map(({ job_id }) => job_id)).toEqual([
      ...first,
      ...second,
    ]);
    // One call of each flush finds out that the queue takes none.
    expect(o.transport.calls.filter(({ operation }) => operation === 'job.enqueue')).toHaveLength(2);

    await embedded.call(reopen(held));
    o.transport.calls.length = 0;
    expect(await relay.flush()).toBe(13);
    const sent = o.transport.calls.flatMap(({ body }) => (body ?? '').match(/[0-9a-f]{8}-[0-9a-f-]{27}/g) ?? []);
    expect(sent).toEqual([...first, ...second]);
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn', 'info']);
  });

  it('in the background a held queue has its own backoff', async (o) => {
    await embedded.call({ operation: 'queue.pause', params: { name: 'rests' } });
    const logger = keepingLogger();
    const warned = Promise.withResolvers<void>();
    const warn = (message: string) => {
      logger.warn(message);
      warned.resolve();
    };
    const [resting] = await o.own.stage(o.jobs, inQueue('rests', 1));
    await using relay = o.relayOf({ logger: { ...logger, warn }, backoff: { first: '1h', longest: '1h' } });
    relay.start();
    await warned.promise;
    const [other] = await o.own.stage(o.jobs, inQueue('others', 1));
    relay.wake();
    while ((await embedded.engine.jobs.get(other ?? '')) === null) await new Promise(setImmediate);
    expect(await embedded.engine.jobs.get(resting ?? '')).toBeNull();
    expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('one relay sends at a time; a stopped relay releases the lease', async (o) => {
    await o.own.stage(o.jobs, numbered(1));
    const first = o.relayOf();
    await using second = o.relayOf();
    expect(await first.flush()).toBe(1);
    await o.own.stage(o.jobs, numbered(1));
    expect(await second.flush()).toBe(0);
    await first.stop();
    expect(await second.flush()).toBe(1);
  });

  it('a relay that sends row by row renews its lease', async (o) => {
    await o.database.query(
      `INSERT INTO ${o.table} (job_id, job_type, request, created_at) VALUES ('x', 'x', '{"type":7}', 1)`,
      [],
    );
    await o.own.stage(o.jobs, numbered(8));
    const { promise: midway, resolve: reach } = Promise.withResolvers<void>();
    let singles = 0;
    const slow: Transport = {
      async call(call, context) {
        if (call.operation === 'job.enqueue') await new Promise((resolve) => setTimeout(resolve, 100));
        if (call.operation === 'job.enqueue' && ++singles === 6) reach();
        return o.transport.call(call, context);
      },
      async [Symbol.asyncDispose]() {},
    };
    const { database, table } = o;
    await using first = new OutboxRelay(slow, {
      ...{ database, table, logger: keepingLogger(), batchSize: 10 },
      lease: 400,
    });
    await using second = o.relayOf();
    const sending = first.flush();
    await midway;
    expect(await second.flush()).toBe(0);
    expect(await sending).toBe(8);
  });

  it('in the background the relay waits for an unreachable server, logs it once, and continues', async (o) => {
    const logger = keepingLogger();
    o.transport.cut = 'before';
    const ids = await o.own.stage(o.jobs, numbered(2));
    const sent = Promise.withResolvers<void>();
    const warned = Promise.withResolvers<void>();
    const watching = {
      ...logger,
      info: () => sent.resolve(),
      warn(message: string) {
        logger.warn(message);
        warned.resolve();
      },
    };
    await using relay = o.relayOf({ logger: watching, backoff: { first: 5, longest: 20 }, pollInterval: 5 });
    relay.start();
    await warned.promise;
    o.transport.cut = 'no';
    await sent.promise;
    expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expect(await embedded.engine.jobs.get(ids[1] ?? '')).not.toBeNull();
  });

  it('a token without the scope enqueue ends the relay once, and the rows stay pending', async (o) => {
    o.transport.cut = 'denied';
    await o.own.stage(o.jobs, numbered(2));
    const ended = Promise.withResolvers<object>();
    const error = (message: string, fields: object = {}) => ended.resolve({ message, ...fields });
    await using relay = o.relayOf({ logger: { ...keepingLogger(), error } });
    relay.start();
    expect(await ended.promise).toMatchObject({
      message: 'outbox relay ended: its token may not enqueue; the rows stay',
      reason: expect.stringContaining('lacks the scope enqueue'),
    });
    await expect(relay.flush()).rejects.toMatchObject({ name: 'OJSPermissionError' });
    expect(await o.rows()).toMatchObject([{ status: 'pending' }, { status: 'pending' }]);
    o.transport.cut = 'no';
    expect(await relay.flush()).toBe(2);
  });

  it('sent rows are removed after the retention; failed rows stay', async (o) => {
    await o.own.stage(o.jobs, numbered(2));
    await using relay = o.relayOf();
    await relay.flush();
    await o.database.query(`UPDATE ${o.table} SET sent_at = 1`, []);
    await o.database.query(
      `INSERT INTO ${o.table} (job_id, job_type, request, created_at, status, sent_at) VALUES ('x', 'x', '', 1, 'failed', 1)`,
      [],
    );
    await using later = o.relayOf({ lease: 1 });
    await relay.stop();
    await later.flush();
    expect(await o.rows()).toMatchObject([{ status: 'failed' }]);
  });
});
