import { randomUUID } from 'node:crypto';
import { chain, nextRuns } from '@ojs-ts/sdk';
import { inbox, pgTransaction, TransactionClient } from '@ojs-ts/sdk/transaction';
import pg from 'pg';
import { differs, type Guide, load, same, type Untyped } from './case.ts';
import { everyState, fail, inOrder, keyed, mostOfOurs, queued, recorder, stopOurs, whileOursRuns } from './ours.ts';
import { roomFor, until } from './wait.ts';

/** A pg-boss in a schema of its own, with one queue. */
interface Boss extends AsyncDisposable {
  readonly boss: Untyped;
  readonly url: string;
  /** Creates the queue; data travel as `{ value }`. */
  create(options?: object): Promise<void>;
  send(value: unknown, options?: object): Promise<string | null>;
  work(handler?: (value: Untyped, job: Untyped) => unknown, options?: object): Promise<void>;
  /** Works until nothing waits or runs. Jobs for later may be left. */
  drain(handler?: (value: Untyped, job: Untyped) => unknown, options?: object): Promise<void>;
  find(id: string | null): Promise<Untyped>;
}

export async function openBoss(url: string, schema: string): Promise<Boss> {
  const { PgBoss } = load('pg-boss');
  const boss = new PgBoss({ connectionString: url, schema, supervise: false, schedule: false, max: 4 });
  boss.on('error', () => {});
  await boss.start();
  async function work(handler: (value: Untyped, job: Untyped) => unknown = () => null, options = {}): Promise<void> {
    await boss.work('peers', { pollingIntervalSeconds: 0.5, ...options }, async ([job]: Untyped[]) =>
      handler(job.data.value, job),
    );
  }
  return {
    boss,
    url,
    work,
    create: (options) => boss.createQueue('peers', options),
    send: (value, options) => boss.send('peers', { value }, options),
    find: async (id) => (await boss.findJobs('peers', { id }))[0],
    async drain(handler, options) {
      await work(handler, options);
      const open = `SELECT 1 FROM ${schema}.job WHERE name = 'peers'
        AND (state = 'active' OR state IN ('created', 'retry') AND start_after <= now() + interval '1 min') LIMIT 1`;
      await until(async () => (await boss.getDb().executeSql(open)).rows.length === 0);
      await boss.offWork('peers');
    },
    [Symbol.asyncDispose]: () => boss.stop({ graceful: false }),
  };
}

const years = 315_360_000;
const never = '30d' as const;

/** The shortest and the longest pause of each attempt that a policy allows, and whether the planned ones fit. */
async function fits(pauses: readonly unknown[], bounds: readonly (readonly [number, number])[]): Promise<unknown> {
  const within = bounds.every(([least, most], index) => {
    const pause = Number(pauses[index]);
    return pause >= least && pause <= most;
  });
  return within ? bounds : pauses;
}

/** The pause after the first failure, from the failure to the planned start, in milliseconds. */
async function pauseOfBoss({ create, send, work, find }: Boss, options: object): Promise<readonly number[]> {
  await create();
  const id = await send(0, options);
  let failedAt = 0;
  await work(() => {
    failedAt = Date.now();
    return fail();
  });
  await until(async () => ['retry', 'active', 'failed'].includes((await find(id)).state) && failedAt > 0);
  await until(async () => (await find(id)).state !== 'active');
  return [(await find(id)).startAfter.getTime() - failedAt];
}

/**
 * Sends two more while the first job runs. Where nothing but a free slot is missing, one slot keeps the second waiting
 * when the third comes; with a key, a second slot proves that the policy keeps it waiting.
 */
async function whileBossRuns(boss: Boss, ran: unknown[], policy: string, key?: string): Promise<void> {
  const [begun, ending] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await boss.create({ policy });
  const options = key === undefined ? {} : { singletonKey: key };
  await boss.send(1, options);
  const drained = boss.drain(
    async (value) => {
      ran.push(value);
      begun.resolve();
      await ending.promise;
    },
    { localConcurrency: key === undefined ? 1 : 2 },
  );
  await begun.promise;
  for (const value of [2, 3]) await boss.send(value, options);
  ending.resolve();
  await drained;
}

