import { expect, test } from 'vitest';
import type { CodecChainOptions, EncryptionEnqueueOptions, EncryptionOptions } from '../../src/encryption/index.ts';
import type { FastifyOptions } from '../../src/fastify/index.ts';
import {
  type CallOptions,
  Client,
  type ClientOptions,
  type ConnectionOptions,
  type CronJobOptions,
  chain,
  type EnqueueOptions,
  type JobLimit,
  type JobOptions,
  type JobRequest,
  type PageOptions,
  type RetryPolicy,
  type UniquePolicy,
  Worker,
  type WorkerOptions,
} from '../../src/index.ts';
import type { SyncClientOptions } from '../../src/sync/index.ts';
import { allEnqueued, type DrainOptions, fakeMode, type Match } from '../../src/testing/index.ts';

const no = undefined;

/** Every member that may be left out, as undefined. */
type Undefined<T> = { -readonly [K in keyof T as T extends Record<K, unknown> ? never : K]-?: undefined };
/** Compiles only where T takes them: this repository is checked with `exactOptionalPropertyTypes`. */
const takes = <T>(..._no: Undefined<T> extends Partial<T> ? [] : [never]): void => {};

test('every optional member of the option types takes undefined', () => {
  takes<JobOptions>();
  takes<EnqueueOptions>();
  takes<JobRequest>();
  takes<RetryPolicy>();
  takes<UniquePolicy>();
  takes<JobLimit>();
  takes<CallOptions>();
  takes<PageOptions>();
  takes<CronJobOptions>();
  takes<ClientOptions>();
  takes<WorkerOptions>();
  takes<ConnectionOptions>();
  takes<SyncClientOptions>();
  takes<FastifyOptions>();
  takes<CodecChainOptions>();
  takes<EncryptionOptions>();
  takes<EncryptionEnqueueOptions>();
  takes<DrainOptions>();
  takes<Match>();
  // @ts-expect-error its member does not take undefined
  takes<{ a?: string }>();
});

test('fakeMode() has the type of its store', () => {
  const store: ReturnType<typeof fakeMode> = fakeMode();
  expect(store.failNext('a.b')).toBe(store);
  store.restore();
});

test('at run time an undefined option counts as absent', async () => {
  const nothing: Undefined<JobOptions> = {
    ...{ id: no, queue: no, meta: no, priority: no, timeoutMs: no, delayUntil: no, expiresAt: no, retry: no },
    ...{ unique: no, tags: no, schema: no, timeout: no, delay: no, scheduledAt: no, visibilityTimeoutMs: no },
    ...{ limits: no, resultTtl: no, resultSizeLimit: no, totalTimeout: no, enqueueTtl: no, gracePeriod: no },
    ...{ heartbeatTimeout: no, pending: no },
  };
  const worker: Undefined<WorkerOptions> = {
    ...{ timeout: no, headers: no, token: no, tls: no, fetch: no, requestRetry: no, logger: no, queues: no },
    ...{ concurrency: no, pollInterval: no, heartbeatInterval: no, visibilityTimeoutMs: no, visibilityTimeout: no },
    ...{ shutdownTimeout: no, handleSignals: no, prefetch: no, heartbeatThread: no, watchdogTimeout: no },
    ...{ labels: no, onJobStarted: no, onJobCompleted: no, onJobFailed: no, onJobRetrying: no, onJobDiscarded: no },
    ...{ onJobCancelled: no, suspendAfter: no, client: no },
  };
  expect(new Worker(undefined, worker).state).toBe(new Worker().state);
  await fakeMode(async () => {
    const client = new Client(undefined, { timeout: no, queue: no, coalesce: no, logger: no });
    const [given, plain] = [await client.enqueue('a.b', [], nothing), await client.enqueue('a.b', [])];
    const own = { id: '', createdAt: '', enqueuedAt: '', raw: {} };
    const fields = (job: object) => ({ ...JSON.parse(JSON.stringify(job)), ...own });
    expect(fields(given)).toEqual(fields(plain));
    expect(fields(given)).toMatchObject({ type: 'a.b', queue: 'default', state: 'available' });
    await client.workflow(
      chain('w', [{ type: 'of.chain', args: [], priority: undefined, queue: undefined }], { priority: 5, queue: 'q' }),
    );
    expect(allEnqueued({ jobType: 'of.chain' })).toMatchObject([{ priority: 5, queue: 'q' }]);
    const cron = { timezone: no, overlapPolicy: no, enabled: no, description: no, priority: no };
    expect(await client.registerCronJob('c', '@daily', 'a.b', [], cron)).toMatchObject({
      enabled: true,
      timezone: 'UTC',
    });
  });
});
