import { Client, DiscardError, JobFailedError, SnoozeError, Worker } from '@ojs-ts/sdk';

const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
worker.register('payment.charge', ({ attempt }) => {
  if (attempt < 3) throw new Error('the bank does not answer');
  return `charged at attempt ${attempt}`;
});
worker.register('user.sync', () => {
  throw new DiscardError('the user is gone');
});
let asked = 0;
worker.register('report.fetch', ({ attempt }) => {
  asked += 1;
  if (asked < 3) throw new SnoozeError('50ms');
  return `ready when asked ${asked} times, at attempt ${attempt}`;
});

const retry = { maxAttempts: 5, initialInterval: '20ms', backoffCoefficient: 2 } as const;
await worker.runUntil(async () => {
  const payment = await client.enqueue('payment.charge', [4200], { retry });
  console.log(await payment.wait());
  for (const { attempt, type, message } of (await payment.refresh()).errors)
    console.log(`attempt ${attempt}: ${type}: ${message}`);

  const sync = await client.enqueue('user.sync', ['u1'], { retry });
  await sync.wait().catch((error: unknown) => {
    if (error instanceof JobFailedError)
      console.log(error.job.state, `after attempt ${error.job.attempt}:`, error.errors[0]?.message);
  });

  const report = await client.enqueue('report.fetch', [], { retry });
  console.log(await report.wait());
});
await client.close();
