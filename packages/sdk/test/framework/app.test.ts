import { type Embedded, openEmbedded } from '@ojs-ts/server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OjsApp } from '../../src/framework/app.ts';
import { Client, defineJob, OJSError, type StandardSchemaV1 } from '../../src/index.ts';
import { Faulty } from '../support/faulty.ts';
import { keepingLogger } from '../support/log.ts';

let embedded: Embedded;
let app: OjsApp;
const logger = keepingLogger();

beforeEach(async () => {
  embedded = await openEmbedded('memory:');
  app = new OjsApp({ target: embedded, logger });
});

afterEach(async () => {
  await app.close();
  await embedded[Symbol.asyncDispose]();
});

async function waiting(): Promise<number> {
  return (await new Client(embedded).queueStats('default')).available;
}

test('commit() sends the jobs of a transaction in order, also outside of a request', async () => {
  const ids = await app.commit(async () => [
    await app.enqueueAfterCommit('a.b', [1]),
    await app.enqueueAfterCommit('a.b', [2]),
    await app.enqueueAfterCommit('a.b', [3]),
  ]);
  expect(await waiting()).toBe(3);
  const client = new Client(embedded);
  const jobs = await Promise.all(ids.map((id) => client.getJob(id)));
  const created = jobs.map(({ createdAt }) => createdAt?.getTime() ?? 0);
  expect(created).toEqual(created.toSorted((a, b) => a - b));
});

test('the jobs of a commit share one request, in order, each with its own outcome', async () => {
  const wire = new Faulty(embedded);
  const one = new OjsApp({ target: wire, logger });
  await one.client.enqueue('held.key', [], { unique: { keys: ['type'] } });
  wire.calls.length = 0;
  const ids: string[] = [];
  const commit = one.commit(async () => {
    for (let n = 0; n < 50; n++) {
      ids.push(
        n % 20 === 7
          ? await one.enqueueAfterCommit('held.key', [], { unique: { keys: ['type'] } })
          : await one.enqueueAfterCommit('a.b', [n]),
      );
    }
  });
  const error = await commit.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AggregateError);
  expect((error as AggregateError).errors.map((one) => (one as OJSError).jobId)).toEqual([ids[7], ids[27], ids[47]]);
  expect(wire.calls.map(({ operation }) => operation)).toEqual(['bulk.enqueue']);
  const { jobs } = JSON.parse(wire.calls[0]?.body ?? '') as { jobs: { id: string }[] };
  expect(jobs.map(({ id }) => id)).toEqual(ids);
  expect(await waiting()).toBe(48);
  await one.close();
});

test('jobs of an inner transaction wait for the outer one', async () => {
  await app.commit(async () => {
    await app.commit(async () => void (await app.enqueueAfterCommit('a.b', ['inner'])));
    expect(await waiting()).toBe(0);
  });
  expect(await waiting()).toBe(1);
  await expect(
    app.commit(async () => {
      await app.commit(async () => void (await app.enqueueAfterCommit('a.b', ['inner'])));
      throw new Error('outer');
    }),
  ).rejects.toThrow('outer');
  expect(await waiting()).toBe(1);
});

test('an inner rollback drops only its own jobs', async () => {
  await app.commit(async () => {
    await app.enqueueAfterCommit('a.b', ['outer']);
    const inner = app.commit(async () => {
      await app.enqueueAfterCommit('a.b', ['inner']);
      throw new Error('savepoint');
    });
    await inner.catch(() => {});
  });
  expect(await waiting()).toBe(1);
});

test('jobs of a committed transaction are sent even if the request fails', async () => {
  const scope = app.open({});
  await app.within(scope, async () => {
    await app.enqueueAfterCommit('a.b', ['request']);
    await app.commit(async () => void (await app.enqueueAfterCommit('a.b', ['transaction'])));
  });
  await app.settle(scope, false);
  expect(await waiting()).toBe(1);
});

test('an invalid job is refused at the call of enqueueAfterCommit()', async () => {
  const strings: StandardSchemaV1<string[], string[]> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) =>
        Array.isArray(value) && value.every((item) => typeof item === 'string')
          ? { value }
          : { issues: [{ message: 'no' }] },
    },
  };
  const typed = defineJob('typed.job', { args: strings });
  const scope = app.open({});
  await app.within(scope, async () => {
    await expect(app.enqueueAfterCommit('a.b', [new Date(0)])).rejects.toThrow('args[0]');
    await expect(app.enqueueAfterCommit(typed, [1 as unknown as string])).rejects.toThrow('no');
    await app.enqueueAfterCommit(typed, ['x']);
  });
  await app.settle(scope, true);
  expect(await waiting()).toBe(1);
});

