import { Admin, Client, Worker } from '@ojs-ts/sdk';

const client = new Client();
const admin = new Admin();
const worker = new Worker(undefined, { handleSignals: false });
let running = 0;
let most = 0;
worker.register('invoice.send', async () => {
  running += 1;
  most = Math.max(most, running);
  await new Promise((resolve) => setTimeout(resolve, 20)); // the work
  running -= 1;
});

const limits = [{ key: 'tenant:acme', concurrency: 2 }];
const requests = [1, 2, 3, 4, 5, 6].map((number) => ({ type: 'invoice.send', args: [number], limits }));
const jobs = await client.enqueueBatch(requests);
await worker.runUntil(Promise.all(jobs.map((job) => job.wait())));
console.log('six jobs, never more than two at once:', most <= 2);

await admin.overrideLimit('tenant:acme', { concurrency: 0 });
const stopped = await admin.getLimit('tenant:acme');
console.log(stopped.key, 'may run', stopped.concurrency, 'jobs');
const restored = await admin.restoreLimit('tenant:acme');
console.log(restored.key, 'may run', restored.concurrency, 'jobs');

const numbers = { rate: { limit: 100, period: '1m' }, concurrency: 10 } as const;
const { rate, concurrency } = await admin.configureQueue('mail', numbers, { create: true });
console.log('the queue mail:', rate?.limit, 'starts in', rate?.period, 'and', concurrency, 'at once');
await Promise.all([client.close(), admin.close()]);
