// Calls that load their own code, on a real engine, in a process where nothing of it was loaded before.
import type { Answer, Call, Transport } from '@ojs-ts/core';
import { openEmbedded } from '@ojs-ts/server';
import { Client } from '../../src/index.ts';

await using engine = await openEmbedded('memory:');
const bodies: string[] = [];
const wire: Transport = {
  call(call: Call): Promise<Answer> {
    if (call.body !== undefined) bodies.push(call.body);
    return engine.call(call);
  },
  async [Symbol.asyncDispose]() {},
};

const client = new Client(wire);
const soon = new Date(Date.now() + 60_000);
await Promise.all([
  client.enqueue('test.job', [0]),
  client.enqueue('test.job', [1], { retry: { maxAttempts: 2 } }),
  client.enqueue('test.job', [2]),
  client.enqueue('test.job', [3], { expiresAt: soon }),
  client.enqueue('test.job', [4], { priority: 1 }),
]);
const order = bodies.flatMap((body) => [...body.matchAll(/"args":\[(\d)\]/g)].map(([, number]) => Number(number)));

const ending = new Client(wire);
const begun = [
  ending.listQueues().then(() => 'listed'),
  ending.enqueue('test.job', [], { timeoutMs: 1000 }).then(({ outcome }) => outcome),
  ending.enqueueBatch([{ type: 'test.job', args: [] }]).then(([{ outcome }]) => outcome),
];
const closed = ending.close();
const begunAfterClose = await ending.enqueue('test.job', []).then(
  () => 'sent',
  (error: Error) => error.message,
);
const begunBeforeClose = await Promise.all(begun.map((call) => call.catch((error: Error) => error.message)));
await closed;

const args = [1];
const single = client.enqueue('test.job', args, { timeoutMs: 1000 });
args[0] = 2;
const requests = [
  { type: 'test.job', args: ['first'] },
  { type: 'test.job', args: ['second'] },
];
const batch = client.enqueueBatch(requests);
for (const request of requests) request.args[0] = 'changed';
requests.length = 0;
const said = [await single, ...(await batch)].map((job) => job.args);

const request = { name: 'before', cron: '@daily', type: 'test.job' };
const registered = client.registerCronJob(request);
request.name = 'after';
const cron = (await registered).name;

const events = client.events()[Symbol.asyncIterator]();
const next = events.next();
await events.return?.();
const left = (await next).done ? 'left' : 'told';

await client.close();
console.log(JSON.stringify({ begunBeforeClose, begunAfterClose, order, said, cron, left }));
