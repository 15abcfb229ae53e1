import { nextRuns } from '@ojs-ts/sdk';
import pg from 'pg';
import { differs, type Guide, load, same, type Untyped } from './case.ts';
import { everyState, fail, inOrder, keyed, mostOfOurs, queued, recorder } from './ours.ts';
import { roomFor, until } from './wait.ts';

/** A graphile-worker in a schema of its own. */
interface Graphile extends AsyncDisposable {
  readonly exports: Untyped;
  readonly utils: Untyped;
  readonly schema: string;
  query(text: string, values?: readonly unknown[]): Promise<readonly Untyped[]>;
  /** Adds a job of the task `peer`. */
  add(value: unknown, spec?: object): Promise<Untyped>;
  work(task?: (value: Untyped, helpers: Untyped) => unknown, concurrency?: number): Promise<Untyped>;
  /** Works until no job may run now. Jobs for later may be left. */
  drain(task?: (value: Untyped, helpers: Untyped) => unknown, concurrency?: number): Promise<void>;
}

export async function openGraphile(url: string, schema: string): Promise<Graphile> {
  const exports = load('graphile-worker');
  const logger = new exports.Logger(() => () => {});
  const kept = new AsyncDisposableStack();
  const pool = kept.adopt(new pg.Pool({ connectionString: url, max: 5 }), (one) => one.end());
  pool.on('error', () => {});
  const shared = { pgPool: pool, schema, logger };
  const utils = kept.adopt(await exports.makeWorkerUtils(shared), (one) => one.release());
  await utils.migrate();
  const query = async (text: string, values: readonly unknown[] = []) => (await pool.query(text, [...values])).rows;
  async function work(task: (value: Untyped, helpers: Untyped) => unknown = () => null, concurrency = 1) {
    const taskList = { peer: async (payload: Untyped, helpers: Untyped) => void (await task(payload.value, helpers)) };
    const runner = await exports.run({ ...shared, noHandleSignals: true, taskList, concurrency, pollInterval: 100 });
    // It throws where it has stopped already; the pool does not end before it has.
    kept.defer(() => runner.stop().catch(() => {}));
    return runner;
  }
  return {
    exports,
    utils,
    schema,
    query,
    work,
    add: (value, spec) => utils.addJob('peer', { value }, spec),
    async drain(task, concurrency) {
      const runner = await work(task, concurrency);
      const open = `SELECT 1 FROM ${schema}._private_jobs AS job JOIN ${schema}._private_tasks AS task
        ON task.id = job.task_id WHERE identifier = 'peer'
        AND (locked_at IS NOT NULL OR run_at <= now() AND attempts < max_attempts) LIMIT 1`;
      await until(async () => (await query(open)).length === 0);
      await runner.stop();
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const tomorrow = () => new Date(Date.now() + 86_400_000);

export const graphileWorker: Guide<Graphile> = {
  page: 'docs/migrate/from-graphile-worker.md',
  cases: [
    same(
      ['`addJob(task, payload)`', '`addJobs(specs)`', '`priority: 10` (lower runs first)'],
      'the order of single jobs, of a list, and of priorities, with −p here',
      ['urgent', 'one', 'two', 'three'],
      async ({ utils, add, drain }, ran) => {
        await add('one');
        await utils.addJobs(['two', 'three'].map((value) => ({ identifier: 'peer', payload: { value } })));
        await add('urgent', { priority: -5 });
        await drain((value) => ran.push(value));
      },
      inOrder,
    ),
    same(
      ['`graphile_worker.add_job()` in SQL'],
      'a job that SQL added, and one whose transaction was rolled back',
      ['committed'],
      async ({ query, schema, drain }, ran) => {
        const add = (value: string) => `SELECT ${schema}.add_job('peer', json_build_object('value', '${value}'))`;
        await query(`BEGIN; ${add('rolled back')}; ROLLBACK; BEGIN; ${add('committed')}; COMMIT`);
        await drain((value) => ran.push(value));
      },
      async (ours, ran) => {
        const url = new URL(ours.storage);
        const schema = url.searchParams.get('schema');
        url.searchParams.delete('schema');
        const client = new pg.Client({ connectionString: `${url}` });
        await client.connect();
        const add = (value: string) => `INSERT INTO ${schema}.inbox (id, request) SELECT id,
          json_build_object('id', id, 'type', 'peer.job', 'args', json_build_array('${value}'))::text
          FROM (SELECT encode(set_byte(set_byte(overlay(uuid_send(gen_random_uuid())
            PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
            6, 112), 8, 128), 'hex')::uuid AS id) AS new`;
        await client.query(`BEGIN; ${add('rolled back')}; ROLLBACK; BEGIN; ${add('committed')}; COMMIT`);
        await client.end();
        ours.work(recorder(ran));
        await until(() => ran.length === 1);
      },
    ),
    differs(
      ['`maxAttempts`, by default 25'],
      'attempts of a job without options',
      { peer: 25, ours: 3 },
      async ({ add }) => (await add(0)).max_attempts,
      async (ours) => (await ours.client.getJob((await ours.add(0)).id)).raw.max_attempts,
    ),
    same(
      ['the pauses, e^attempt seconds'],
      'the seconds before attempts 2 to 4',
      [3, 7, 20],
      async ({ add, work, query, schema }) => {
        const { id } = await add(0);
        let failedAt = 0;
        await work(() => {
          failedAt = Date.now();
          return fail();
        });
        const pauses: unknown[] = [];
        for (const attempt of [1, 2, 3]) {
          const jobs = `${schema}._private_jobs WHERE id = $1 AND attempts = $2 AND locked_at IS NULL AND run_at > now()`;
          await until(async () => (await query(`SELECT 1 FROM ${jobs}`, [id, attempt])).length === 1);
          const [{ run_at: next }] = (await query(`SELECT run_at FROM ${jobs}`, [id, attempt])) as [Untyped];
          pauses.push(nearest([3, 7, 20], (next.getTime() - failedAt) / 1_000));
          await query(`UPDATE ${schema}._private_jobs SET run_at = now() WHERE id = $1`, [id]);
        }
        return pauses;
      },
      async (ours) => {
        const retry = { initialInterval: 2_718, backoffCoefficient: Math.E, maxInterval: '7h', jitter: false } as const;
        return (await ours.pauses(retry, 3)).map((pause) => Math.round(Number(pause) / 1_000));
      },
    ),
    same(
      ['`runAt`', '`removeJob(key)`'],
      'a job for later and a removed one do not run',
      ['now'],
      async ({ query, schema, add, drain }, ran) => {
        await add('later', { runAt: tomorrow() });
        await add('removed', { jobKey: 'k' });
        await query(`SELECT ${schema}.remove_job('k')`);
        await add('now');
        await drain((value) => ran.push(value));
      },
      async (ours, ran) => {
        await ours.add('later', { delayUntil: tomorrow() });
        await ours.add('removed', { meta: { key: 'k' } });
        await ours.admin.cancelJobs({ type: 'peer.job', meta: { key: 'k' } });
        await ours.add('now');
        await ours.drain(recorder(ran));
      },
    ),
    same(
      ['`queueName`'],
      'the most at once of three jobs in one serial queue',
      1,
      async ({ add, drain }) => {
        const room = roomFor(1);
        for (const value of [1, 2, 3]) await add(value, { queueName: 'serial' });
        await drain(() => room.enter(), 3);
        return room.most;
      },
      mostOfOurs,
    ),
    same(
      ["`jobKey` (`jobKeyMode: 'replace'`)"],
      'the second call replaces data and time',
      ['second'],
      async ({ add, drain }, ran) => {
        await add('first', { jobKey: 'k', runAt: tomorrow() });
        await add('second', { jobKey: 'k' });
        await drain((value) => ran.push(value));
      },
      async (ours, ran) => {
        const options = keyed({ states: queued, onConflict: 'replace' });
        await ours.add('first', { ...options, delay: '1d' });
        await ours.add('second', options);
        await ours.drain(recorder(ran));
      },
    ),
    same(
      ["`jobKeyMode: 'preserve_run_at'`"],
      'the second call replaces the data, and the job keeps its time',
      [[], ['second']],
      async ({ query, schema, add, drain }, ran) => {
        await add('first', { jobKey: 'k', jobKeyMode: 'preserve_run_at', runAt: tomorrow() });
        await add('second', { jobKey: 'k', jobKeyMode: 'preserve_run_at' });
        await drain((value) => ran.push(value));
        const early = [...ran];
        await query(`UPDATE ${schema}._private_jobs SET run_at = now()`);
        await drain((value) => ran.push(value));
        return [early, ran];
      },
      async (ours, ran) => {
        const options = keyed({ states: queued, onConflict: 'replace_except_schedule' });
        const { id } = await ours.add('first', { ...options, delay: '1d' });
        await ours.add('second', options);
        await ours.drain(recorder(ran));
        const early = [...ran];
        await ours.admin.editJob(id, { scheduledAt: 'now' });
        await ours.drain(recorder(ran));
        return [early, ran];
      },
    ),
    same(
      ["`jobKeyMode: 'unsafe_dedupe'`"],
      'a job that failed for good still blocks the key, one that completed does not',
      ['first', 'third'],
      async ({ query, schema, add, drain }, ran) => {
        const options = { jobKey: 'k', jobKeyMode: 'unsafe_dedupe', maxAttempts: 1 };
        await add('first', options);
        await drain((value) => fail(ran.push(value)));
        await add('second', options);
        await drain((value) => ran.push(value));
        await query(`SELECT ${schema}.remove_job('k')`);
        await add('third', options);
        await drain((value) => ran.push(value));
      },
      async (ours, ran) => {
        const states = everyState.filter((state) => state !== 'completed' && state !== 'cancelled');
        const options = { ...keyed({ states, onConflict: 'ignore' }), retry: { maxAttempts: 1 } };
        const { id } = await ours.add('first', options);
        await ours.drain(({ args: [value] }) => fail(ran.push(value)));
        await ours.add('second', options);
        await ours.drain(recorder(ran));
        await ours.admin.deleteJobs([id]);
        await ours.add('third', options);
        await ours.drain(recorder(ran));
      },
    ),
    differs(
      ['a finished job'],
      'what is left of it',
      { peer: 0, ours: 1 },
      async ({ add, drain, query, schema }) => {
        await add(0);
        await drain();
        return (await query(`SELECT 1 FROM ${schema}._private_jobs`)).length;
      },
      async (ours) => {
        await ours.add(0);
        await ours.drain();
        return (await ours.admin.listJobs({ state: 'completed' })).items.length;
      },
    ),
    differs(
      ['a task that this worker does not have'],
      'the state of its job',
      { peer: 'untouched', ours: 'retryable' },
      async ({ utils, add, drain, query, schema }) => {
        await utils.addJob('other', {});
        await add(0);
        await drain();
        const [job] = await query(`SELECT attempts FROM ${schema}._private_jobs`);
        return job.attempts === 0 && 'untouched';
      },
      async (ours) => {
        const { id } = await ours.client.enqueue('peer.other', []);
        ours.work(() => {});
        await until(async () => !['available', 'active'].includes(await ours.state(id)));
        return ours.state(id);
      },
    ),
    same(
      ['`helpers.job.attempts`'],
      'the numbers of two attempts',
      [1, 2],
      async ({ add, drain, query, schema }, ran) => {
        await add(0, { maxAttempts: 2 });
        await drain((_value, { job }) => fail(ran.push(job.attempts)));
        await query(`UPDATE ${schema}._private_jobs SET run_at = now()`);
        await drain((_value, { job }) => fail(ran.push(job.attempts)));
      },
      async (ours, ran) => {
        await ours.add(0, { retry: { maxAttempts: 2, initialInterval: 1 } });
        await ours.drain(({ attempt }) => fail(ran.push(attempt)));
      },
    ),
    differs(
      ['`crontab`'],
      'whether 07:30 in Berlin can be said (a crontab is always UTC)',
      { peer: false, ours: true },
      async ({ exports }) => {
        const [item] = exports.parseCrontab('30 7 * * * peer');
        return 'timezone' in item;
      },
      async () =>
        nextRuns('30 7 * * *', {
          timezone: 'Europe/Berlin',
          from: '2026-01-01T00:00:00Z',
          count: 1,
        })[0]?.getUTCHours() === 6,
    ),
  ],
  untested: {
    '`helpers.query`, `helpers.withPgClient`': 'your own pool',
    '`completeJobs`, `permanentlyFailJobs`, `rescheduleJobs`': 'the tests of the admin calls prove ours',
    'a worker that dies': 'graphile-worker frees its jobs after four hours',
    '`flags`, `forbiddenFlags`': 'there is no counterpart',
    '`runner.stop()`': 'the cases for BullMQ and pg-boss prove ours',
    '`localQueue`, `batchSize`': 'speed, which the benchmarks measure',
  },
};

/** The planned pause is measured from a moment shortly before the failure was stored. */
function nearest(choices: readonly number[], seconds: number): number {
  return choices.toSorted((a, b) => Math.abs(a - seconds) - Math.abs(b - seconds))[0] ?? seconds;
}
