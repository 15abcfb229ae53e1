import { Worker } from '@ojs-ts/sdk';

const worker = new Worker({ url: process.env.OJS_BACKEND_URL, queues: ['email', 'default'], concurrency: 10 });
worker.register('email.send', async (ctx) => {
  const [to, template] = ctx.args;
  // … send the email; ctx.signal is aborted when this execution no longer counts …
  return { sent: true, to, template };
});
await worker.start(); // until SIGTERM, SIGINT, stop(), or the server's order
