import { Client, Worker } from '@ojs-ts/sdk';
import { openEmbedded } from '@ojs-ts/server';

const transport = await openEmbedded('sqlite:./jobs.db'); // no server, no port
const client = new Client(transport);
const worker = new Worker(transport, { queues: ['email'] });
worker.register('email.send', async ({ args: [to] }) => ({ sent: true, to }));
const running = worker.start();

const job = await client.enqueue('email.send', ['user@example.com'], { queue: 'email' });
console.log(await job.wait());

await worker.stop();
await running;
await transport[Symbol.asyncDispose]();
