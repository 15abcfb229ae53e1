// A child process that carries out one task with @platformatic/job-queue.
import { Queue, RedisStorage } from '@platformatic/job-queue';
import { Redis } from 'ioredis';
import type { Payload } from '../src/payload.ts';
import { readRedis } from './address.ts';
import { contest, type Peer } from './contest.ts';

const workerId = 'bench';

async function open(address: string): Promise<Peer> {
  const { url, prefix } = readRedis(address);
  const keyPrefix = `${prefix}:`;
  const opened = async (concurrency: number) => {
    const storage = new RedisStorage({ url, keyPrefix });
    await storage.connect();
    return { storage, queue: new Queue<Payload, null>({ storage, workerId, concurrency }) };
  };
  const producer = await opened(1);
  const redis = new Redis(url);
  // Without a handler it does not consume.
  await producer.queue.start();
  const add = (payload: Payload) => producer.queue.enqueue(String(payload.n), payload);
  return {
    durability: 'as the server persists it',
    enqueue: add,
    // It has no call for several jobs.
    enqueueAll: (payloads) => Promise.all(payloads.map(add)),
    async work(concurrency, handle) {
      const { storage, queue } = await opened(concurrency);
      queue.execute(async ({ payload }) => {
        handle(payload);
        return null;
      });
      queue.on('error', (error) => console.error(error));
      await queue.start();
      return {
        async stop() {
          await queue.stop();
          await storage.disconnect();
        },
      };
    },
    async unfinished() {
      const lists = ['queue', `processing:${workerId}`].map((name) => redis.llen(`${keyPrefix}${name}`));
      return (await Promise.all(lists)).reduce((sum, count) => sum + count, 0);
    },
    // Each completed job leaves a result for an hour.
    finished: () => redis.hlen(`${keyPrefix}results`),
    async close() {
      await producer.queue.stop();
      await producer.storage.disconnect();
      redis.disconnect();
    },
  };
}

contest(open);
