import { expect, test } from 'vitest';
import { encodeArgs, encodeResult } from '../../src/encryption/envelope.ts';
import {
  CodecChain,
  decodeArgs,
  decodeJob,
  decodeResult,
  EncryptionCodec,
  encryptionEnqueueMiddleware,
  encryptionMiddleware,
  GzipCodec,
  keyring,
} from '../../src/encryption/index.ts';
import {
  Client,
  DuplicateJobError,
  defineJob,
  type ExecutionNext,
  type JobContext,
  type JobDef,
  type JobRequest,
  job,
  OJSValidationError,
  type StandardSchemaV1,
} from '../../src/index.ts';
import { resultsFrom } from '../../src/worker/execution/left-out-results.ts';
import { benchOfEachTest, gate } from '../support/bench.ts';
import { sender } from '../support/chains.ts';

const key = new Uint8Array(32).fill(1);
const uniqueKey = new Uint8Array(32).fill(2);
const secret = '4111111111111111';
const codec = new CodecChain([new GzipCodec(), new EncryptionCodec(key, 'one')]);
const middleware = encryptionEnqueueMiddleware({ codec, uniqueKey });
const bench = benchOfEachTest();

/** Runs jobs of the type until `count` executions ended. */
async function working(
  handler: (ctx: JobContext) => unknown,
  chain: CodecChain = codec,
  count = 1,
  target: string | JobDef = 'pay.charge',
): Promise<void> {
  const worker = bench.worker({ queues: ['pay'] });
  const { opened, open } = gate();
  let left = count;
  const counting = async (_ctx: JobContext, next: ExecutionNext) => {
    try {
      return await next();
    } finally {
      left--;
      if (left === 0) open();
    }
  };
  worker.middleware(counting).middleware(encryptionMiddleware({ codec: chain }));
  if (typeof target === 'string') worker.register(target, handler);
  else worker.register(target, handler);
  await worker.runUntil(opened);
}

const charge: JobRequest = {
  type: 'pay.charge',
  args: [{ card: secret, amount: 5 }, 'eur'],
  queue: 'pay',
  meta: { user: 7 },
};

test('the server never sees plain args or results; handler and client do', async () => {
  const sent = await sender(bench.embedded, middleware)(charge);
  expect(sent?.args).toEqual(charge.args);
  const id = sent?.id ?? '';
  const stored = await bench.client.getJob(id);
  expect(stored.meta).toEqual({ user: 7, 'ojs.codec.encodings': ['binary/encrypted'], 'ojs.codec.key_id': 'one' });
  expect(stored.args).toEqual([{ ojs_encoded: true, encoding: 'binary/encrypted', data: expect.any(String) }]);
  let seen: unknown;
  await working((ctx) => {
    seen = { args: ctx.args, job: ctx.job.args, meta: ctx.meta.user, id: ctx.job.id };
    return { charged: secret };
  });
  expect(seen).toEqual({ args: charge.args, job: charge.args, meta: 7, id });
  const done = await bench.client.getJob(id);
  expect(done.state).toBe('completed');
  expect(JSON.stringify(done.raw)).not.toContain(secret);
  expect(await decodeResult(codec, done.result)).toEqual({ charged: secret });
  expect(await decodeJob(codec, done)).toMatchObject({ args: charge.args, result: { charged: secret } });
  expect(await decodeJob(codec, done)).toMatchObject({ args: charge.args, result: { charged: secret } });
  expect(JSON.stringify(bench.logger.lines)).not.toContain(secret);
});

test('wait() and refresh() of a handle decode', async () => {
  const handle = await sender(bench.embedded, middleware)(charge);
  await working(() => ({ charged: secret }));
  expect(await handle.wait({ timeout: '5s' })).toEqual({ charged: secret });
  expect(await handle.refresh()).toMatchObject({ state: 'completed', args: charge.args, result: { charged: secret } });
});

