// A child process that carries out one task with bee-queue.
import Queue from 'bee-queue';
import type { Payload } from '../src/payload.ts';
import { readRedis } from './address.ts';
import { contest, type Peer } from './contest.ts';

const name = 'bench';

async function open(storage: string, deleting: boolean): Promise<Peer> {
  const { url, prefix } = readRedis(storage);
  // Nobody listens to its events; its documentation says to switch off what is not needed.
  const settings = { prefix, redis: { url }, getEvents: false, sendEvents: false, removeOnSuccess: deleting };
  const queue = new Queue<Payload>(name, { ...settings, isWorker: false });
  queue.on('error', (error) => console.error(error));
  await queue.ready();
  return {
    durability: 'as the server persists it',
    enqueue: (payload) => queue.createJob(payload).save(),
    async enqueueAll(payloads) {
      const failed = await queue.saveAll(payloads.map((payload) => queue.createJob(payload)));
      for (const error of failed.values()) throw error;
    },
    async work(concurrency, handle) {
      const worker = new Queue<Payload>(name, settings);
      worker.on('error', (error) => console.error(error));
      await worker.ready();
      worker.process(concurrency, async ({ data }) => handle(data));
      return { stop: () => worker.close() };
    },
    async unfinished() {
      const { waiting, active, delayed, failed } = await queue.checkHealth();
      return waiting + active + delayed + failed;
    },
    finished: async () => (await queue.checkHealth()).succeeded,
    close: () => queue.close(),
  };
}

contest(open);
