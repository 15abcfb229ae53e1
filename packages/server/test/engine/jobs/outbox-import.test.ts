import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isUuidv7 } from '@ojs-ts/core';
import { State } from '@ojs-ts/core/job';
import { expect, test, vi } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import { temporaryDirectory } from '../../storage/sqlite/temporary.ts';
import { bench } from '../../support/engine.ts';
import { newId } from '../../support/ids.ts';

/** An engine on a file, and what another connection to it appends. */
async function open(options: Parameters<typeof bench>[1] = {}) {
  const path = join(temporaryDirectory(), 'jobs.db');
  const opened = await bench(`sqlite:${path}`, options);
  const file = new DatabaseSync(path, { timeout: 5_000 });
  return {
    engine: opened.engine,
    start: opened.start,
    append: (id: string, request: string) =>
      void file.prepare('INSERT INTO ojs_inbox (id, request) VALUES (?, ?)').run(id, request),
    async [Symbol.asyncDispose]() {
      file.close();
      await opened[Symbol.asyncDispose]();
    },
  };
}

function envelope(id: string, arg: string): string {
  return JSON.stringify({ specversion: '1.0', id, type: 'a.b', args: [arg] });
}

async function refused(engine: Engine) {
  return (await engine.storage.jobs.list({ states: State.discarded, queue: 'ojs.refused', limit: 10 })).items;
}

test('a request that is too large for a job is kept whole as a discarded job, and later entries are imported', async () => {
  await using b = await open();
  const [large, next] = [newId(), newId()];
  const request = envelope(large, 'x"'.repeat(700_000));
  b.append(large, request);
  b.append(next, envelope(next, 'next'));
  await b.engine.outboxImport?.run();
  expect(await b.engine.jobs.get(next)).toMatchObject({ state: State.available });
  const [kept] = await refused(b.engine);
  expect(kept).toMatchObject({ id: large, state: State.discarded });
  expect(kept?.history).toContain('envelope_too_large');
  expect(JSON.parse(kept?.envelope ?? '{}').args).toEqual([request]);
  expect((await b.engine.explainer.job(large)).reasons).toMatchObject([
    { code: 'refused', message: expect.stringContaining('refused it with envelope_too_large') },
  ]);
  expect(await b.engine.storage.inbox?.depth()).toBe(0);
});

test('a request that is too large only as text within text is kept whole if its id is taken', async () => {
  await using b = await open();
  const id = newId();
  const request = envelope(id, '"'.repeat(400_000));
  b.append(id, envelope(id, 'first'));
  b.append(id, request);
  await b.engine.outboxImport?.run();
  expect(await b.engine.jobs.get(id)).toMatchObject({ state: State.available });
  const [kept] = await refused(b.engine);
  expect(kept?.history).toContain(`Another job has the id ${id}`);
  expect(JSON.parse(kept?.envelope ?? '{}').args).toEqual([request]);
});

test('an id that no job may have is refused with its request', async () => {
  await using b = await open();
  for (const id of ['none', '6fa459ea-ee8a-4ca4-894e-db77e160355e'])
    b.append(id, JSON.stringify({ type: 'a.b', args: [id] }));
  await b.engine.outboxImport?.run();
  const kept = await refused(b.engine);
  expect(kept.map(({ id }) => isUuidv7(id))).toEqual([true, true]);
  expect(kept.map(({ history }) => history).join()).toMatch(/id none .*UUIDv7/);
  expect(await b.engine.storage.inbox?.depth()).toBe(0);
});

test('a job for a queue beyond the maximum is kept as refused, and does not create the queue', async () => {
  await using b = await open({ maxQueues: 1 });
  const [first, next] = [newId(), newId()];
  b.append(first, envelope(first, 'first'));
  const request = JSON.stringify({ id: next, type: 'a.b', args: [], options: { queue: 'new' } });
  b.append(next, request);
  await b.engine.outboxImport?.run();
  expect(await b.engine.jobs.get(first)).toMatchObject({ state: State.available });
  const [kept] = await refused(b.engine);
  expect(kept).toMatchObject({ id: next, state: State.discarded });
  expect(kept?.history).toContain('at most 1');
  expect(JSON.parse(kept?.envelope ?? '{}').args).toEqual([request]);
  expect((await b.engine.queues.queues()).map(({ name }) => name)).toEqual(['default', 'ojs.refused']);
});

test('an ACK with a result reads its job once, and does not look into the inbox', async () => {
  await using b = await open();
  const job = await b.start();
  const { inbox, jobs } = b.engine.storage;
  if (inbox === null) throw new Error('SQLite has an inbox.');
  const [holds, get] = [vi.spyOn(inbox, 'holds'), vi.spyOn(jobs, 'get')];
  const result = JSON.stringify('x'.repeat(100));
  const settled = await b.engine.protocol.settle({
    id: job.id,
    claim: job.claim,
    worker: job.worker,
    kind: 'ack',
    result,
  });
  expect(settled).toMatchObject({ kind: 'completed' });
  expect([holds.mock.calls.length, get.mock.calls.length]).toEqual([0, 1]);
});
