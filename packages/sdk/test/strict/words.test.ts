import { expect, test } from 'vitest';
import { OjsApp } from '../../src/framework/app.ts';
import { Admin, Client, dag, defineJob, OJSValidationError, Worker } from '../../src/index.ts';
import { warnOfSeconds } from '../../src/options/values.ts';
import { SyncClient } from '../../src/sync/index.ts';
import { keepingLogger } from '../support/log.ts';

const client = new Client('http://127.0.0.1:9');

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof OJSValidationError) return error.message;
    throw error;
  }
  return 'taken';
}

test.each<[object, string]>([
  [{ prioritty: 3 }, 'prioritty: unknown option. Did you mean priority?'],
  [{ attempts: 5 }, 'attempts: unknown option. Did you mean retry.maxAttempts?'],
  [{ max_attempts: 5 }, 'max_attempts: unknown option. Did you mean retry.maxAttempts?'],
  [{ onExhausted: 'dead_letter' }, 'onExhausted: unknown option. Did you mean retry.onExhaustion?'],
  [{ jobId: 'x' }, 'jobId: unknown option. Use unique to refuse duplicates; id is a UUIDv7.'],
  [{ runAt: new Date() }, 'runAt: unknown option. Did you mean scheduledAt?'],
  [{ startAfter: new Date() }, 'startAfter: unknown option. Did you mean scheduledAt?'],
  [{ eta: new Date() }, 'eta: unknown option. Did you mean scheduledAt?'],
  [{ concurrency: 5 }, 'concurrency: unknown option. Did you mean limits?'],
  [{ rate_limit: '10/m' }, 'rate_limit: unknown option. Did you mean limits?'],
  [{ removeOnComplete: true }, 'removeOnComplete: unknown option. The server decides how long it keeps ended jobs'],
  [{ repeat: { pattern: '* * * * *' } }, 'repeat: unknown option. Use registerCronJob() for a job that repeats.'],
  [{ countdown: 5 }, 'countdown: unknown option. Did you mean delay?'],
  [{ uniqueKey: 'x' }, 'uniqueKey: unknown option. Did you mean unique?'],
  [{ jobKey: 'x' }, 'jobKey: unknown option. Did you mean unique?'],
  [{ timeout_ms: 5 }, 'timeout_ms: unknown option. Did you mean timeoutMs?'],
  [{ type: 'c.d' }, 'type: unknown option. There are id, queue, meta'],
  [{ zebra: 1 }, 'zebra: unknown option. There are id, queue, meta'],
  [{ prioritty: undefined }, 'prioritty: unknown option. Did you mean priority?'],
  [{ retry: 5 }, 'retry: expected an object such as { maxAttempts: 5 }, got 5'],
  [{ retry: 0 }, 'retry: expected an object such as { maxAttempts: 5 }, got 0'],
  [{ retry: null }, 'retry: expected an object such as { maxAttempts: 5 }, got null'],
  [{ retry: { attempts: 5 } }, 'retry.attempts: unknown option. Did you mean maxAttempts?'],
  [{ unique: 'email' }, "unique: expected an object such as { keys: ['type', 'args'], period: '1h' }, got a string"],
  [
    { unique: { keys: ['type'], on_conflict: 'ignore' } },
    'unique.on_conflict: unknown option. Did you mean onConflict?',
  ],
])('enqueue refuses %j', async (options, message) => {
  await expect(client.enqueue('a.b', [], options)).rejects.toThrow(message);
  await expect(client.enqueue('a.b', [], options)).rejects.toBeInstanceOf(OJSValidationError);
  if (!('type' in options)) {
    await expect(client.enqueueBatch([{ type: 'a.b', args: [], ...options }])).rejects.toThrow(
      `[0].${message.split('There')[0]}`,
    );
    expect(refusal(() => defineJob('a.b', options))).toContain(message);
  }
});

test.each<[object, string]>([
  [{ tz: 'Europe/Berlin' }, 'tz: unknown option. Did you mean timezone?'],
  [{ eta: new Date() }, 'eta: unknown option. There are queue, meta, priority,'],
  [{ zebra: 1 }, 'zebra: unknown option. There are queue, meta, priority,'],
  [{ delay: '5s' }, 'delay: not an option of a cron: each run has its own id and times'],
])('a cron refuses %j', async (options, message) => {
  for (const call of [
    () => client.registerCronJob('c', '@daily', 'a.b', [], options),
    () => client.registerCronJob({ name: 'c', cron: '@daily', type: 'a.b', ...options }),
  ]) {
    const error: unknown = await call().catch((refused: unknown) => refused);
    expect(String(error)).toContain(message);
    expect(String(error)).not.toMatch(/There are .*(delay|pending)/);
  }
});

