// The client in chunks for the web, each loaded with its first use; given `offline`, where some of them cannot be
// loaded.
import { Client } from './chunks/client-only.js';

const url = process.env.OJS_BACKEND_URL;
const queue = process.env.QUEUE;
const client = new Client(url, { requestRetry: { minBackoff: 1 } });
const lone = await client.enqueue('package.chunk', [0], { queue });
const several = await Promise.all([1, 2, 3].map((n) => client.enqueue('package.chunk', [n], { queue })));
if (process.argv[2] === 'offline') {
  const said = ({ name, message }) => `${name}: ${message}`;
  const away = await new Client('http://127.0.0.1:1').enqueue('package.chunk', []).catch(said);
  const refused = await client.enqueue('package.chunk', [1n]).catch(said);
  const { name: cron } = await client.registerCronJob('offline', '@daily', 'package.chunk');
  const queues = (await client.listQueues()).some(({ name }) => name === queue);
  const workflow = await client.workflow({ name: 'none' }).catch(said);
  const waited = await lone.wait().catch(said);
  const events = await lone.events()[Symbol.asyncIterator]().next().catch(said);
  console.log(JSON.stringify({ several: several.length, away, refused, cron, queues, workflow, waited, events }));
} else {
  const [batched] = await client.enqueueBatch([{ type: 'package.chunk', args: [4], queue, delay: '1h' }]);
  const refused = await client.getJob('nobody').catch(({ name, code }) => `${name}: ${code}`);
  const invalid = await client.enqueue('package.chunk', [1n]).catch(({ name, message }) => `${name}: ${message}`);
  const step = (n) => ({ type: 'package.chunk', args: [n], queue });
  const workflow = await client.workflow({
    name: 'two',
    kind: 'group',
    steps: [0, 1].map((n) => ({ id: `${n}`, step: step(n), after: [] })),
    callbacks: {},
    options: {},
  });
  const steps = (await workflow.refresh()).steps.length;
  client.enqueueMiddleware((request, next) => next({ ...request, meta: { by: 'middleware' } }));
  const { meta } = await client.enqueue('package.chunk', [5], { queue });
  const { name } = await client.registerCronJob('nightly', '@daily', 'package.chunk');
  const events = lone.events();
  const event = (async () => {
    for await (const { event } of events) if (event === 'job.cancelled') return event;
  })();
  const ended = lone.wait().catch((error) => error.job.state);
  await lone.cancel();
  const stats = await client.queueStats(queue);
  console.log(
    JSON.stringify({
      several: several.length,
      batched: batched.state,
      refused,
      invalid,
      steps,
      meta,
      name,
      event: await event,
      ended: await ended,
      cancelled: stats.cancelled,
    }),
  );
}
await client.close();
