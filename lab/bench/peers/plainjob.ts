// A child process that carries out one task with plainjob.
import Database from 'better-sqlite3';
import { better, defineQueue, defineWorker, JobStatus } from 'plainjob';
import { contest, type Peer } from './contest.ts';

const type = 'bench.email';
/** Its default of 1,000 ms would be its idle latency. */
const pollIntervall = 5;

const quiet = { error: console.error, warn: console.warn, info() {}, debug() {} };

async function open(storage: string, deleting: boolean): Promise<Peer> {
  const database = new Database(storage.slice('sqlite:'.length));
  // Its defaults: maintenance every minute, done jobs 7 days, failed ones 30 days.
  const removal = deleting ? { maintenanceInterval: 1_000, removeDoneJobsOlderThan: 1 } : {};
  const queue = defineQueue({ connection: better(database), logger: quiet, ...removal });
  const synchronous = ['OFF', 'NORMAL', 'FULL', 'EXTRA'][Number(database.pragma('synchronous', { simple: true }))];
  const journal = String(database.pragma('journal_mode', { simple: true })).toUpperCase();
  return {
    durability: `${journal}, synchronous=${synchronous}`,
    // Synchronous, so 64 callers take turns all the same.
    enqueue: async (payload) => queue.add(type, payload),
    enqueueAll: async (payloads) => queue.addMany(type, [...payloads]),
    /** As many workers as the concurrency says, on one connection: a worker of plainjob does one job at a time. */
    async work(concurrency, handle) {
      const workers = Array.from({ length: concurrency }, () =>
        defineWorker(type, ({ data }) => handle(JSON.parse(data)), { queue, pollIntervall, logger: quiet }),
      );
      const running = Promise.all(workers.map((worker) => worker.start()));
      return {
        async stop() {
          await Promise.all(workers.map((worker) => worker.stop()));
          await running;
        },
      };
    },
    unfinished: async () => queue.countJobs() - queue.countJobs({ status: JobStatus.Done }),
    finished: async () => queue.countJobs({ status: JobStatus.Done }),
    close: async () => queue.close(),
  };
}

contest(open);
