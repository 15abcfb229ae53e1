import { type } from 'arktype';
import * as v from 'valibot';
import { afterAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { Client, defineJob, type JobHandle, job, OJSValidationError } from '../../src/index.ts';
import { openBench } from '../support/bench.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only where the two types are the same. */
const same = <T extends true>(): T | undefined => undefined;

const bench = await openBench();
const client = new Client(bench.wire);
afterAll(() => bench[Symbol.asyncDispose]());

const emailSend = defineJob<'email.send', [to: string, template: 'welcome' | 'reset'], { id: string }>('email.send', {
  queue: 'email',
});
const zodTuple = defineJob('z.tuple', {
  args: z.tuple([z.email(), z.coerce.date()]),
  result: z.object({ id: z.string() }),
});
const valibotPayload = defineJob('v.payload', {
  payload: v.object({ n: v.optional(v.number(), 1) }),
  retry: { maxAttempts: 5 },
});
const arkPayload = defineJob('ark.payload', { payload: type({ name: 'string', 'age?': 'number' }) });
const asynchronous = defineJob('z.async', { args: z.tuple([z.string().refine(async (text) => text !== 'taken')]) });

/** Checked by tsc, never run. */
export async function types(one: Client): Promise<void> {
  const handle = await one.enqueue(emailSend, ['a@b.c', 'welcome'], { delay: '5m' });
  same<Equal<typeof handle, JobHandle<[to: string, template: 'welcome' | 'reset'], { id: string }>>>();
  const result = await handle.wait({ timeout: '30s', signal: AbortSignal.timeout(1) });
  same<Equal<typeof result, { id: string }>>();
  const read = await handle.refresh();
  same<Equal<typeof read.args, [to: string, template: 'welcome' | 'reset']>>();
  // @ts-expect-error no such template
  await one.enqueue(emailSend, ['a@b.c', 'nope']);
  // @ts-expect-error an argument is missing
  await one.enqueue(emailSend, ['a@b.c']);
  // @ts-expect-error no such option
  await one.enqueue(emailSend, ['a@b.c', 'reset'], { prio: 1 });
  // @ts-expect-error keys are required (the specification's default would reject every second job)
  await one.enqueue(emailSend, ['a@b.c', 'reset'], { unique: { period: '1h' } });
  // T2: an interface is fine, what JSON cannot hold is not.
  interface Mail {
    to: string;
    cc?: string[];
  }
  await one.enqueue(defineJob<'mail.send', [Mail]>('mail.send'), [{ to: 'a' }]);
  // @ts-expect-error a Date is no JSON
  await one.enqueue(defineJob<'dated.job', [Date]>('dated.job'), [new Date()]);
  const tuple = await one.enqueue(zodTuple, ['ann@example.com', '2026-01-01']);
  same<Equal<(typeof tuple)['args'], [string, Date]>>();
  const payload = await one.enqueue(valibotPayload, [{}]);
  same<Equal<(typeof payload)['args'][0]['n'], number>>();
  // @ts-expect-error the payload is an object
  await one.enqueue(arkPayload, ['x']);
  // A job is no index signature: a misspelt field is an error.
  // @ts-expect-error no such field
  handle.stat;

  const [first, second, third] = await one.enqueueBatch([
    job(emailSend, ['a', 'reset']),
    job(valibotPayload, [{ n: 2 }]),
    { type: 'plain.job', args: [1], tags: ['t'], retry: { nonRetryableErrors: ['x.*'] }, unique: { keys: ['type'] } },
  ]);
  same<Equal<(typeof first)['args'], [to: string, template: 'welcome' | 'reset']>>();
  same<Equal<(typeof second)['args'], [{ n: number }]>>();
  same<Equal<Awaited<ReturnType<(typeof first)['wait']>>, { id: string }>>();
  same<Equal<(typeof third)['type'], string>>();
  // @ts-expect-error there are three
  (await one.enqueueBatch([job(emailSend, ['a', 'reset'])]))[3];
  // @ts-expect-error the batch holds requests
  await one.enqueueBatch([{ args: [] }]);
  const list = await one.enqueueBatch(['a', 'b'].map((to) => job(emailSend, [to, 'reset'])));
  same<Equal<(typeof list)[number], JobHandle<[to: string, template: 'welcome' | 'reset'], { id: string }>>>();
  await one.enqueue('anything.goes', [1, 'x']);
}

interface Jobs {
  'email.send': { args: [to: string, template: string]; result: { sent: boolean } };
  'tick.do': { args: [] };
}

/** T1: a registry links names to args and results. */
export async function registry(): Promise<void> {
  const one = new Client<Jobs>();
  const handle = await one.enqueue('email.send', ['a', 'b']);
  same<Equal<Awaited<ReturnType<typeof handle.wait>>, { sent: boolean }>>();
  await one.enqueue('tick.do', []);
  // @ts-expect-error unknown name
  await one.enqueue('email.sned', ['a', 'b']);
  // @ts-expect-error wrong args
  await one.enqueue('email.send', ['a', 1]);
  // A definition passes by any registry.
  await one.enqueue(emailSend, ['a', 'reset']);
}

describe('definitions at run time, with real validators', () => {
  test('the given args are sent; the handle has the output of the schema, also after refresh()', async () => {
    const made = await client.enqueue(zodTuple, ['ann@example.com', '2026-01-01']);
    expect(made.args).toEqual(['ann@example.com', new Date('2026-01-01')]);
    expect(made.raw.args).toEqual(['ann@example.com', '2026-01-01']);
    expect((await made.refresh()).args).toEqual(['ann@example.com', new Date('2026-01-01')]);
    const [optional] = await client.enqueueBatch([job(valibotPayload, [{}])]);
    expect(optional.args).toEqual([{ n: 1 }]);
    expect(optional).toMatchObject({ maxAttempts: 5, raw: { args: [{}] } });
    expect((await client.enqueue(arkPayload, [{ name: 'x' }])).args).toEqual([{ name: 'x' }]);
    expect((await client.enqueue(asynchronous, ['free'])).args).toEqual(['free']);
  });

  test('a refused call names every path and sends nothing', async () => {
    const before = bench.wire.calls.length;
    const problemsOf = (call: Promise<unknown>) =>
      call.then(
        () => 'sent',
        (error: unknown) => (error instanceof OJSValidationError ? error.issues.map(({ path }) => path) : error),
      );
    expect(await problemsOf(client.enqueue(zodTuple, ['nobody', 'never']))).toEqual(['args[0]', 'args[1]']);
    // @ts-expect-error n is a number
    expect(await problemsOf(client.enqueue(valibotPayload, [{ n: 'x' }]))).toEqual(['args[0].n']);
    // @ts-expect-error the name is missing
    expect(await problemsOf(client.enqueue(arkPayload, [{ age: 3 }]))).toEqual(['args[0].name']);
    expect(await problemsOf(client.enqueue(asynchronous, ['taken']))).toEqual(['args[0]']);
    expect(
      await problemsOf(client.enqueueBatch([job(emailSend, ['a', 'reset']), job(asynchronous, ['taken'])])),
    ).toEqual(['[1].args[0]']);
    expect(bench.wire.calls).toHaveLength(before);
  });

  test('options of a call override defaults in any spelling', async () => {
    const timed = defineJob('timed.job', { timeout: '10s', delay: '1h', priority: 3, tags: ['base'] });
    const made = await client.enqueue(timed, [], { timeoutMs: 5_000, scheduledAt: '2099-01-01T00:00:00Z' });
    expect(made).toMatchObject({
      timeoutMs: 5_000,
      scheduledAt: new Date('2099-01-01T00:00:00Z'),
      priority: 3,
      tags: ['base'],
    });
    const [batched] = await client.enqueueBatch([job(timed, [], { delayUntil: '2099-01-01T00:00:00Z' })]);
    expect(batched.scheduledAt).toEqual(new Date('2099-01-01T00:00:00Z'));
  });

  test('the handle of a duplicate has the existing job’s args, parsed by the schema', async () => {
    const unique = { keys: ['type'], onConflict: 'ignore' } as const;
    const once = defineJob('once.job', { args: z.tuple([z.coerce.date()]), unique });
    await client.enqueue(once, ['2026-01-01']);
    expect(await client.enqueue(once, ['2026-02-02'])).toMatchObject({
      outcome: 'duplicate',
      args: [new Date('2026-01-01')],
    });
  });

  test('args are checked before and after middleware; encoded args only before, and the handle has the plain ones', async () => {
    const guarded = new Client(bench.wire);
    guarded.enqueueMiddleware(async (request, next) => next({ ...request, args: ['x'] }), 'spoil');
    await expect(guarded.enqueue(zodTuple, ['ann@example.com', '2026-01-01'])).rejects.toMatchObject({
      issues: [{ path: expect.stringMatching(/^args/) }],
    });
    guarded.middlewares.remove('spoil');
    guarded.enqueueMiddleware(async (request, next) =>
      next({
        ...request,
        args: [{ ojs_encoded: true, data: 'AQ==' }],
        meta: { 'ojs.codec.encodings': ['binary/encrypted'] },
      }),
    );
    const made = await guarded.enqueue(zodTuple, ['ann@example.com', '2026-01-01']);
    expect(made.args).toEqual(['ann@example.com', new Date('2026-01-01')]);
    expect(made.raw.args).toEqual([{ ojs_encoded: true, data: 'AQ==' }]);
  });
});