test('a batch is encrypted job by job', async () => {
  const client = new Client(bench.embedded);
  client.enqueueMiddleware(middleware);
  const handles = await client.enqueueBatch([charge, { ...charge, args: [secret] }]);
  expect(handles.map(({ args }) => args)).toEqual([charge.args, [secret]]);
  for (const { id } of handles) expect(JSON.stringify((await bench.client.getJob(id)).raw)).not.toContain(secret);
});

test('the args of a cron are encrypted when it is registered, for every run of it', async () => {
  const client = new Client(bench.embedded);
  client.enqueueMiddleware(async (request, next) => next(request)).enqueueMiddleware(middleware);
  const given = [{ card: secret }, 'eur'];
  const cron = await client.registerCronJob('rent', '0 9 1 * *', 'pay.charge', given, {
    queue: 'pay',
    meta: { user: 7 },
  });
  expect(cron.args).toEqual(given);
  const stored = await bench.embedded.call({ operation: 'cron.get', params: { name: 'rent' } });
  expect(stored.text).not.toContain(secret);
  const [listed] = (await client.listCronJobs()).items;
  expect(await decodeArgs(codec, listed?.args ?? [], listed?.meta ?? {})).toEqual(given);
  await bench.embedded.call({ operation: 'cron.trigger', params: { name: 'rent' } });
  let seen: unknown;
  await working(({ args, meta }) => {
    seen = { args, user: meta.user };
  });
  expect(seen).toEqual({ args: given, user: 7 });
  // Encoded by hand.
  const own = await encodeArgs(codec, given, { user: 7 });
  expect(await client.registerCronJob({ name: 'rent', cron: '@daily', type: 'pay.charge', ...own })).toMatchObject({
    args: own.args,
  });
  await expect(client.registerCronJob('rent', '@daily', 'pay.charge', [new Date(0)])).rejects.toThrow('args[0]');
});

test('a typed job is checked before it is encrypted and again after it was decrypted', async () => {
  const schema: StandardSchemaV1<string[], string[]> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) =>
        Array.isArray(value) && value.every((item) => typeof item === 'string')
          ? { value: value.map((item) => item.toUpperCase()) }
          : { issues: [{ message: 'expected strings' }] },
    },
  };
  const definition = defineJob('pay.charge', { args: schema, queue: 'pay' });
  const client = new Client(bench.embedded);
  client.enqueueMiddleware(middleware);
  await expect(client.enqueue(definition, [1 as unknown as string])).rejects.toThrow('expected strings');
  const handle = await client.enqueue(definition, ['abc']);
  expect(handle.args).toEqual(['ABC']);
  expect(handle.raw.args).toMatchObject([{ ojs_encoded: true }]);
  let seen: unknown;
  const handler = ({ args }: JobContext) => {
    seen = args;
  };
  await working(handler, codec, 1, definition);
  expect(seen).toEqual(['ABC']);
});

test('a plain job runs and its result stays plain', async () => {
  const { id } = await bench.client.enqueue('pay.charge', ['plain'], { queue: 'pay' });
  await working((ctx) => ctx.args);
  expect((await bench.client.getJob(id)).result).toEqual(['plain']);
});

test('results stay plain with results: false, and an absent result stays absent', async () => {
  const sent = await encodeArgs(codec, [1], {});
  const ctx = { args: sent.args, meta: sent.meta, job: {}, parentResults: [] } as unknown as JobContext;
  expect(await encryptionMiddleware({ codec, results: false })(ctx, async () => 'plain')).toBe('plain');
  const again = { args: sent.args, meta: sent.meta, job: {}, parentResults: [] } as unknown as JobContext;
  expect(await encryptionMiddleware({ codec })(again, async () => undefined)).toBeUndefined();
});

test('results of earlier workflow steps are decoded', async () => {
  const ctx = {
    args: [],
    meta: {},
    parentResults: [await encodeResult(codec, { secret }), 'plain'],
  } as unknown as JobContext;
  let seen: unknown;
  await encryptionMiddleware({ codec })(ctx, async (readable) => {
    seen = readable?.parentResults;
  });
  expect(seen).toEqual([{ secret }, 'plain']);
});

