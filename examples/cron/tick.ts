import { Client, Worker } from '@ojs-ts/sdk';

const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
const { promise: ran, resolve } = Promise.withResolvers<string>();
worker.register('report.make', ({ args: [what] }) => resolve(`made: ${what}`));

const tick = await client.registerCronJob('tick', '@every 1s', 'report.make', ['sales']);
console.log(tick.cron, tick.timezone, tick.overlapPolicy);

await client.registerCronJob({
  name: 'daily-report',
  cron: '30 7 * * MON-FRI',
  type: 'report.make',
  args: ['sales'],
  timezone: 'Europe/Berlin',
  overlapPolicy: 'skip',
  retry: { maxAttempts: 5, onExhaustion: 'dead_letter' },
});

console.log(await worker.runUntil(ran));
for await (const { name, enabled } of await client.listCronJobs()) console.log(name, enabled);
await client.unregisterCronJob('tick');
await client.close();
