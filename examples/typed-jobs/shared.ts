import { Client, defineJob, job as entry, Worker } from '@ojs-ts/sdk';

// jobs.ts, which producer and worker import
const emailSend = defineJob<'email.send', [to: string, template: string], { messageId: string }>('email.send', {
  retry: { maxAttempts: 5 },
});

const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
worker.register(emailSend, ({ args: [to, template] }) => ({ messageId: `${template}-for-${to}` }));

await worker.runUntil(async () => {
  const handle = await client.enqueue(emailSend, ['a@example.com', 'welcome']);
  console.log((await handle.wait()).messageId);

  const [first, second] = await client.enqueueBatch([
    entry(emailSend, ['b@example.com', 'welcome']),
    entry(emailSend, ['c@example.com', 'reminder'], { delay: '100ms' }),
  ]);
  console.log((await first.wait()).messageId, (await second.wait()).messageId);
});
await client.close();
