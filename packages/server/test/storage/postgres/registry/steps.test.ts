import { stepsKind } from '@ojs-ts/core/durable';
import { type JobRecord, State } from '@ojs-ts/core/job';
import { cancelled, completed } from '@ojs-ts/core/lifecycle';
import type { RecordChange } from '@ojs-ts/core/memory';
import pg from 'pg';
import { expect } from 'vitest';
import type { Storage } from '../../../../src/storage/storage.ts';
import { claim, claimOne, countErrors, get, insert, newJob, t0, to } from '../../suite/tools.ts';
import { connectAdmin, newDatabase, newSchema, openPostgres, test } from '../schema.ts';

function recording({ id, claim }: JobRecord, key: string, patch: Partial<RecordChange> = {}): RecordChange {
  const put = { kind: stepsKind(id), key, version: 1, createdAt: t0, updatedAt: t0, body: '{}' };
  return { checks: [{ ...put, version: null }], claims: [{ id, claim }], puts: [put], ...patch };
}

function marking(job: JobRecord, key: string): RecordChange {
  return recording(job, key, { ends: [to(job.id, State.active, State.active, { policy: '{"steps":{}}' })] });
}

function suspending(job: JobRecord, key: string): RecordChange {
  const ends = [to(job.id, State.retryable, State.active, { runAt: t0 + 9, history: '', claim: job.claim })];
  return recording(job, key, { ends });
}

const beatOf = (holds: readonly JobRecord[]) => {
  const listed = holds.map(({ id, claim }) => ({ id, claim }));
  return { worker: 'w1', holds: listed, leaseMs: null, state: 'running', info: '{}' } as const;
};

function connected(url: string): pg.Client & AsyncDisposable {
  const client = new pg.Client({ connectionString: url.replace(/\?.*$/, '') });
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

async function open() {
  const url = newSchema();
  const schema = new URL(url).searchParams.get('schema') ?? '';
  const storage = await openPostgres(url);
  await insert(storage, [newJob(1)]);
  const job = await claimOne(storage);
  return { schema, storage, job };
}

test('a heartbeat does not wait for a commit that holds a claim, and the end of the claim does', async () => {
  const opened = await open();
  const { schema, job } = opened;
  await using storage: Storage = opened.storage;
  await using committing = await connectAdmin();
  await using admin = await connectAdmin();
  await committing.query('BEGIN');
  await committing.query(`SELECT FROM ${schema}.active FOR KEY SHARE`);
  const [beaten] = await storage.registry.beat([beatOf([job])], t0 + 1);
  expect(beaten?.extended).toEqual([job.id]);
  expect(await storage.records.commit([recording(job, 'a')])).toEqual([true]);
  let hasEnded = false;
  const ending = storage.jobs.transition([completed({ id: job.id, claim: 1, result: null })], t0 + 2).then((moved) => {
    hasEnded = true;
    return moved;
  });
  const waiting = `SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'
    AND pid IN (SELECT pid FROM pg_stat_activity WHERE query LIKE '%${schema}%')`;
  await expect.poll(async () => (await admin.query(waiting)).rowCount).toBe(1);
  expect(hasEnded).toBe(false);
  await committing.query('COMMIT');
  expect(await ending).toMatchObject([{ kind: 'moved' }]);
  expect(await storage.records.commit([recording(job, 'b')])).toEqual([false]);
});

test('an open transaction of a user that completes the job takes rows, and no suspension; then it takes neither', async () => {
  const opened = await open();
  const { schema, job } = opened;
  await using storage: Storage = opened.storage;
  await using user = await connectAdmin();
  await user.query('BEGIN');
  await user.query(`SELECT pg_advisory_xact_lock(7352002, hashtext($1 || ' ' || $2))`, [schema, job.id]);
  await user.query(`INSERT INTO ${schema}.inbox_completions (id, claim, result) VALUES ($1, 1, '7')`, [job.id]);
  expect(await storage.records.commit([marking(job, 'a')], t0)).toEqual([true]);
  expect(await storage.records.commit([recording(job, 'b')])).toEqual([true]);
  expect(await storage.records.commit([suspending(job, 'c'), recording(job, 'd')], t0)).toEqual([false, true]);
  await user.query('COMMIT');
  const changes = [marking(job, 'e'), suspending(job, 'f'), recording(job, 'g')];
  expect(await storage.records.commit(changes, t0)).toEqual([false, false, false]);
  expect(await storage.records.commit([recording(job, 'g')])).toEqual([false]);
  expect(await storage.inbox?.complete(9, t0 + 1)).toMatchObject({ count: 1 });
  expect(await get(storage, job.id)).toMatchObject({ state: State.completed, result: '7' });
});

test('commits of steps never wait in a circle with each other, with heartbeats, ends or removals', async () => {
  await using database = await newDatabase();
  await using storage = await openPostgres(database.url('ojs'));
  const count = 40;
  for (let round = 0; round < 8; round++) {
    await insert(
      storage,
      Array.from({ length: count }, (_, at) => newJob(round * count + at)),
    );
    const jobs = await claim(storage, { limit: count });
    const shuffled = (part: number) => jobs.filter((_, at) => at % 5 !== part).toSorted(() => Math.random() - 0.5);
    const { records } = storage;
    const each = <T>(part: number, make: (job: JobRecord) => T) => shuffled(part).map(make);
    const ends = jobs.filter((_, at) => at % 4 === 0);
    const [marked, again, plain, other, mixed] = await Promise.all([
      records.commit(
        each(0, (job) => marking(job, 'a')),
        t0,
      ),
      records.commit(
        each(1, (job) => marking(job, 'a')),
        t0,
      ),
      records.commit(each(2, (job) => recording(job, 'b'))),
      records.commit(each(3, (job) => recording(job, 'b'))),
      records.commit([...each(4, (job) => recording(job, 'c')), ...ends.map((job) => suspending(job, 'd'))], t0),
      storage.registry.beat([beatOf(shuffled(0))], t0 + 1),
      storage.registry.beat([{ ...beatOf(shuffled(2)), worker: 'w2' }], t0 + 1),
      storage.jobs.transition(each(1, ({ id, claim }) => completed({ id, claim, result: null })).slice(0, 9), t0 + 1),
      storage.jobs.transition(each(3, (job) => cancelled(job, t0 + 1)).slice(0, 9), t0 + 1),
      storage.jobs.remove(each(4, ({ id }) => id).slice(0, 5), { from: 0xff }, t0 + 1),
    ]);
    for (const answers of [marked, again, plain, other, mixed]) expect(new Set(answers)).not.toContain(undefined);
    await storage.jobs.remove(
      jobs.map(({ id }) => id),
      { from: 0xff },
      t0 + 2,
    );
    const left = await Promise.all(jobs.map(({ id }) => records.scan(stepsKind(id), { limit: 1 })));
    // A row that was recorded before the mark of its job is not deleted with it.
    expect(left.flat().every(({ key }) => key !== 'a')).toBe(true);
  }
  expect(await countErrors(storage)).toEqual([]);
  await storage[Symbol.asyncDispose]();
  await using client = connected(database.url('ojs'));
  await client.connect();
  // A session reports its deadlocks when it ends.
  const others = 'SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
  await expect.poll(async () => (await client.query(others)).rowCount).toBe(0);
  const counted = 'SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()';
  const { rows } = await client.query(counted);
  expect(rows).toEqual([{ deadlocks: 0 }]);
});
