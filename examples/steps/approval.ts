import { Client, defineJob, defineSignal, Worker } from '@ojs-ts/sdk';

const approval = defineSignal<{ approved: boolean; by: string }>('approval');
const payout = defineJob<'payout', [id: string], string>('payout');
const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
worker.register(payout, async (ctx) => {
  await ctx.step('ask', () => console.log(`asking for ${ctx.args[0]}`));
  const decision = await ctx.wait(approval, { timeout: '7d' }); // the job occupies no worker while it waits
  if (decision === undefined) return 'expired';
  if (!decision.approved) return `rejected by ${decision.by}`;
  await ctx.step('pay', () => console.log(`paying ${ctx.args[0]}`), { retry: false });
  return `approved by ${decision.by}`;
});

await worker.runUntil(async () => {
  const job = await client.enqueue(payout, ['p-17']);
  await client.signal(job.id, approval, { approved: true, by: 'ann' }); // in another process: it needs the job's id
  console.log(await job.wait());
});
await client.close();
