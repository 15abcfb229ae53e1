import { Worker } from '@ojs-ts/sdk';
import { welcome } from './jobs.ts';

const worker = new Worker({ url: process.env.OJS_BACKEND_URL, queues: ['email'], concurrency: 10 });
worker.register(welcome, async ({ args: [to, name], signal, log }) => {
  signal.throwIfAborted(); // aborts on timeout, cancellation or a lost lease
  log.info(`Dear ${name}`, { to }); // … send the email …
  return { sent: true };
});
await worker.start(); // until SIGTERM or SIGINT