test.each(['schedule', 'pattern', 'expression', 'repeat'])('%s in place of a cron request is refused', async (name) => {
  const request = { name: 'c', type: 'a.b', [name]: '@daily' };
  // @ts-expect-error no cron
  await expect(client.registerCronJob(request)).rejects.toThrow(`${name}: unknown option. Did you mean cron?`);
});

test('nested options of a batch job are refused with advice', async () => {
  const sent = client.enqueueBatch([{ type: 'a.b', args: [], options: { queue: 'q', priority: 3 } }]);
  await expect(sent).rejects.toThrow(
    '[0].options: unknown option. Put queue, priority beside type, not in an object of their own.',
  );
});

test.each<[string, object, string]>([
  ['a text', { timeout: '30' }, "such as '5s' or 'PT5S', got \"30\""],
  ['a word', { priority: 'high' }, 'got "high"'],
  ['a duration with a space', { delay: '5 min' }, 'got "5 min"'],
  ['a number', { priority: 1.5 }, 'got 1.5'],
  ['an object', { timeout: {} }, 'got a value of type object'],
])('the message quotes %s if it is a text', async (_, options, message) => {
  await expect(client.enqueue('a.b', [], options)).rejects.toThrow(message);
});

const loop: { self?: object } = {};
loop.self = loop;
test.each<[string, unknown, string]>([
  ['an object', { to: 'a' }, 'args: expected an array, got an object. Wrap it in a list: [{ … }]'],
  ['a text', 'a', 'args: expected an array, got a string. Write [value] where there is one argument'],
  ['a Map', [new Map()], 'args[0]: a Map is no JSON value; send Object.fromEntries(map)'],
  ['a Set', [new Set()], 'args[0]: a Set is no JSON value; send [...set]'],
  ['a Promise', [Promise.resolve()], 'args[0]: a Promise is no JSON value; await it'],
  ['bytes', [new Uint8Array()], 'args[0]: Uint8Array is no JSON value; send an id'],
  ['a function', [() => {}], 'args[0]: function is no JSON value; send data in its place'],
  ['a cycle', [loop], 'args[0].self: the value contains itself; send an id, or a copy of what is needed of it'],
])('args: what to do with %s', async (_, args, message) => {
  const enqueue: unknown = Reflect.apply(Reflect.get(client, 'enqueue'), client, ['a.b', args]);
  await expect(enqueue).rejects.toThrow(message);
});

test('null in place of options is refused with a sentence', async () => {
  // @ts-expect-error no options
  await expect(client.enqueue('a.b', [], null)).rejects.toThrow(
    'options: expected an object such as { id: … }, got null',
  );
});

test('an option that a middleware adds is checked', async () => {
  const own = new Client('http://127.0.0.1:9').enqueueMiddleware((request, next) =>
    next(Object.assign(request, { prioritty: 3 })),
  );
  await expect(own.enqueue('a.b', [])).rejects.toThrow('prioritty: unknown option. Did you mean priority?');
});

