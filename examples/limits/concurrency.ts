import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Worker } from '@ojs-ts/sdk';

const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, concurrency: 10, handleSignals: false });
let running = 0;
let most = 0;
worker.register('page.fetch', async () => {
  running += 1;
  most = Math.max(most, running);
  await sleep(20); // the request
  running -= 1;
});

const limits = [{ key: 'site:example.com', concurrency: 2 }];
const requests = [1, 2, 3, 4, 5, 6].map((page) => ({ type: 'page.fetch', args: [page], limits }));
const jobs = await client.enqueueBatch(requests);
await worker.runUntil(Promise.all(jobs.map((job) => job.wait())));
console.log('10 slots in the worker, 2 in the limit: never more than two at once:', most <= 2);
await client.close();
