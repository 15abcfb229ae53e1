// A producer and a worker in one program, to be bundled: CommonJS has no top-level await.
import { Client, Worker } from '@ojs-ts/sdk';

async function main() {
  const queue = process.env.QUEUE;
  const worker = new Worker(undefined, { queues: [queue], handleSignals: false });
  worker.register('package.echo', async ({ args: [word] }) => ({ word }));
  const running = worker.start();
  const client = new Client();
  const job = await client.enqueue('package.echo', ['bundled'], { queue });
  const result = await job.wait({ timeout: '60s' });
  await worker.stop();
  await running;
  await client.close();
  console.log(JSON.stringify(result));
}
main();
