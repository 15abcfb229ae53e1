import { Client, defineJob, Worker } from '@ojs-ts/sdk';
import { openEmbedded } from '@ojs-ts/server';

const welcome = defineJob<'email.welcome', [to: string], { sent: boolean }>('email.welcome', { queue: 'email' });

const engine = await openEmbedded('sqlite:./jobs.db'); // a file: no server, no Redis
const worker = new Worker(engine, { queues: ['email'] });
worker.register(welcome, async ({ args: [to] }) => ({ sent: to.endsWith('@example.com') })); // to: string
void worker.start(); // until stop(), SIGTERM or SIGINT

const client = new Client(engine);
const job = await client.enqueue(welcome, ['ada@example.com'], { retry: { maxAttempts: 5 } });
console.log(await job.wait()); // { sent: true }, typed

await worker.stop();
await engine.close();