test('results that a long chain did not pass on stay unreadable', async () => {
  const parentResults = resultsFrom([null, await encodeResult(codec, { secret })], 1);
  const ctx = { args: [], meta: {}, parentResults } as unknown as JobContext;
  await encryptionMiddleware({ codec })(ctx, async (readable) => {
    expect(readable?.parentResults[1]).toEqual({ secret });
    expect(() => readable?.parentResults[0]).toThrow('from place 1 on');
  });
});

test('a worker without the key fails the execution, and a worker with the key runs the job later', async () => {
  const sent = await sender(bench.embedded, middleware)({ ...charge, retry: { maxAttempts: 2, initialInterval: 1 } });
  const without = new CodecChain([new EncryptionCodec(keyring('two', { two: uniqueKey }))]);
  let handled = 0;
  await working(() => handled++, without);
  const failed = await bench.client.getJob(sent?.id ?? '');
  expect(failed.state).not.toBe('discarded');
  expect(failed.errors).toMatchObject([{ type: 'unknown_key', message: 'There is no key "one".' }]);
  expect(handled).toBe(0);
  await working(() => handled++);
  expect((await bench.client.getJob(sent?.id ?? '')).state).toBe('completed');
  expect(handled).toBe(1);
});

test('args that were tampered with never reach the handler', async () => {
  const { args, meta } = await encodeArgs(codec, [secret], {});
  const [{ data }] = args as [{ data: string }];
  const changed = [{ ojs_encoded: true, encoding: 'binary/encrypted', data: data.slice(0, -8).concat('AAAAAAA=') }];
  const { id } = await bench.client.enqueue('pay.charge', changed, {
    queue: 'pay',
    meta,
    retry: { maxAttempts: 1, onExhaustion: 'dead_letter' },
  });
  let handled = 0;
  await working(() => handled++);
  expect(handled).toBe(0);
  const failed = await bench.client.getJob(id);
  expect(failed.errors).toMatchObject([{ type: 'decryption_failed' }]);
  const kept = await bench.client.listDeadLetterJobs();
  expect(kept.items.map((entry) => entry.id)).toEqual([id]);
});

test('a job that a relay sends again is not encrypted twice', async () => {
  const encoded = await encodeArgs(codec, charge.args, {});
  const passed: JobRequest[] = [];
  await middleware({ ...charge, ...encoded }, async (request) => {
    passed.push(request);
    return null;
  });
  expect(passed).toEqual([{ ...charge, ...encoded }]);
});

test('bad args are refused before they are encrypted', async () => {
  const send = sender(bench.embedded, middleware);
  await expect(send({ ...charge, args: [new Date(0)] })).rejects.toThrow('args[0]: a Date is no JSON value');
  await expect(send({ ...charge, schema: 'urn:x' })).rejects.toThrow('schema: a server cannot check encrypted args');
});

test('encrypted args are not checked by the definition’s schema', async () => {
  const definition = defineJob('pay.charge', { queue: 'pay' });
  const passed: JobRequest[] = [];
  await middleware(job(definition, [secret]), async (request) => {
    passed.push(request);
    return null;
  });
  expect(Object.getOwnPropertySymbols(passed[0])).toEqual([]);
});

test('an inner middleware can drop an encrypted job', async () => {
  const dropped = await sender(bench.embedded, middleware, async () => null)(charge);
  expect(dropped.outcome).toBe('dropped');
  expect(JSON.stringify(bench.logger.lines)).not.toContain(secret);
});

test('concurrent jobs have separate payloads', async () => {
  const send = sender(bench.embedded, middleware);
  const jobs = await Promise.all([1, 2, 3].map((n) => send({ ...charge, args: [n] })));
  const seen: unknown[] = [];
  await working((ctx) => seen.push(ctx.args[0]), codec, 3);
  expect(seen.toSorted()).toEqual([1, 2, 3]);
  expect(new Set(jobs.map((sent) => JSON.stringify(sent?.raw.args))).size).toBe(3);
});

