// A job there and back over HTTP, with the CommonJS form.
const { Client, Worker } = require('@ojs-ts/sdk');

async function main() {
  const queue = process.env.QUEUE;
  const client = new Client();
  const worker = new Worker(undefined, { queues: [queue], handleSignals: false });
  worker.register('package.echo', async ({ args: [word] }) => ({ word }));
  const running = worker.start();
  const job = await client.enqueue('package.echo', ['commonjs'], { queue });
  const result = await job.wait({ timeout: '20s' });
  await worker.stop();
  await running;
  await client.close();
  console.log(JSON.stringify(result));
}
main();
