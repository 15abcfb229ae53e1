// A child process that carries out one task with groupmq.
import { Queue, Worker } from 'groupmq';
import { Redis } from 'ioredis';
import type { Payload } from '../src/payload.ts';
import { readRedis } from './address.ts';
import { contest, type Peer } from './contest.ts';

async function open(storage: string): Promise<Peer> {
  const { url, prefix } = readRedis(storage);
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  // Its keys begin with `groupmq:`, so the run's prefix comes behind that.
  const queue = new Queue<Payload>({ redis, namespace: prefix });
  // A group has one job at a time; the jobs here have no order.
  const add = (data: Payload) => queue.add({ groupId: String(data.n), data });
  return {
    durability: 'as the server persists it',
    enqueue: add,
    // It has no call for several jobs.
    enqueueAll: (payloads) => Promise.all(payloads.map(add)),
    async work(concurrency, handle) {
      const worker = new Worker<Payload>({ queue, concurrency, handler: async ({ data }) => handle(data) });
      worker.on('error', (error) => console.error(error));
      const running = worker.run();
      running.catch((error: unknown) => console.error(error));
      return { stop: () => worker.close() };
    },
    async unfinished() {
      const { active, waiting, delayed, failed } = await queue.getJobCounts();
      return active + waiting + delayed + failed;
    },
    finished: async () => null,
    async close() {
      await queue.close();
      redis.disconnect();
    },
  };
}

contest(open);
