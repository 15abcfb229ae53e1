import { Client } from '@ojs-ts/sdk';
import { welcome } from './jobs.ts';

const client = new Client(); // OJS_BACKEND_URL, else http://localhost:8080
const job = await client.enqueue(welcome, ['ada@example.com', 'Ada'], { retry: { maxAttempts: 5 } });
console.log(`Enqueued: ${job.id}`);
console.log(await job.wait({ timeout: '30s' })); // { sent: true }, typed
await client.close();
