import { Client, defineJob, job, nextRuns } from '@ojs-ts/sdk';

const reportMake = defineJob<'report.make', [region: string], { pages: number }>('report.make', {
  queue: 'reports',
  timeout: '5m',
});

const client = new Client();
await client.registerCronJob('eu-report', '30 7 * * MON-FRI', reportMake, ['eu'], {
  timezone: 'Europe/Berlin',
  resultTtl: '1h',
});
await client.registerCronJob({ name: 'us-report', cron: '@daily', ...job(reportMake, ['us']) });

const { jobId } = await client.triggerCronJob('eu-report');
const run = await client.getJob(reportMake, jobId);
console.log(run.queue, run.args[0].toUpperCase());

console.log((await client.pauseCronJob('eu-report')).nextRunAt);
console.log(nextRuns('30 7 * * MON-FRI', { timezone: 'Europe/Berlin', from: '2026-03-27T12:00:00Z', count: 2 }));
await client.close();
