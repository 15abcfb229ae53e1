import { Client, DiscardError, JobFailedError, SnoozeError, Worker } from '@ojs-ts/sdk';

const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
worker.register('user.sync', () => {
  throw new DiscardError('the user is gone');
});
let asked = 0;
worker.register('report.fetch', ({ attempt }) => {
  asked += 1;
  if (asked < 3) throw new SnoozeError('50ms');
  return `ready when asked ${asked} times, at attempt ${attempt}`;
});

await worker.runUntil(async () => {
  const sync = await client.enqueue('user.sync', ['u1']);
  await sync.wait().catch((error: unknown) => {
    if (error instanceof JobFailedError)
      console.log(error.job.state, `after attempt ${error.job.attempt}:`, error.errors[0]?.message);
  });

  const report = await client.enqueue('report.fetch', []);
  console.log(await report.wait());
});
await client.close();
