import { Client, defineJob, Worker } from '@ojs-ts/sdk';

const pay = defineJob<'order.pay', [order: string], string>('order.pay');
const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
worker.register(pay, async (ctx) => {
  console.log('the handler starts');
  const charge = await ctx.step('charge', () => {
    console.log('charging');
    return `receipt of ${ctx.args[0]}`;
  });
  await ctx.sleep('cool down', '2s'); // or '30d': the job occupies no worker while it sleeps
  await ctx.step('ship', () => console.log('shipping'));
  return charge;
});

await worker.runUntil(async () => console.log(await (await client.enqueue(pay, ['o-17'])).wait()));
await client.close();
