import { Client, JobFailedError, Worker } from '@ojs-ts/sdk';

const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
worker.register('email.send', ({ args: [to] }) => `sent to ${to}`);

const soon = await client.enqueue('email.send', ['ada@example.com'], { delay: '200ms' });
const christmas = await client.enqueue('email.send', ['bob@example.com'], { delayUntil: '2099-12-24T18:00:00+01:00' });
console.log(soon.state, christmas.state, christmas.scheduledAt);

const late = await client.enqueue('push.notify', ['u1'], {
  queue: 'nobody-reads-this',
  expiresAt: new Date(Date.now() + 100),
});
await late.wait().catch((error: unknown) => {
  if (error instanceof JobFailedError) console.log(error.job.state, error.job.error?.type);
});

console.log(await worker.runUntil(() => soon.wait()));
await client.close();
