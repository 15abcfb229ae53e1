import { expect, test } from 'vitest';
import { Binding } from '../../src/binding/binding.ts';
import type { BindingRequest } from '../../src/binding/handler.ts';
import { type Bench, bench } from '../support/engine.ts';
import { newId } from '../support/ids.ts';

const about = { version: '0', source: 'ojs://test', testMode: false };
const request = (params: BindingRequest['params'], body: object): BindingRequest => ({
  params,
  query: {},
  body: JSON.stringify(body),
  requestId: 'r',
  key: null,
});

async function lastEntry({ engine }: Bench): Promise<unknown> {
  const [record] = await engine.audit.entries.read({ limit: 1 });
  return JSON.parse(record?.entry ?? 'null');
}

test('a change that is done is answered as done, though its settings cannot be read for the entry', async () => {
  await using b = await bench('memory:');
  const binding = new Binding(b.engine, about, () => {});
  const { registry } = b.engine.storage;
  const pause = registry.pauseQueue.bind(registry);
  registry.pauseQueue = async (...args) => {
    const paused = await pause(...args);
    registry.queues = () => Promise.reject(new Error('the store is away'));
    b.engine.queueSettings.find = () => Promise.reject(new Error('the store is away'));
    return paused;
  };
  expect((await binding.call('queue.pause', request({ name: 'mail' }, {}))).status).toBe(200);
  expect(await lastEntry(b)).toMatchObject({ event_type: 'queue.paused', outcome: 'success' });
});

test.each([
  ['queue.purge', 'queue.purged', { states: ['available'], confirm: true }, { purged_count: 500, has_more: true }],
  ['bulk.delete', 'job.bulk_deleted', { filter: { queue: 'mail', states: ['cancelled'] } }, { has_more: true }],
] as const)('%s that the store breaks off answers, and enters, what is done', async (operation, type, body, told) => {
  await using b = await bench('memory:');
  const binding = new Binding(b.engine, about, () => {});
  for (let number = 0; number < 501; number++) {
    const id = await b.push({ queue: 'mail' });
    if (operation === 'bulk.delete') await b.engine.lifecycle.cancel(id, null);
  }
  const { jobs } = b.engine.storage;
  const remove = jobs.remove.bind(jobs);
  let calls = 0;
  jobs.remove = (...args) => (++calls > 1 ? Promise.reject(new Error('the store is away')) : remove(...args));
  const reply = await binding.call(operation, request({ name: 'mail' }, body));
  expect(reply.status, reply.text).toBe(200);
  expect(JSON.parse(reply.text)).toMatchObject(told);
  expect(await lastEntry(b)).toMatchObject({
    event_type: type,
    outcome: 'success',
    detail: operation === 'queue.purge' ? { purged_count: 500 } : { succeeded: 500, has_more: true },
  });
});

test('a change that fails in the store has an entry of the failure', async () => {
  await using b = await bench('memory:');
  const binding = new Binding(b.engine, about, () => {});
  await b.push({ queue: 'mail' });
  b.engine.storage.jobs.remove = () => Promise.reject(new Error('the store is away'));
  const body = { states: ['available'], confirm: true };
  expect((await binding.call('queue.purge', request({ name: 'mail' }, body))).status).toBe(500);
  expect(await lastEntry(b)).toMatchObject({
    event_type: 'queue.purged',
    outcome: 'failure',
    detail: { name: 'mail', done: 'unknown' },
  });
});

test('a call that fails again and again has one entry a minute, with the number of the others and without its body', async () => {
  await using b = await bench('memory:');
  const binding = new Binding(b.engine, about, () => {});
  const cancel = async (times: number) => {
    for (let number = 0; number < times; number++) {
      const reply = await binding.call('job.cancel', request({ id: newId() }, { reason: 'x'.repeat(15_000) }));
      expect(reply.status).toBe(404);
    }
  };
  await cancel(50);
  const entries = () => b.engine.audit.entries.read({ limit: 99 });
  expect(await entries()).toHaveLength(1);
  expect(await lastEntry(b)).toMatchObject({ event_type: 'job.cancelled', detail: { error: 'not_found' } });
  expect(JSON.stringify(await lastEntry(b)).length).toBeLessThan(1_000);
  b.clock.advance(60_000);
  await cancel(2);
  expect(await entries()).toHaveLength(2);
  expect(await lastEntry(b)).toMatchObject({ detail: { not_entered: 49 } });
});
