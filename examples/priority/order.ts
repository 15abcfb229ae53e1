import { Client, Worker } from '@ojs-ts/sdk';

const client = new Client();
const jobs = await client.enqueueBatch([
  { type: 'image.resize', args: ['backlog.png'], priority: -10 },
  { type: 'image.resize', args: ['upload-1.png'] },
  { type: 'image.resize', args: ['upload-2.png'] },
  { type: 'image.resize', args: ['avatar.png'], priority: 10 },
]);

// One slot, so that the order is visible.
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, concurrency: 1, handleSignals: false });
worker.register('image.resize', ({ args: [file] }) => console.log(file));
await worker.runUntil(Promise.all(jobs.map((job) => job.wait())));
await client.close();
