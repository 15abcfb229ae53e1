import { State } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import { Documents } from '../../../../src/engine/documents.ts';
import { cronsOf } from '../../crons-of.ts';
import { countErrors, eventLog, newJob, t0, to } from '../../suite/tools.ts';
import { test } from '../schema.ts';
import { openStores } from '../stores.ts';

const clients = 8;
const names = Array.from({ length: 30 }, (_, number) => `cron ${10 + number}`);
const ticks = 6;

test('eight clients fire the same crons at once: one job a tick, whose run before it is cancelled once', async () => {
  await using stores = await openStores(clients);
  const [first] = stores.all;
  if (!first) throw new Error('No store.');
  for (const name of names) await cronsOf(first).put({ name, spec: '{}', enabled: true, dueAt: t0 }, t0);
  let fired = 0;
  for (let tick = 0; tick < ticks; tick++) {
    const now = t0 + tick;
    const answers = await Promise.all(
      stores.all.map(async (storage, at) => {
        const due = await cronsOf(storage).due(now, 99);
        const running = await storage.jobs.runs(
          due.map(({ name }) => name),
          9,
        );
        const firings = due.map(({ name, version, lastJob }, number) => ({
          name,
          version,
          dueAt: now + 1,
          job: newJob((tick * clients + at) * names.length + names.indexOf(name), { cron: name }),
          cancels: (running[number] ?? []).map(({ id }) =>
            to(id, State.cancelled, State.available, { events: [{ kind: 'job.cancelled' }] }),
          ),
          events: [
            `["cron.triggered","${name}",null,"",null,null,0,null,null,null,{"after":${JSON.stringify(lastJob)}}]`,
          ],
        }));
        // Not all in the same order.
        return cronsOf(storage).fire(at % 2 === 0 ? firings : firings.toReversed(), now);
      }),
    );
    fired += answers.flat().filter((answer) => answer === true).length;
  }
  expect(fired).toBe(ticks * names.length);
  const crons = await cronsOf(first).list();
  expect(crons.map(({ name, runCount, dueAt }) => [name, runCount, dueAt])).toEqual(
    names.map((name) => [name, ticks, t0 + ticks]),
  );
  const running = await first.jobs.runs(names, 9);
  expect(running.map((jobs) => jobs.map(({ id }) => id))).toEqual(crons.map(({ lastJob }) => [lastJob]));
  expect(await countErrors(first)).toEqual([]);
  const log = await eventLog(first);
  const count = (kind: string) => log.filter((event) => event.kind === kind).length;
  expect([count('job.enqueued'), count('cron.triggered'), count('job.cancelled')]).toEqual([
    ticks * names.length,
    ticks * names.length,
    (ticks - 1) * names.length,
  ]);
  expect((await stores.close('records')).deadlocks).toBe(0);
});

test('eight clients create the same cron and write the same document: one is first, each version is written once', async () => {
  await using stores = await openStores(clients);
  const puts = await Promise.all(
    stores.all.map((storage) => cronsOf(storage).put({ name: 'c', spec: '{}', enabled: true, dueAt: null }, t0)),
  );
  expect(puts.filter((answer) => answer?.created)).toHaveLength(1);
  expect(puts.map((answer) => answer?.cron.version).sort()).toEqual(
    Array.from({ length: clients }, (_, index) => t0 + index),
  );
  const writes = async (expected: number | null | 'any') =>
    (
      await Promise.all(
        stores.all.map((storage, at) => new Documents(storage.records).put('k', 'd', `${at}`, expected, t0)),
      )
    ).filter((document) => document !== null);
  expect(await writes(null)).toHaveLength(1);
  expect(await writes(1)).toHaveLength(1);
  expect((await writes('any')).map(({ version }) => version).sort()).toEqual([3, 4, 5, 6, 7, 8, 9, 10].sort());
});
