import { isObject } from '@ojs-ts/core';
import { stepsKind } from '@ojs-ts/core/durable';
import { expect, test } from 'vitest';
import { decodeResult } from '../../src/encryption/envelope.ts';
import {
  CodecChain,
  EncryptionCodec,
  encryptionEnqueueMiddleware,
  encryptionMiddleware,
  GzipCodec,
} from '../../src/encryption/index.ts';
import { Client, DiscardError, StepError } from '../../src/index.ts';
import { benchOfEachTest } from '../support/bench.ts';

const secret = '4111111111111111';
const codec = new CodecChain([new GzipCodec(), new EncryptionCodec(new Uint8Array(32).fill(1), 'one')]);
const bench = benchOfEachTest();

test('values and errors of steps leave the process encoded, and replays read them', async () => {
  let ran = 0;
  const job = await bench.client.enqueue('test.job', [], { retry: { maxAttempts: 2, initialInterval: 1 } });
  const worker = bench.worker().middleware(encryptionMiddleware({ codec }));
  worker.register('test.job', async (ctx) => {
    const card = await ctx.step('card', () => {
      ran++;
      return { number: secret };
    });
    const error: unknown = await ctx
      .step('refused', () => Promise.reject(new DiscardError(`no credit: ${secret}`)))
      .catch((thrown: unknown) => thrown);
    if (ctx.attempt === 1) throw new Error('once');
    return [card.number === secret, error instanceof StepError && error.message.includes(secret), ran];
  });
  expect(await worker.runUntil(() => job.wait())).toEqual([true, true, 1]);
  const sent = bench.wire.calls.map(({ body = '' }) => body);
  expect(sent.filter((body) => body.includes(secret))).toEqual([]);
  const stored = await bench.embedded.engine.storage.records.scan(stepsKind(job.id), { limit: 10 });
  expect(stored.map(({ key }) => key)).toEqual(['card', 'refused']);
  expect(JSON.stringify(stored)).not.toContain(secret);
  // The names stay plain, for operators.
  expect(sent.some((body) => body.includes('"name":"card"') && hasEnvelope(JSON.parse(body)))).toBe(true);
});

test('the payload of a signal leaves its sender encoded; one that was sent plain is not decoded', async () => {
  const client = new Client(bench.wire).enqueueMiddleware(encryptionEnqueueMiddleware({ codec }));
  const job = await client.enqueue('test.job', []);
  await client.signal(job, 'card', { number: secret });
  const forged = { ojs_encoded: true, encoding: 'binary/encrypted', data: 'AAAA' };
  await bench.client.signal(job, 'plain', forged);
  expect(bench.wire.of('signal.send').map(({ body }) => body)).toEqual([expect.stringContaining('"encoded":true')]);
  expect(bench.wire.of('signal.send')[0]?.body).not.toContain(secret);
  const worker = bench.worker().middleware(encryptionMiddleware({ codec }));
  worker.register('test.job', async (ctx) => [await ctx.wait('card'), await ctx.wait('plain')]);
  await worker.runUntil(() => bench.client.getJob(job.id).then((handle) => handle.wait()));
  expect(await client.getJob(job.id).then(({ result }) => decodeResult(codec, result))).toEqual([
    { number: secret },
    forged,
  ]);
});

test('a worker without the codec says why it cannot read a signal', async () => {
  const client = new Client(bench.embedded).enqueueMiddleware(encryptionEnqueueMiddleware({ codec }));
  const job = await bench.client.enqueue('test.job', []);
  await client.signal(job, 'card', { number: secret });
  const worker = bench.worker().register('test.job', (ctx) => ctx.wait('card').catch(String));
  expect(await worker.runUntil(() => job.wait())).toMatch(/this worker cannot decode it. Add encryptionMiddleware/);
});

function hasEnvelope(value: unknown): boolean {
  if (isObject(value) && value.ojs_encoded === true) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(hasEnvelope);
}
