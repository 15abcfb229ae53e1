import { Client, Worker } from '@ojs-ts/sdk';

const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
worker.register('payment.charge', ({ attempt }) => {
  if (attempt < 3) throw new Error('the bank does not answer');
  return `charged at attempt ${attempt}`;
});

await worker.runUntil(async () => {
  const job = await client.enqueue('payment.charge', [4200], { retry: { maxAttempts: 5, initialInterval: '20ms' } });
  console.log(await job.wait());
  for (const { attempt, type, message } of (await job.refresh()).errors)
    console.log(`attempt ${attempt}: ${type}: ${message}`);
});
await client.close();