test('enqueueAfterCommit() throws outside of a request', async () => {
  await expect(app.enqueueAfterCommit('a.b', [])).rejects.toThrow(OJSError);
});

test('onDeferredError gets a job that could not be sent after its response; the others are sent', async () => {
  const failures: unknown[] = [];
  const reporting = new OjsApp({
    target: embedded,
    logger,
    onDeferredError: (error, job) => failures.push([job.type, (error as OJSError).name]),
  });
  const unique = { keys: ['type' as const] };
  for (const one of [reporting, app]) {
    const scope = one.open({});
    await one.within(scope, async () => {
      await one.enqueueAfterCommit('only.one', [], { unique });
      await one.enqueueAfterCommit('only.one', [], { unique });
      await one.enqueueAfterCommit('a.b', []);
    });
    await one.settle(scope, true);
  }
  expect(failures).toEqual([['only.one', 'DuplicateJobError']]);
  expect(
    logger.lines.filter(({ message }) => message === 'deferred job not enqueued: its response was already sent'),
  ).toHaveLength(2);
  expect(await waiting()).toBe(3);
  await reporting.close();
});

test('a given client stays open and has the context middleware once', async () => {
  const client = new Client(embedded);
  const one = new OjsApp({ client, logger });
  const two = new OjsApp({ client, logger });
  expect(client.middlewares.names).toEqual(['requestContext']);
  await one.within(one.open({ user: 7 }), async () => {
    expect((await client.enqueue('a.b', [], { meta: { own: 1 } })).meta).toEqual({ user: 7, own: 1 });
  });
  await one.close();
  await two.close();
  expect((await client.enqueue('a.b', [])).meta).toEqual({});
});

test('a worker that ends early logs an error and causes no unhandled rejection', async () => {
  const { Worker } = await import('../../src/index.ts');
  const worker = new Worker(embedded, { handleSignals: false, logger });
  await worker.stop();
  const broken = new OjsApp({ target: embedded, worker, logger });
  broken.start();
  await broken.close();
  expect(logger.lines.map(({ message }) => message)).toContain('worker ended: the application goes on without it');
});

test('a refused job does not hold back the other jobs of a commit, and commit() rejects', async () => {
  const unique = { keys: ['type' as const] };
  const committed = app.commit(async () => {
    await app.enqueueAfterCommit('only.one', [], { unique });
    await app.enqueueAfterCommit('only.one', [], { unique });
    await app.enqueueAfterCommit('a.b', ['last']);
  });
  await expect(committed).rejects.toMatchObject({ code: 'duplicate' });
  expect(await waiting()).toBe(2);
});

test('errors of a listener change nothing', async () => {
  const reporting = new OjsApp({
    target: embedded,
    logger,
    onDeferredError: () => {
      throw new Error('mine');
    },
  });
  const scope = reporting.open({});
  const unique = { keys: ['type' as const] };
  await reporting.within(scope, async () => {
    await reporting.enqueueAfterCommit('only.one', [], { unique });
    await reporting.enqueueAfterCommit('only.one', [], { unique });
  });
  await reporting.settle(scope, true);
  expect(logger.lines.at(-1)).toMatchObject({ level: 'error', message: 'onDeferredError failed' });
  await reporting.close();
});

test('a job after the end of its request or transaction is sent at once, or dropped if that failed', async () => {
  const scope = app.open({});
  await app.settle(scope, true);
  await app.within(scope, () => app.enqueueAfterCommit('a.b', ['after the response']));
  expect(await waiting()).toBe(1);
  const failed = app.open({});
  await app.settle(failed, false);
  await app.within(failed, () => app.enqueueAfterCommit('a.b', ['never']));
  const { promise: later, resolve: go } = Promise.withResolvers<void>();
  let late: Promise<string> | undefined;
  await app.commit(async () => {
    late = later.then(() => app.enqueueAfterCommit('a.b', ['after the commit']));
  });
  go();
  await late;
  expect(await waiting()).toBe(2);
});
