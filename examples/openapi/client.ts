// A client that is generated from the OpenAPI document of a server: `npm run generate`, then `npm start`.
import createClient from 'openapi-fetch';
import type { paths } from './generated/ojs.d.ts';

const baseUrl = process.env.OJS_BACKEND_URL ?? 'http://localhost:8080';
const token = process.env.OJS_AUTH_TOKEN;
const client = createClient<paths>({ baseUrl, headers: token ? { authorization: `Bearer ${token}` } : {} });

const enqueued = await client.POST('/ojs/v1/jobs', {
  body: { type: 'email.send', args: ['a@example.com'], options: { queue: 'email', priority: 5 } },
});
if (enqueued.error) throw new Error(enqueued.error.error.message);
console.log(`Enqueued ${enqueued.data.job.id}, which is ${enqueued.data.job.state}.`);

const list = await client.GET('/ojs/v1/jobs', { params: { query: { queue: 'email', limit: 10 } } });
console.log(`Queue email has ${list.data?.pagination.total} job, of type ${list.data?.jobs[0]?.type}.`);

const paused = await client.POST('/ojs/v1/queues/{name}/pause', { params: { path: { name: 'email' } } });
console.log(`Queue email is ${paused.data?.status}.`);

const missing = await client.GET('/ojs/v1/queues/{name}', { params: { path: { name: 'none' } } });
console.log(missing.error?.error.message);
