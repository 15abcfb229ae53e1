import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Worker } from '@ojs-ts/sdk';

const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, heartbeatInterval: '200ms', handleSignals: false });
const started = Promise.withResolvers<void>();
const stopped = Promise.withResolvers<string>();
worker.register('video.encode', async ({ args: [file], signal }) => {
  started.resolve();
  try {
    await sleep(3_600_000, undefined, { signal }); // fetch(), streams and child processes take a signal too
  } finally {
    stopped.resolve(`the handler of ${file} has stopped`);
  }
});

await worker.runUntil(async () => {
  const job = await client.enqueue('video.encode', ['a.mp4']);
  await started.promise;
  const { state } = await job.cancel();
  console.log('the job is', state);
  console.log(await stopped.promise);
});
await client.close();
