// A child process that carries out one task with BullMQ.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { Payload } from '../src/payload.ts';
import { readRedis } from './address.ts';
import { contest, type Peer } from './contest.ts';

const name = 'bench';
const type = 'bench.email';

async function open(storage: string, deleting: boolean): Promise<Peer> {
  const { url, prefix } = readRedis(storage);
  // Its workers ask for this option.
  const connect = () => new Redis(url, { maxRetriesPerRequest: null });
  const connection = connect();
  const queue = new Queue<Payload>(name, { connection, prefix, defaultJobOptions: { removeOnComplete: deleting } });
  await queue.waitUntilReady();
  return {
    durability: 'as the server persists it',
    enqueue: (payload) => queue.add(type, payload),
    enqueueAll: (payloads) => queue.addBulk(payloads.map((data) => ({ name: type, data }))),
    async work(concurrency, handle) {
      const own = connect();
      const worker = new Worker<Payload>(name, async ({ data }) => handle(data), {
        connection: own,
        prefix,
        concurrency,
      });
      worker.on('error', (error) => console.error(error));
      await worker.waitUntilReady();
      return {
        async stop() {
          await worker.close();
          own.disconnect();
        },
      };
    },
    async unfinished() {
      const counts = await queue.getJobCounts('waiting', 'active', 'prioritized', 'delayed', 'failed');
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    },
    finished: () => queue.getCompletedCount(),
    async close() {
      await queue.close();
      connection.disconnect();
    },
  };
}

contest(open);
