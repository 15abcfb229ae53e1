// A child process that carries out one task with graphile-worker.
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import type { Payload } from '../src/payload.ts';
import { readPostgres } from './address.ts';
import { contest, type Peer } from './contest.ts';

const identifier = 'bench.email';
const logger = new Logger(() => (level, message) => {
  if (level === 'error') console.error(message);
});

/**
 * What its documentation says for throughput: jobs are fetched and completed in batches, at the price of pickup
 * latency.
 */
const batching = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };

async function open(storage: string): Promise<Peer> {
  const { connectionString, schema } = readPostgres(storage);
  const pool = new pg.Pool({ connectionString, max: 20 });
  pool.on('error', (error) => console.error(error));
  // It warns about a pool without this handler.
  pool.on('connect', (client) => client.on('error', (error) => console.error(error)));
  const shared = { pgPool: pool, schema, logger };
  const utils = await makeWorkerUtils(shared);
  await utils.migrate();
  return {
    durability: 'each call its own commit',
    enqueue: (payload) => utils.addJob(identifier, payload),
    enqueueAll: (payloads) => utils.addJobs(payloads.map((payload) => ({ identifier, payload }))),
    async work(concurrency, handle, idle) {
      const runner = await run({
        ...shared,
        noHandleSignals: true,
        taskList: { [identifier]: (payload) => handle(payload as Payload) },
        preset: { worker: { concurrentJobs: concurrency, ...(idle ? {} : batching) } },
      });
      return { stop: () => runner.stop() };
    },
    async unfinished() {
      const { rows } = await pool.query(`SELECT count(*)::int AS count FROM ${schema}._private_jobs`);
      return rows[0].count;
    },
    finished: async () => null,
    async close() {
      await utils.release();
      await pool.end();
    },
  };
}

contest(open);
