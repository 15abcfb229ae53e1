import { uuidv7 } from '@ojs-ts/core';
import { expect, test } from 'vitest';
import { Binding } from '../../../src/binding/binding.ts';
import type { BindingRequest } from '../../../src/binding/handler.ts';
import { openEmbedded } from '../../../src/embedded/embedded.ts';
import { bench } from '../../support/engine.ts';

const about = { version: '0', source: 'ojs://test', testMode: false };
const request = (body: object, key: string | null = null): BindingRequest => ({
  params: {},
  query: {},
  body: JSON.stringify(body),
  requestId: 'r',
  key,
});

test('an exchange whose heartbeat fails returns its claims, unless the claim is repeatable', async () => {
  await using b = await bench('memory:');
  const binding = new Binding(b.engine, about, () => {});
  const ids = [await b.push(), await b.push()];
  b.engine.storage.registry.beat = async () => {
    throw new Error('the store is away');
  };
  const turn = (more: object) => ({ worker_id: 'w', beat: { state: 'running' }, fetch: { queues: ['q'], ...more } });
  expect((await binding.call('worker.exchange', request(turn({})))).status).toBe(500);
  expect(await b.get(ids[0] ?? '')).toMatchObject({ state: 2, attempt: 0, claim: 1 });
  expect((await binding.call('worker.exchange', request(turn({ request_id: 'r1' })))).status).toBe(500);
  const [again] = await b.fetch({ worker: 'w', request: 'r1' });
  expect(again).toMatchObject({ state: 8, attempt: 1 });
});

test('an item that fails in the store has its own 5xx; its neighbours do not notice', async () => {
  await using b = await bench('memory:');
  const told: unknown[] = [];
  const binding = new Binding(b.engine, about, (error) => told.push(error));
  const good = await b.start('w');
  const bad = await b.start('w');
  const transition = b.engine.storage.jobs.transition.bind(b.engine.storage.jobs);
  b.engine.storage.jobs.transition = async (transitions, now) => {
    if (transitions.some(({ id }) => id === bad.id)) throw new Error('this row is broken');
    return transition(transitions, now);
  };
  const acks = [{ job_id: good.id }, { job_id: bad.id }, { job_id: 7 }];
  const reply = await binding.call('worker.exchange', request({ worker_id: 'w', acks }));
  expect(reply.status).toBe(200);
  const { acks: outcomes } = JSON.parse(reply.text);
  expect(outcomes.map(({ status, job_id: id }: { status: number; job_id: unknown }) => [status, id])).toEqual([
    [200, good.id],
    [500, bad.id],
    [400, null],
  ]);
  expect(told).toHaveLength(1);
});

test('a short answer has the status alone in the place of each completion, and all of the others whole', async () => {
  await using b = await bench('memory:');
  const binding = new Binding(b.engine, about, () => {});
  const [first, second, third] = [await b.start('w'), await b.start('w'), await b.start('w')];
  const acks = [{ job_id: first.id }, { job_id: uuidv7() }, { job_id: 7 }, { job_id: second.id, result: 1 }];
  const nacks = [{ job_id: third.id, error: { message: 'no' } }];
  const reply = await binding.call('worker.exchange', request({ worker_id: 'w', return: 'minimal', acks, nacks }));
  expect(JSON.parse(reply.text)).toMatchObject({
    acks: [200, { status: 404 }, { status: 400 }, 200],
    nacks: [{ status: 200, state: 'retryable' }],
  });
  expect([await b.get(first.id), await b.get(second.id)]).toMatchObject([{ result: null }, { result: '1' }]);
});

test('a key that is too long is refused, not cut: cut keys would be one another’s', async () => {
  await using b = await bench('memory:');
  const binding = new Binding(b.engine, about, () => {});
  const job = { type: 'a.b', args: [] };
  expect((await binding.call('job.enqueue', request(job, 'k'.repeat(256)))).status).toBe(201);
  const refused = await binding.call('job.enqueue', request(job, 'k'.repeat(257)));
  expect(refused.status).toBe(400);
  expect(refused.text).toContain('Idempotency-Key');
});

test('a closing embedded engine answers the calls that it accepted', async () => {
  const transport = await openEmbedded('sqlite:');
  const calls = Array.from({ length: 500 }, () =>
    transport.call({
      operation: 'job.enqueue',
      body: JSON.stringify({ id: uuidv7(), type: 'a.b', args: ['x'.repeat(1_000)] }),
    }),
  );
  const poll = transport.call({
    operation: 'worker.fetch',
    body: JSON.stringify({ queues: ['empty'], wait_ms: 60_000 }),
  });
  await transport[Symbol.asyncDispose]();
  expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([201]));
  expect(JSON.parse((await poll).text)).toEqual({ jobs: [] });
  await expect(transport.call({ operation: 'system.health' })).rejects.toThrow('closed');
});
