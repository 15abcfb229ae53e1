import { Client, DuplicateJobError, type UniquePolicy, Worker } from '@ojs-ts/sdk';

const client = new Client();
const worker = new Worker({ url: process.env.OJS_BACKEND_URL, handleSignals: false });
worker.register('report.make', ({ args: [month] }) => `report of ${month}`);

// One at a time: another job may follow when this one has ended.
const unique: UniquePolicy = { keys: ['type', 'args'], onConflict: 'ignore' };
const first = await client.enqueue('report.make', ['2026-01'], { unique });
const second = await client.enqueue('report.make', ['2026-01'], { unique });
console.log(first.outcome, second.outcome, second.id === first.id);

await client
  .enqueue('report.make', ['2026-01'], { unique: { ...unique, onConflict: 'reject' } })
  .catch((error: unknown) => {
    if (error instanceof DuplicateJobError) console.log('refused:', error.existingJobId === first.id);
  });

console.log(await worker.runUntil(() => first.wait()));

// Once per hour: a completed job also blocks the next one.
const hourly: UniquePolicy = {
  ...unique,
  period: '1h',
  states: ['scheduled', 'available', 'pending', 'active', 'retryable', 'completed'],
};
const again = await client.enqueue('report.make', ['2026-01'], { unique: hourly });
const next = await client.enqueue('report.make', ['2026-01'], { unique });
console.log('once per hour:', again.outcome, '- one at a time:', next.outcome);
await client.close();
