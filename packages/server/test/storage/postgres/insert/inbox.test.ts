import { type NewJob, recordOf, State } from '@ojs-ts/core/job';
import { refusedImport } from '@ojs-ts/core/lifecycle';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openStorage } from '../../../../src/storage/open.ts';
import type { Inbox, Storage } from '../../../../src/storage/storage.ts';
import { StoreUnavailable } from '../../../../src/storage/unavailable.ts';
import { reached, storeProxy } from '../../../support/store-proxy.ts';
import { claim, eventLog, idOf, newJob, t0 } from '../../suite/tools.ts';
import { newSchema, server } from '../schema.ts';

type Operation = (inbox: Inbox, entries: readonly number[]) => Promise<unknown>;

const later: readonly NewJob[] = [newJob(1), newJob(2, { queue: 'other' })];
const refused = newJob(3, { state: State.pending });
const end = refusedImport(
  recordOf(refused),
  { code: 'queue_full', type: 'queue_full', message: 'full', names: [] },
  t0,
);

/**
 * What a node does with the rows that `fill` leaves; the memory storage, on which the other operations are played, has
 * no inbox.
 */
const operations: Readonly<Record<string, Operation>> = {
  take: (inbox, entries) =>
    inbox.take(
      later.map((job, index) => ({ entry: entries[index] ?? -1, job })),
      t0 + 1,
    ),
  refuse: (inbox, entries) => inbox.refuse([{ entry: entries[2] ?? -1, job: refused, end }], t0 + 1),
  complete: (inbox) => inbox.complete(10, t0 + 1),
};

function inboxOf({ inbox }: Storage): Inbox {
  if (inbox === null) throw new Error('PostgreSQL has an inbox.');
  return inbox;
}

/** Three requests and a completion, as users' transactions leave them; answers the numbers of the requests. */
async function fill(storage: Storage, client: pg.Client, schema: string): Promise<readonly number[]> {
  await storage.clear();
  await storage.jobs.insert([[newJob(8)]], t0);
  await claim(storage, { worker: 'w1' }, t0);
  await client.query(`INSERT INTO ${schema}.inbox (id, request) SELECT id, '{}' FROM unnest($1::uuid[]) AS id`, [
    [1, 2, 3].map(idOf),
  ]);
  await client.query(`INSERT INTO ${schema}.inbox_completions (id, claim, result) VALUES ($1, 1, '7.0')`, [idOf(8)]);
  return (await inboxOf(storage).read(9)).map(({ number }) => number);
}

async function left(storage: Storage): Promise<unknown> {
  const jobs = await storage.jobs.get([1, 2, 3, 8].map(idOf));
  const events = (await eventLog(storage)).map(({ kind, id }) => `${kind} ${id}`);
  return {
    jobs,
    events,
    waiting: (await inboxOf(storage).read(9)).map(({ id }) => id),
    depth: await inboxOf(storage).depth(),
  };
}

describe.skipIf(server === null)('the connection is cut before an answer about the inbox arrives', () => {
  test.each(Object.entries(operations))(
    '%s: every answer of the store, then the call again: all is done, once',
    async (_, call) => {
      // With one connection nothing else opens another: an answer to its greeting would be counted, and cut in place of
      // one about the inbox.
      const url = `${newSchema()}&connections=1`;
      const schema = new URL(url).searchParams.get('schema') ?? '';
      const client = new pg.Client({ connectionString: server ?? '' });
      await client.connect();
      onTestFinished(() => client.end());
      // Notices follow a commit by some milliseconds; they name their channel.
      await using proxy = await storeProxy(url, (request) => request.includes(`ojs_${schema}`));
      await using direct = await openStorage(url);
      await direct.migrate();
      const whole = await call(inboxOf(direct), await fill(direct, client, schema));
      const done = await left(direct);
      await using through = await openStorage(proxy.url);
      await reached(() => through.ping());
      let cuts = 0;
      for (; ; cuts++) {
        const entries = await fill(direct, client, schema);
        proxy.cutAnswer(cuts + 1);
        const outcome = await call(inboxOf(through), entries).catch((error: unknown) => error);
        proxy.cutAnswer(null);
        await proxy.settled();
        if (!(outcome instanceof StoreUnavailable)) {
          expect(outcome).toEqual(whole);
          break;
        }
        await reached(() => call(inboxOf(through), entries));
        expect(await left(direct)).toEqual(done);
      }
      expect(cuts).toBeGreaterThan(1);
    },
  );
});
