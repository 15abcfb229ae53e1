// npm run enqueue -- grace@example.com Grace
import { Client } from '@ojs-ts/sdk';
import { emailWelcome } from './jobs.ts';

const [to = 'ada@example.com', name = 'Ada'] = process.argv.slice(2);
const client = new Client(); // OJS_BACKEND_URL, else the ojs dev of this folder
const job = await client.enqueue(emailWelcome, [to, name]);
console.log(`Enqueued: ${job.id}`);
console.log('Result:', await job.wait({ timeout: '30s' }));
await client.close();