test('unique: equal args are duplicates though their ciphertext differs, others are not', async () => {
  const send = sender(bench.embedded, middleware);
  const unique = { keys: ['type', 'args'] } satisfies JobRequest['unique'];
  const first = await send({ ...charge, unique });
  await expect(send({ ...charge, unique, args: [{ amount: 5.0, card: secret }, 'eur'] })).rejects.toThrow(
    DuplicateJobError,
  );
  const other = await send({ ...charge, unique, args: [{ card: secret, amount: 6 }, 'eur'] });
  expect(other?.id).not.toBe(first?.id);
  expect(JSON.stringify(other?.raw)).not.toContain(secret);
});

test('unique: argsKeys, metaKeys and onConflict count as they do in plain text', async () => {
  const send = sender(bench.embedded, middleware);
  const unique = {
    keys: ['type', 'args', 'meta'],
    argsKeys: ['card'],
    metaKeys: ['user'],
    onConflict: 'ignore',
  } satisfies JobRequest['unique'];
  const first = await send({ ...charge, unique });
  const same = await send({ ...charge, unique, args: [{ card: secret, amount: 9 }] });
  expect(same?.id).toBe(first?.id);
  expect(same?.args).toEqual(charge.args);
  expect((await send({ ...charge, unique, meta: { user: 8 } }))?.id).not.toBe(first?.id);
  expect((await send({ ...charge, unique, args: [{ card: 'x' }] }))?.id).not.toBe(first?.id);
  await expect(send({ ...charge, unique: { ...unique, argsKeys: ['nowhere'] } })).rejects.toThrow(OJSValidationError);
});

test('unique: a policy on args without a uniqueKey is refused; one without args is accepted', async () => {
  const send = sender(bench.embedded, encryptionEnqueueMiddleware({ codec }));
  await expect(send({ ...charge, unique: { keys: ['args'] } })).rejects.toThrow(
    'give encryptionEnqueueMiddleware a uniqueKey',
  );
  await send({ ...charge, unique: { keys: ['type'] } });
  await expect(send({ ...charge, unique: { keys: ['type'] } })).rejects.toThrow(DuplicateJobError);
});

test('unique: the fingerprint depends on uniqueKey only and survives the rotation of encryption keys', async () => {
  const rotated = encryptionEnqueueMiddleware({
    codec: new CodecChain([new EncryptionCodec(uniqueKey, 'two')]),
    uniqueKey,
  });
  const elsewhere = encryptionEnqueueMiddleware({ codec, uniqueKey: key });
  const unique = { keys: ['args'] } satisfies JobRequest['unique'];
  const first = await sender(bench.embedded, middleware)({ ...charge, unique });
  await expect(sender(bench.embedded, rotated)({ ...charge, unique })).rejects.toThrow(DuplicateJobError);
  const other = await sender(bench.embedded, elsewhere)({ ...charge, unique });
  expect(other?.meta['ojs.codec.unique']).not.toBe(first?.meta['ojs.codec.unique']);
});

test('issues of decrypted args reach neither the server nor the log', async () => {
  const refusing: StandardSchemaV1<string[], string[]> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => ({ issues: [{ message: `expected a date, got ${JSON.stringify(value)}`, path: [0] }] }),
    },
  };
  const picky = defineJob('pay.charge', { args: refusing });
  const { id } = await sender(bench.embedded, middleware)({ type: 'pay.charge', args: [secret], queue: 'pay' });
  await working(() => {}, codec, 1, picky);
  const job = await bench.client.getJob(id);
  expect(job).toMatchObject({
    state: 'discarded',
    error: { type: 'validation', details: { issues: [{ path: 'args[0]' }] } },
  });
  expect(JSON.stringify(job.raw)).not.toContain(secret);
  expect(JSON.stringify(bench.logger.lines)).not.toContain(secret);
});
