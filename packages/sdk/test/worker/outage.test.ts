// What a worker does with calls under way once the server answers heartbeats again: in a half-open connection they
// would never be answered.
import type { Answer } from '@ojs-ts/core';
import { expect, test } from 'vitest';
import { Worker } from '../../src/index.ts';
import { benchOfEachTest, gate } from '../support/bench.ts';
import { Faulty, refusal } from '../support/faulty.ts';

const bench = benchOfEachTest();

const options = { heartbeatInterval: 50, pollInterval: 5 } as const;

/** A heartbeat that fails, and the first one after it that does not. */
async function outage(wire: Faulty): Promise<void> {
  wire.spoil('worker.heartbeat', 'before');
  const count = () => wire.answers.filter(({ call }) => call.operation === 'worker.heartbeat').length;
  const [sent, answered] = [wire.of('worker.heartbeat').length, count()];
  await wire.until(() => wire.of('worker.heartbeat').length - sent > count() - answered && count() - answered >= 3);
}

test('a long poll and an outcome that hang go again at once, by the same ids', async () => {
  const { wire, client } = bench;
  const worker = bench.worker(options);
  const { opened, open } = gate();
  const ran: unknown[] = [];
  worker.register('slow.job', () => opened.then(() => 'done'));
  worker.register('quick.job', ({ args }) => void ran.push(args[0]));
  const lost: string[] = [];
  const hang = async (): Promise<Answer> => new Promise(() => {});
  await worker.runUntil(async () => {
    const slow = await client.enqueue('slow.job', []);
    await wire.until(() =>
      wire.answers.some(({ call, answer }) => call.operation === 'worker.exchange' && answer.text.includes(slow.id)),
    );
    // The next long poll and the outcome get no answer.
    for (const kind of ['"wait_ms":5000', '"acks":[{']) {
      wire.spoil(
        'worker.exchange',
        async ({ body = '' }) => {
          lost.push(body);
          return hang();
        },
        ({ body = '' }) => body.includes(kind) && !lost.some((one) => one.includes(kind)),
      );
    }
    await client.enqueue('quick.job', [0]);
    await wire.until(() => lost.length === 1);
    open();
    await wire.until(() => lost.length === 2);
    const from = performance.now();
    await outage(wire);
    const ids = lost.flatMap((body): string[] => JSON.parse(body).fetch?.request_id ?? []);
    expect(ids.length).toBeGreaterThan(0);
    await wire.until(() =>
      ids.every((id) => wire.of('worker.exchange').filter(({ body = '' }) => body.includes(id)).length === 2),
    );
    await client.enqueue('quick.job', [1]);
    expect(await slow.wait({ timeout: '60s' })).toBe('done');
    // Without it they would be missed after 10 s, and the long poll after 15.
    expect(performance.now() - from).toBeLessThan(9_500);
  });
  expect(ran).toEqual([0, 1]);
});

test('on a server without repeatable fetches a hanging fetch is kept, because its answer has claimed jobs', async () => {
  const { client, embedded } = bench;
  const job = await client.enqueue('test.job', []);
  const { opened, open } = gate();
  // Our server knows the id of a plain fetch too.
  const plain = new Faulty({
    async call(call, context) {
      if (call.operation === 'worker.exchange')
        return refusal(404, { error: { code: 'not_found', message: 'no such route' } });
      const { request_id: _, wait_ms: __, ...body } = JSON.parse(call.body ?? '{}');
      return embedded.call({ ...call, body: JSON.stringify(body) }, context);
    },
    async [Symbol.asyncDispose]() {},
  });
  const claimed = gate();
  plain.spoil('worker.fetch', async (call) => {
    const answer = await embedded.call({ ...call, body: (call.body ?? '').replace(/"request_id"/, '"unknown"') });
    claimed.open();
    await opened;
    return answer;
  });
  const worker = new Worker(plain, { ...options, handleSignals: false, logger: bench.logger });
  worker.register('test.job', ({ attempt }) => attempt);
  await worker.runUntil(async () => {
    await claimed.opened;
    await outage(plain);
    expect(plain.of('worker.fetch')).toHaveLength(1);
    open();
    expect(await job.wait({ timeout: '5s' })).toBe(1);
  });
});
