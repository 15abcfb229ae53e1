// A child process that carries out one task with bunqueue, embedded; it runs in Bun.
import { Queue, Worker } from 'bunqueue/client';
import type { Payload } from '../src/payload.ts';
import { contest, type Peer } from './contest.ts';

const name = 'bench';
const type = 'bench.email';

async function open(storage: string, deleting: boolean): Promise<Peer> {
  const dataPath = storage.slice('sqlite:'.length);
  const shared = { embedded: true, dataPath };
  // `durable`: on disk before it answers, as ours; its default answers before it writes.
  const options = { durable: true, removeOnComplete: deleting };
  const queue = new Queue<Payload>(name, shared);
  return {
    durability: 'durable: written before it answers',
    enqueue: (payload) => queue.add(type, payload, options),
    enqueueAll: (payloads) => queue.addBulk(payloads.map((data) => ({ name: type, data, opts: options }))),
    async work(concurrency, handle) {
      const worker = new Worker<Payload>(name, async ({ data }) => handle(data), { ...shared, concurrency });
      worker.on('error', (error) => console.error(error));
      return { stop: () => worker.close() };
    },
    async unfinished() {
      const { waiting, active, delayed, failed } = await queue.getJobCountsAsync();
      return waiting + active + delayed + failed;
    },
    finished: async () => (await queue.getJobCountsAsync()).completed,
    close: async () => queue.close(),
  };
}

contest(open);
