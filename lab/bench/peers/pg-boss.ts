// A child process that carries out one task with pg-boss.
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import type { Payload } from '../src/payload.ts';
import { readPostgres } from './address.ts';
import { contest, type Peer } from './contest.ts';

const queue = 'bench';
/** The shortest that it takes; a new job is also announced by NOTIFY. */
const pollingIntervalSeconds = 0.5;

async function open(storage: string, deleting: boolean): Promise<Peer> {
  const { connectionString, schema } = readPostgres(storage);
  const boss = new PgBoss({
    connectionString,
    schema,
    useListenNotify: true,
    ...(deleting && { superviseIntervalSeconds: 1, maintenanceIntervalSeconds: 1 }),
  });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue(queue, { notify: true, ...(deleting && { deleteAfterSeconds: 1 }) });
  const pool = new pg.Pool({ connectionString, max: 1 });
  const count = async (condition: string): Promise<number> => {
    const { rows } = await pool.query(
      `SELECT count(*)::int AS count FROM ${schema}.job WHERE name = $1 AND ${condition}`,
      [queue],
    );
    return rows[0].count;
  };
  return {
    durability: 'each call its own commit, one for the batch that a worker took',
    enqueue: (payload) => boss.send(queue, payload),
    enqueueAll: (payloads) =>
      boss.insert(
        queue,
        payloads.map((data) => ({ data })),
      ),
    async work(concurrency, handle) {
      const options = { batchSize: concurrency, burstWhenBatchFull: true, pollingIntervalSeconds };
      await boss.work<Payload>(queue, options, async (jobs) => {
        for (const { data } of jobs) handle(data);
      });
      return { stop: () => boss.offWork(queue) };
    },
    unfinished: () => count("state < 'completed'"),
    finished: () => count("state = 'completed'"),
    async close() {
      await boss.stop({ graceful: false });
      await pool.end();
    },
  };
}

contest(open);
