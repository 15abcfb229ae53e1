import { Client } from '@ojs-ts/sdk';

const client = new Client(); // OJS_BACKEND_URL, else http://localhost:8080
const job = await client.enqueue('email.send', ['user@example.com', 'welcome'], { queue: 'email' });
console.log(`Enqueued: ${job.id}`);
console.log(await job.wait({ timeout: '30s' })); // what the handler returned
await client.close();