test.each<[() => unknown, string]>([
  // @ts-expect-error no such option
  [() => new Client('http://x', { timeOut: 5 }), 'timeOut: unknown option. Did you mean timeout?'],
  // @ts-expect-error no such option
  [() => new Worker('http://x', { concurency: 5 }), 'concurency: unknown option. Did you mean concurrency?'],
  // @ts-expect-error no such option
  [() => new Client('http://x', { retries: 5 }), 'retries: unknown option. Did you mean requestRetry?'],
  // @ts-expect-error no such option
  [() => new Client('http://x', { apiKey: 'secret' }), 'apiKey: unknown option. Did you mean token?'],
  [
    // @ts-expect-error no number
    () => new Client('http://x', { requestRetry: 5 }),
    'requestRetry: expected an object such as { maxRetries: 3 }, got 5',
  ],
  // @ts-expect-error a URL object has no options
  [() => new Client(new URL('http://x')), 'target: expected a URL as a text, a transport or options, got'],
  // @ts-expect-error no such option
  [() => new Client({ ulr: 'http://x' }), 'ulr: unknown option. Did you mean url?'],
  // @ts-expect-error no such option
  [() => new SyncClient({ timeOut: 5 }), 'timeOut: unknown option. Did you mean timeout?'],
  [
    // @ts-expect-error url stands in the object form
    () => new Client('http://x', { url: 'http://x' }),
    'url: give it once: new Client(url, { … }) or new Client({ url, … })',
  ],
  [
    // @ts-expect-error no such option
    () => new Worker({ queue: ['a'], concurrency: 2 }),
    'queue: unknown option. Did you mean queues?',
  ],
  [() => new Client('redis://localhost'), 'belongs to the server: ojs serve --storage'],
  [() => new Client({ url: 'nowhere' }), 'url: expected an http or https URL'],
  [() => new Client('nowhere'), 'target: expected an http or https URL'],
  [() => new OjsApp({ url: 'nowhere' }), 'url: expected an http or https URL'],
  [() => new OjsApp({ url: 'http://x', target: 'http://x' }), 'url: means the same as target'],
  [
    () => dag('w', { a: { job: { type: 'a.b', args: [] }, dependsOn: [] } }),
    'nodes.a.dependsOn: unknown option. Did you mean after?',
  ],
  // @ts-expect-error no duration
  [() => new Client('http://x', { timeout: '5 minutes' }), `got "5 minutes". Did you mean '5m'?`],
  // @ts-expect-error no duration
  [() => new Client('http://x', { timeout: '5 months' }), 'got "5 months"'],
  [
    // @ts-expect-error two objects
    () => new Client({ url: 'http://x' }, { token: 'secret' }),
    'options: expected one object with all options, got two',
  ],
  // @ts-expect-error no such option
  [() => new Client({ url: 'http://x', timeOut: 5 }), 'timeOut: unknown option. Did you mean timeout?'],
  // @ts-expect-error no URL
  [() => new Client(8080), 'target: expected a URL as a text, a transport or options, got 8080'],
])('%s', (work, message) => {
  expect(refusal(work)).toContain(message);
  expect(refusal(work)).not.toContain('secret');
});

test('both forms of every constructor; an undefined url is the default', () => {
  const url: string | undefined = process.env.NO_SUCH_VARIABLE;
  const made = [
    new Client(),
    new Client('http://x', { token: 't' }),
    new Client({ url: 'http://x', token: 't' }),
    new Client({ url }),
    new Worker('http://x', { concurrency: 1 }),
    new Worker({ url, concurrency: 1 }),
    new Admin('http://x', { token: 't' }),
    new Admin({ url, token: 't' }),
    new SyncClient('http://x', { token: 't' }),
    new SyncClient({ url, token: 't' }),
  ];
  expect(made).toHaveLength(10);
});

test('the object form reaches its server, with its options', async () => {
  const seen: { url: string; authorization: string | null }[] = [];
  const answer: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    seen.push({ url: request.url, authorization: request.headers.get('authorization') });
    return Response.json({ status: 'ok' });
  };
  await using own = new Client({ url: 'http://jobs.example.com/base', token: 't', fetch: answer });
  await own.health();
  await using admin = new Admin({ url: 'http://jobs.example.com', fetch: answer });
  await admin.listQueues();
  expect(seen.map(({ url }) => url)).toEqual([
    'http://jobs.example.com/base/ojs/v1/health',
    'http://jobs.example.com/ojs/v1/queues?limit=200',
  ]);
  expect(seen[0]?.authorization).toBe('Bearer t');
});

test('a bare number below 1,000 as a time limit warns once for each option; texts and larger numbers do not', () => {
  const logger = keepingLogger();
  for (const value of ['30s', 30.5, 0, 1_000, undefined] as const) warnOfSeconds(value, 'ofThisTest', logger);
  expect(logger.lines).toEqual([]);
  for (const value of [30, 30, 999]) warnOfSeconds(value, 'ofThisTest', logger);
  expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
    ['warn', "ofThisTest: 30 is 30 milliseconds. Write '30s' for seconds, or '30ms' for milliseconds."],
  ]);
});

test('options without a URL take that of the environment', async () => {
  await using client = new Client({ token: 'secret', requestRetry: false });
  expect(client).toBeInstanceOf(Client);
  expect(() => new Worker({ queues: ['a'] })).not.toThrow();
});
