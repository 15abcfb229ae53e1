import { Client, EventType, Worker } from '@ojs-ts/sdk';

const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, queues: ['email'], handleSignals: false });
worker.register('email.send', () => ({ sent: true }));

const job = await client.enqueue('email.send', ['user@example.com'], { queue: 'email' });
await worker.runUntil(async () => {
  for await (const event of client.events({ queue: 'email', types: ['job.*'], after: '0' })) {
    console.log(event.event, event.jobType, event.state);
    if (event.event === EventType.JOB_COMPLETED && event.jobId === job.id) break;
  }
});
for await (const event of job.events()) console.log(`the job's last: ${event.event}`);
await client.close();
