import { expect, test } from 'vitest';
import { Admin, Client, defineJob, OJSValidationError, Worker } from '../../src/index.ts';
import { warnOfSeconds } from '../../src/seconds.ts';
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
  [{ jobId: 'x' }, 'jobId: unknown option. Did you mean id?'],
  [{ runAt: new Date() }, 'runAt: unknown option. Did you mean scheduledAt?'],
  [{ startAfter: new Date() }, 'startAfter: unknown option. Did you mean scheduledAt?'],
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
  [{ unique: { keys: ['type'], on_conflict: 'ignore' } }, 'unique.on_conflict: unknown option. Did you mean onConflict?'],
])('enqueue refuses %j', async (options, message) => {
  await expect(client.enqueue('a.b', [], options)).rejects.toThrow(message);
  await expect(client.enqueue('a.b', [], options)).rejects.toBeInstanceOf(OJSValidationError);
  if (!('type' in options)) {
    await expect(client.enqueueBatch([{ type: 'a.b', args: [], ...options }])).rejects.toThrow(`[0].${message.split('There')[0]}`);
    expect(refusal(() => defineJob('a.b', options))).toContain(message);
  }
});

test('null in the place of options is refused with a sentence', async () => {
  // @ts-expect-error no options
  await expect(client.enqueue('a.b', [], null)).rejects.toThrow('options: expected an object such as { id: … }, got null');
});

test('what a middleware adds is checked again', async () => {
  const own = new Client('http://127.0.0.1:9').enqueueMiddleware((request, next) => next(Object.assign(request, { prioritty: 3 })));
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
  // @ts-expect-error no number
  [() => new Client('http://x', { requestRetry: 5 }), 'requestRetry: expected an object such as { maxRetries: 3 }, got 5'],
  // @ts-expect-error no url
  [() => new Client({ token: 'secret' }), 'Write new Client({ url, token }) or new Client(url, { token })'],
  [
    // @ts-expect-error no url
    () => new Worker({ queues: ['a'] }),
    'target: expected a URL or a transport, got options without url. Write new Worker({ url, queues })',
  ],
  // @ts-expect-error no url
  [() => new Admin({}), 'target: expected a URL or a transport, got options without url. Write new Admin({ url, … })'],
  // @ts-expect-error no url
  [() => new Client({ ulr: 'http://x' }), 'ulr: unknown option. Did you mean url?'],
  // @ts-expect-error no url
  [() => new SyncClient({ timeOut: 5 }), 'timeOut: unknown option. Did you mean timeout?'],
  // @ts-expect-error url stands in the object form
  [() => new Client('http://x', { url: 'http://x' }), 'url: stands in the options of the object form.'],
  // @ts-expect-error two objects
  [() => new Client({ url: 'http://x' }, { token: 'secret' }), 'options: expected one object with all options'],
  // @ts-expect-error no such option
  [() => new Client({ url: 'http://x', timeOut: 5 }), 'timeOut: unknown option. Did you mean timeout?'],
  // @ts-expect-error no URL
  [() => new Client(8080), 'target: expected a URL or a transport.'],
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

test('a bare time limit below a second warns once for each name; texts and longer ones do not', () => {
  const logger = keepingLogger();
  for (const value of ['30s', 30.5, 0, 1_000, undefined] as const) warnOfSeconds(value, 'ofThisTest', logger);
  expect(logger.lines).toEqual([]);
  for (const value of [30, 30, 999]) warnOfSeconds(value, 'ofThisTest', logger);
  expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
    ['warn', "ofThisTest: 30 is 30 milliseconds. Write '30s' for seconds, or '30ms' where milliseconds are meant."],
  ]);
});
