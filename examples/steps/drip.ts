import { Client, defineJob, Worker } from '@ojs-ts/sdk';

const drip = defineJob<'drip', [enrolment: string], string>('drip');
const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
worker.register(drip, async (ctx) => {
  const [enrolment] = ctx.args;
  const left = ctx.wait('left', { token: `left:${enrolment}` }).then(() => true);
  for (const mail of ['welcome', 'tips', 'offer']) {
    await ctx.step(`mail ${mail}`, () => console.log(`mail: ${mail}`));
    const pause = ctx.sleep(`after ${mail}`, '3d').then(() => false);
    if (await Promise.race([left, pause])) return `left after ${mail}`;
  }
  return 'done';
});

await client.signalToken('left:e-42'); // it may come first: nothing is lost
await worker.runUntil(async () => console.log(await (await client.enqueue(drip, ['e-42'])).wait()));
await client.close();