/** Three jobs on two workers of two slots. */
async function mostOfBoss(boss: Boss, send: object, work: object): Promise<number> {
  const room = roomFor(1);
  for (const value of [1, 2, 3]) await boss.send(value, send);
  await boss.work(() => room.enter(), { localConcurrency: 2, ...work });
  await boss.drain(() => room.enter(), { localConcurrency: 2, ...work });
  return room.most;
}

const nameOf = (call: Promise<unknown>) =>
  call.then(
    () => 'accepted',
    (error) => error.name,
  );

export const pgBoss: Guide<Boss> = {
  page: 'docs/migrate/from-pg-boss.md',
  cases: [
    same(
      ['`boss.createQueue(name)`, `boss.send(name, data, options)`', '`boss.insert(name, jobs)`', '`priority`'],
      'the order of single jobs, of a list, and of priorities',
      ['urgent', 'one', 'two', 'three'],
      async ({ boss, create, send, drain }, ran) => {
        await create();
        await send('one');
        await boss.insert('peers', [{ data: { value: 'two' } }, { data: { value: 'three' } }]);
        await send('urgent', { priority: 5 });
        await drain((value) => ran.push(value));
      },
      inOrder,
    ),
    differs(
      ['`boss.work(name, { batchSize: 5 }, handler)`'],
      'the jobs that a call of the handler gets',
      { peer: [5], ours: [1, 1, 1, 1, 1] },
      async ({ boss, create, send }, ran) => {
        await create();
        for (const value of [1, 2, 3, 4, 5]) await send(value);
        await boss.work('peers', { batchSize: 5 }, async (jobs: Untyped[]) => ran.push(jobs.length));
        await until(() => ran.length > 0);
      },
      async (ours, ran) => {
        for (const value of [1, 2, 3, 4, 5]) await ours.add(value);
        await ours.drain(({ args }) => void ran.push(args.length));
      },
    ),
    differs(
      ['a batch in which one job fails'],
      'the jobs that are tried again',
      { peer: [1, 2], ours: [2] },
      async ({ boss, create, send, find }) => {
        await create();
        const ids = [await send(1, { retryDelay: years }), await send(2, { retryDelay: years })];
        await boss.work('peers', { batchSize: 2 }, () => fail());
        await until(async () => (await find(ids[1] ?? null)).state === 'retry');
        const states = await Promise.all(ids.map(async (id) => (await find(id)).state));
        return [1, 2].filter((value) => states[value - 1] === 'retry');
      },
      async (ours, ran) => {
        for (const value of [1, 2]) await ours.add(value, { retry: { initialInterval: 1 } });
        await ours.drain(({ args: [value], attempt }) => {
          if (attempt > 1) ran.push(value);
          if (value === 2 && attempt === 1) return fail();
          return null;
        });
      },
    ),
    same(
      ['`retryLimit: 2`'],
      'the runs of a job that always fails, by default',
      [1, 1, 1],
      async ({ create, send, drain }, ran) => {
        await create();
        await send(1);
        await drain((value) => fail(ran.push(value)));
      },
      async (ours, ran) => {
        await ours.add(1, { retry: { initialInterval: 1 } });
        await ours.drain(({ args: [value] }) => fail(ran.push(value)));
      },
    ),
    differs(
      ['no `retryDelay`'],
      'the first pause in milliseconds lies between',
      { peer: [[0, 500]], ours: [[500, 1_500]] },
      async (boss) => fits([Math.max(0, (await pauseOfBoss(boss, {}))[0] ?? 0)], [[0, 500]]),
      async (ours) => fits(await ours.pauses({}, 1), [[500, 1_500]]),
    ),
    same(
      ['`retryDelay: 5`'],
      'the first pause in milliseconds lies between',
      [[5_000, 9_000]],
      async (boss) => fits(await pauseOfBoss(boss, { retryDelay: 5 }), [[5_000, 9_000]]),
      async (ours) =>
        fits(await ours.pauses({ initialInterval: '5s', backoffCoefficient: 1, jitter: false }, 1), [[5_000, 9_000]]),
    ),
    differs(
      ['`retryDelay: 20`, `retryBackoff: true`, `retryDelayMax`'],
      'the first pause in milliseconds lies between',
      { peer: [[20_000, 45_000]], ours: [[15_000, 45_000]] },
      async (boss) => fits(await pauseOfBoss(boss, { retryDelay: 20, retryBackoff: true }), [[20_000, 45_000]]),
      async (ours) => fits(await ours.pauses({ initialInterval: '30s' }, 1), [[15_000, 45_000]]),
    ),
    same(
      ["`deadLetter: 'name'`", '`redrive(name)`'],
      'a job that failed for good is kept, and runs again when it is redriven',
      ['x', 1, 'x'],
      async ({ boss, create, send, drain }, ran) => {
        await boss.createQueue('dead');
        await create();
        await send('x', { retryLimit: 0, deadLetter: 'dead' });
        await drain((value) => fail(ran.push(value)));
        ran.push((await boss.findJobs('dead', {})).length);
        await boss.redrive('dead');
        await drain((value) => ran.push(value));
      },
      async (ours, ran) => {
        await ours.add('x', { retry: { maxAttempts: 1, onExhaustion: 'dead_letter' } });
        await ours.drain(({ args: [value] }) => fail(ran.push(value)));
        ran.push((await ours.admin.listDeadLetterJobs()).items.length);
        await ours.admin.retryDeadLetterJobs({});
        await ours.drain(recorder(ran));
      },
    ),
    same(
      ['`startAfter`, `sendAfter`', '`boss.cancel(name, id)`'],
      'a job for later and a cancelled one do not run',
      ['now'],
      async ({ boss, create, send, drain }, ran) => {
        await create();
        await send('later', { startAfter: 86_400 });
        await boss.cancel('peers', await send('cancelled'));
        await send('now');
        await drain((value) => ran.push(value));
      },
      async (ours, ran) => {
        await ours.add('later', { delay: '1d' });
        await ours.client.cancelJob((await ours.add('cancelled')).id);
        await ours.add('now');
        await ours.drain(recorder(ran));
      },
    ),
    same(
      ['`expireInSeconds`', '`job.signal`'],
      'the signal of a handler that takes too long',
      ['aborted'],
      async ({ create, send, work }, ran) => {
        await create();
        await send(0, { expireInSeconds: 1, retryLimit: 0 });
        await work(
          (_value, { signal }) => new Promise(() => signal.addEventListener('abort', () => ran.push('aborted'))),
        );
        await until(() => ran.length === 1);
      },
      async (ours, ran) => {
        await ours.add(0, { timeout: '1s', retry: { maxAttempts: 1 } });
        ours.work(({ signal }) => new Promise(() => signal.addEventListener('abort', () => ran.push('aborted'))));
        await until(() => ran.length === 1);
      },
    ),
    same(
      ['`singletonKey` on a queue with the policy `standard`'],
      'two jobs with one key',
      [1, 2],
      async ({ create, send, drain }, ran) => {
        await create();
        for (const value of [1, 2]) await send(value, { singletonKey: 'k' });
        await drain((value) => ran.push(value));
      },
      async (ours, ran) => {
        for (const value of [1, 2]) await ours.add(value, { meta: { key: 'k' } });
        await ours.drain(recorder(ran));
      },
    ),
    same(
      ['policy `short`'],
      'one may wait while one runs',
      [1, 2],
      (boss, ran) => whileBossRuns(boss, ran, 'short'),
      (ours, ran) =>
        whileOursRuns(ours, ran, { unique: { keys: ['type'], states: queued, onConflict: 'ignore' } }, [1, 2, 3]),
    ),
    same(
      ['policy `exclusive`'],
      'none may wait while one runs',
      [1],
      (boss, ran) => whileBossRuns(boss, ran, 'exclusive'),
      (ours, ran) => whileOursRuns(ours, ran, { unique: { keys: ['type'], onConflict: 'ignore' } }, [1, 2, 3]),
    ),
    same(
      ['policy `singleton`'],
      'the most at once of three jobs',
      1,
      async (boss) => {
        await boss.create({ policy: 'singleton' });
        return mostOfBoss(boss, {}, {});
      },
      mostOfOurs,
    ),
    same(
      ['policy `stately`', '`singletonKey` with one of these policies'],
      'one may wait while one runs, and the two never overlap',
      [1, 2],
      (boss, ran) => whileBossRuns(boss, ran, 'stately', 'k'),
      (ours, ran) =>
        whileOursRuns(ours, ran, { ...keyed({ states: queued }), limits: [{ key: 'k', concurrency: 1 }] }, [1, 2, 3]),
    ),
    same(
      ['`singletonSeconds`, `sendThrottled`'],
      'a second job, after the first has completed',
      [1],
      async ({ boss, create, send, drain }, ran) => {
        await create();
        await send(1, { singletonSeconds: years, singletonKey: 'k' });
        await drain((value) => ran.push(value));
        await send(2, { singletonSeconds: years, singletonKey: 'k' });
        await boss.sendThrottled('peers', { value: 3 }, null, years, 'k');
        await drain((value) => ran.push(value));
      },
      async (ours, ran) => {
        const options = keyed({ states: everyState, period: never });
        await ours.add(1, options);
        await ours.drain(recorder(ran));
        for (const value of [2, 3]) await ours.add(value, options);
        await ours.drain(recorder(ran));
      },
    ),
    differs(
      ['`sendDebounced`'],
      'of three calls: what runs now, and what is left for later',
      { peer: [[1], [2]], ours: [[], [3]] },
      async ({ boss, create, drain }, ran) => {
        await create();
        for (const value of [1, 2, 3]) await boss.sendDebounced('peers', { value }, null, years, 'k');
        await drain((value) => ran.push(value));
        const left = await boss.findJobs('peers', { queued: true });
        return [ran, left.map(({ data }: Untyped) => data.value)];
      },
      async (ours, ran) => {
        const options = { ...keyed({ states: ['scheduled'], onConflict: 'replace' }), delay: never };
        for (const value of [1, 2, 3]) await ours.add(value, options);
        await ours.drain(recorder(ran));
        const left = await ours.admin.listJobs({ state: 'scheduled' });
        return [ran, left.items.map(({ args: [value] }) => value)];
      },
    ),
    same(
      ['`boss.schedule(name, cron, data, { tz })`'],
      'the next three runs',
      nextRuns('30 7 * * 1-5', { timezone: 'Europe/Berlin', from: '2026-03-27T00:00:00Z', count: 3 }),
      async ({ boss }) => {
        const from = new Date('2026-03-27T00:00:00Z');
        return boss.previewSchedule('30 7 * * 1-5', { tz: 'Europe/Berlin', from, count: 3 });
      },
      async () => nextRuns('30 7 * * 1-5', { timezone: 'Europe/Berlin', from: '2026-03-27T00:00:00Z', count: 3 }),
    ),
    same(
      ['`publish`, `subscribe`'],
      'each subscriber gets a job',
      ['audit', 'mail'],
      async ({ boss }, ran) => {
        for (const name of ['audit', 'mail']) {
          await boss.createQueue(name);
          await boss.subscribe('signed-up', name);
          await boss.work(name, { pollingIntervalSeconds: 0.5 }, async () => ran.push(name));
        }
        await boss.publish('signed-up', {});
        await until(() => ran.length === 2);
        return ran.toSorted();
      },
      async (ours, ran) => {
        await ours.client.enqueueBatch(['audit', 'mail'].map((name) => ({ type: `${name}.signed_up`, args: [] })));
        await ours.drain({
          'audit.signed_up': () => void ran.push('audit'),
          'mail.signed_up': () => void ran.push('mail'),
        });
        return ran.toSorted();
      },
    ),
    differs(
      ['`boss.cancel` of a job that has ended'],
      'the answer',
      { peer: { affected: 0 }, ours: 'OJSAPIError' },
      async ({ boss, create, send, drain }) => {
        await create();
        const id = await send(0);
        await drain();
        return { affected: (await boss.cancel('peers', id)).affected };
      },
      async (ours) => {
        const { id } = await ours.add(0);
        await ours.drain();
        return nameOf(ours.client.cancelJob(id));
      },
    ),
    differs(
      ['`resume(name, id)` of a cancelled job'],
      'what runs, and whether its id is the old one',
      { peer: ['x', true], ours: ['x', false] },
      async ({ boss, create, send, drain }, ran) => {
        await create();
        const id = await send('x');
        await boss.cancel('peers', id);
        await boss.resume('peers', id);
        await drain((value, job) => ran.push(value, job.id === id));
      },
      async (ours, ran) => {
        const { id } = await ours.add('x');
        await ours.client.cancelJob(id);
        await ours.admin.rerunJob(id);
        await ours.drain(({ args: [value], jobId }) => void ran.push(value, jobId === id));
      },
    ),
    same(
      ['`retry(name, id)` of a failed job', '`findJobs(name, { data })`', '`getJobById`, `getQueueStats`'],
      'it is found by its data, runs again and completes',
      ['x', 1, 'x', 'completed'],
      async ({ boss, create, send, drain, find }, ran) => {
        await create();
        const id = await send('x', { retryLimit: 0 });
        await drain((value) => fail(ran.push(value)));
        ran.push((await boss.findJobs('peers', { data: { value: 'x' } })).length);
        await boss.retry('peers', id);
        await drain((value) => ran.push(value));
        ran.push((await find(id)).state);
      },
      async (ours, ran) => {
        const { id } = await ours.add('x', { retry: { maxAttempts: 1 } });
        await ours.drain(({ args: [value] }) => fail(ran.push(value)));
        ran.push((await ours.admin.listJobs({ args: '"x"' })).items.length);
        await ours.admin.retryJob(id);
        await ours.drain(recorder(ran));
        ran.push(await ours.state(id));
      },
    ),
    same(
      ['`deleteJob(name, id)`', '`update(name, data, { id })`'],
      'an updated job runs with its new data, a deleted one never',
      ['new'],
      async ({ boss, create, send, drain }, ran) => {
        await create();
        await boss.update('peers', { value: 'new' }, { id: await send('old') });
        await boss.deleteJob('peers', await send('deleted'));
        await drain((value) => ran.push(value));
      },
      async (ours, ran) => {
        await ours.admin.editJob((await ours.add('old')).id, { args: ['new'] });
        const { id } = await ours.add('deleted');
        await ours.client.cancelJob(id);
        await ours.admin.deleteJobs([id]);
        await ours.drain(recorder(ran));
      },
    ),
    same(
      ['`upsert(name, data, { singletonKey })`'],
      'two calls with one key',
      [2],
      async ({ boss, create, drain }, ran) => {
        await create();
        for (const value of [1, 2]) await boss.upsert('peers', { value }, { singletonKey: 'k' });
        await drain((value) => ran.push(value));
      },
      async (ours, ran) => {
        const options = keyed({ states: queued, onConflict: 'replace_except_schedule' });
        for (const value of [1, 2]) await ours.add(value, options);
        await ours.drain(recorder(ran));
      },
    ),
    same(
      ['`flow(jobs)` with `dependsOn`'],
      'the order',
      ['first', 'second'],
      async ({ boss, create, work }, ran) => {
        await create();
        await boss.flow([
          { ref: 'b', name: 'peers', data: { value: 'second' }, dependsOn: ['a'] },
          { ref: 'a', name: 'peers', data: { value: 'first' } },
        ]);
        await work((value) => ran.push(value));
        await until(async () => {
          await boss.resolveFlow();
          return ran.length === 2;
        });
      },
      async (ours, ran) => {
        const steps = ['first', 'second'].map((value) => ({ type: 'peer.job', args: [value] }));
        const flow = await ours.client.workflow(chain('flow', steps));
        ours.work(recorder(ran));
        await flow.wait();
      },
    ),
    same(
      ['`group: { id }` with `groupConcurrency`'],
      'the most at once in a group of 1',
      1,
      async (boss) => {
        await boss.create();
        return mostOfBoss(boss, { group: { id: 'k' } }, { groupConcurrency: 1 });
      },
      mostOfOurs,
    ),
    differs(
      ['your own `id`', 'names such as `Email_Queue`'],
      'a version 4 UUID, and a queue with such a name',
      { peer: ['accepted', 'accepted'], ours: ['OJSValidationError', 'OJSValidationError'] },
      async ({ boss, create, send }) => {
        await create();
        return [await nameOf(send(0, { id: randomUUID() })), await nameOf(boss.createQueue('Email_Queue'))];
      },
      async (ours) => [
        await nameOf(ours.add(0, { id: randomUUID() })),
        await nameOf(ours.add(0, { queue: 'Email_Queue' })),
      ],
    ),
    same(
      ['`boss.send(…, { db })` in a transaction'],
      'a job of a transaction that was rolled back, and of one that was committed',
      ['committed'],
      async ({ url, create, send, drain }, ran) => {
        await create();
        await inTransactions(url, (client, value) =>
          send(value, { db: { executeSql: (text: string, values: unknown[]) => client.query(text, values) } }),
        );
        await drain((value) => ran.push(value));
      },
      async (ours, ran) => {
        const schema = new URL(ours.storage).searchParams.get('schema') ?? 'ojs';
        const jobs = new TransactionClient({ destination: inbox({ schema }) });
        await inTransactions(ours.storage.replace(/[?&]schema=.*/, ''), (client, value) =>
          jobs.enqueue(pgTransaction(client), 'peer.job', [value]),
        );
        ours.work(recorder(ran));
        await until(() => ran.length === 1);
      },
    ),
    same(
      ['`offWork(name)`, `boss.stop({ graceful })`'],
      'they resolve after the running job has ended',
      ['ended', 'stopped'],
      async ({ boss, create, send, work }, ran) => {
        const begun = Promise.withResolvers<void>();
        await create();
        await send(0);
        await work(async () => {
          begun.resolve();
          await new Promise(setImmediate);
          ran.push('ended');
        });
        await begun.promise;
        await boss.offWork('peers');
        ran.push('stopped');
      },
      stopOurs,
    ),
  ],
  untested: {
    '`new PgBoss(url)`, `boss.start()`': 'every case does this',
    '`pollingIntervalSeconds`, `notify`': 'the benchmarks measure how fast a job starts',
    '`fetch`, `complete`, `fail`, `touch`': 'calls of the protocol, which the worker makes',
    '`heartbeatSeconds`': 'at least 10 s; the tests of the worker prove ours',
    '`retentionSeconds`, `deleteAfterSeconds`': 'time passes, nothing else',
    'policy `key_strict_fifo`': 'there is no counterpart',
    '`work(name, { transactional: true }, …)`': 'the tests of transactions prove ours',
    "`boss.on('error')`": 'logging',
  },
};

/** Writes one job in a transaction that is rolled back, and one in a transaction that is committed. */
async function inTransactions(
  url: string,
  write: (client: pg.Client, value: string) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const [value, end] of Object.entries({ 'rolled back': 'ROLLBACK', committed: 'COMMIT' })) {
      await client.query('BEGIN');
      await write(client, value);
      await client.query(end);
    }
  } finally {
    await client.end();
  }
}
