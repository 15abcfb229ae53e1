import { Client, JobFailedError, Worker } from '@ojs-ts/sdk';

const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
let isFixed = false;
worker.register('payment.charge', () => {
  if (!isFixed) throw new TypeError('a bug in the handler');
  return 'charged';
});

await worker.runUntil(async () => {
  const retry = { maxAttempts: 2, initialInterval: '10ms', onExhaustion: 'dead_letter' } as const;
  const job = await client.enqueue('payment.charge', [4200], { retry });
  await job.wait().catch((error: unknown) => {
    if (error instanceof JobFailedError) console.log(`${error.job.state} after ${error.errors.length} attempts`);
  });

  isFixed = true;
  for await (const dead of await client.listDeadLetterJobs()) {
    console.log(dead.type, dead.error?.type, dead.error?.message);
    await client.retryDeadLetterJob(dead.id);
  }
  console.log(await job.wait());
});
await client.close();
