// A job there and back over HTTP, with the module form.
import { Client, Worker } from '@ojs-ts/sdk';

const url = process.env.OJS_BACKEND_URL;
const queue = process.env.QUEUE;
const client = new Client(url);
const worker = new Worker(url, { queues: [queue], handleSignals: false });
worker.register('package.echo', async ({ args: [word] }) => ({ word }));
const running = worker.start();
const job = await client.enqueue('package.echo', ['module'], { queue });
const result = await job.wait({ timeout: '20s' });
await worker.stop();
await running;
await client.close();
console.log(JSON.stringify(result));
