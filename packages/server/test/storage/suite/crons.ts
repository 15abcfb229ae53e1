import type { CronRecord } from '@ojs-ts/core/cron';
import { type JobId, State } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import type { Storage } from '../../../src/storage/storage.ts';
import { cronsOf, type NamedFiring } from '../crons-of.ts';
import { type Cases, claimOne, eventLog, get, idOf, insert, newJob, t0, to, uniqueOf } from './tools.ts';

const daily = { name: 'daily', spec: '{"n":1.0}', enabled: true, dueAt: t0 + 10 };
const record: CronRecord = {
  ...daily,
  runCount: 0,
  lastRunAt: null,
  lastJob: null,
  createdAt: t0,
  updatedAt: t0,
  version: t0,
};

function firing(patch: Partial<NamedFiring> = {}): NamedFiring {
  return { name: 'daily', version: t0, dueAt: t0 + 20, job: newJob(1), cancels: [], events: [], ...patch };
}

async function fire(storage: Storage, patch: Partial<NamedFiring> = {}, now = t0 + 10): Promise<unknown> {
  const [answer] = await cronsOf(storage).fire([firing(patch)], now);
  return answer;
}

const run = (job: JobId, patch: Partial<CronRecord> = {}): CronRecord => ({
  ...record,
  dueAt: t0 + 20,
  runCount: 1,
  lastRunAt: t0 + 10,
  lastJob: job,
  version: t0 + 1,
  ...patch,
});

export const cronCases: Cases = {
  async 'put creates or updates; an update keeps creation and runs (CRON-26)'(storage) {
    const { put, get, list, remove } = cronsOf(storage);
    expect(await get('daily')).toBeNull();
    expect(await put(daily, t0)).toEqual({ created: true, cron: record });
    await fire(storage);
    const other = { name: 'daily', spec: '{}', enabled: false, dueAt: null };
    const updated = run(idOf(1), { ...other, updatedAt: t0 + 11, version: t0 + 2 });
    expect(await put(other, t0 + 11)).toEqual({ created: false, cron: updated });
    await put({ ...daily, name: 'b' }, t0);
    expect(await list()).toEqual([{ ...record, name: 'b' }, updated]);
    expect(await remove('daily')).toEqual(updated);
    expect(await remove('daily')).toBeNull();
    expect((await list()).map(({ name }) => name)).toEqual(['b']);
    expect(await put(daily, t0 + 12)).toMatchObject({
      created: true,
      cron: { version: t0 + 12, runCount: 0, createdAt: t0 + 12 },
    });
  },
  async 'an update that expects a version is made only from that one'(storage) {
    const { put, get } = cronsOf(storage);
    expect(await put(daily, t0, t0)).toBeNull();
    expect(await put(daily, t0, 0)).toEqual({ created: true, cron: record });
    expect(await put(daily, t0, 0)).toBeNull();
    expect(await put({ ...daily, spec: '{}' }, t0 + 1, t0)).toMatchObject({
      created: false,
      cron: { version: t0 + 1, spec: '{}' },
    });
    expect(await put({ ...daily, spec: '[]' }, t0 + 2, t0)).toBeNull();
    expect(await get('daily')).toEqual({ ...record, spec: '{}', updatedAt: t0 + 1, version: t0 + 1 });
  },
  async 'a firing that was decided before the cron was removed does not fire the one that has its name'(storage) {
    await cronsOf(storage).put(daily, t0);
    const late = firing();
    await cronsOf(storage).remove('daily');
    await cronsOf(storage).put(daily, t0 + 5);
    expect(await cronsOf(storage).fire([late], t0 + 10)).toEqual([false]);
    expect(await cronsOf(storage).fire([firing({ version: t0 + 5 })], t0 + 10)).toEqual([true]);
  },
  async 'unfinished are the runs of a cron that have not ended, by a firing or not, whether the cron is there or not'(
    storage,
  ) {
    await insert(storage, [
      newJob(1, { cron: 'c' }),
      newJob(2, { cron: 'd', state: State.scheduled, runAt: t0 + 9 }),
      newJob(3, { cron: 'c' }),
      newJob(4),
    ]);
    const unfinished = async (limit = 9) =>
      (await storage.jobs.runs(['c', 'none', 'd'], limit)).map((jobs) => jobs.map(({ id }) => id));
    expect(await unfinished()).toEqual([[idOf(1), idOf(3)], [], [idOf(2)]]);
    expect(await unfinished(1)).toEqual([[idOf(1)], [], [idOf(2)]]);
    expect((await storage.jobs.runs(['c'], 1))[0]).toEqual([await get(storage, idOf(1))]);
    await claimOne(storage);
    expect(await unfinished()).toEqual([[idOf(1), idOf(3)], [], [idOf(2)]]);
    await storage.jobs.transition(
      [to(idOf(1), State.completed, State.active), to(idOf(2), State.cancelled, State.scheduled)],
      t0,
    );
    expect(await unfinished()).toEqual([[idOf(3)], [], []]);
    await storage.jobs.transition([to(idOf(2), State.available, State.cancelled)], t0);
    await storage.jobs.remove([idOf(3)], { from: 0xff }, t0);
    expect(await unfinished()).toEqual([[], [], [idOf(2)]]);
  },
  async 'due lists enabled crons whose time has come, longest due first, then by name'(storage) {
    const times: readonly (readonly [string, number | null, boolean])[] = [
      ['c', 3, true],
      ['b', 3, true],
      ['a', 4, true],
      ['off', 1, false],
      ['never', null, true],
      ['later', 6, true],
    ];
    for (const [name, at, enabled] of times)
      await cronsOf(storage).put({ ...daily, name, enabled, dueAt: at === null ? null : t0 + at }, t0);
    const due = async (ms: number, limit = 9) => (await cronsOf(storage).due(t0 + ms, limit)).map(({ name }) => name);
    expect(await due(2)).toEqual([]);
    expect(await due(5)).toEqual(['b', 'c', 'a']);
    expect(await due(5, 2)).toEqual(['b', 'c']);
    expect((await cronsOf(storage).due(t0 + 3, 1))[0]).toEqual(await cronsOf(storage).get('b'));
  },
  async 'a firing inserts its job, moves the time and counts the run in one commit, once for a version'(storage) {
    await cronsOf(storage).put(daily, t0);
    const events = ['["cron.triggered","daily",null,"",null,null,0,null,null,null,{"n":1}]'];
    const answers = await cronsOf(storage).fire(
      [firing({ events }), firing({ job: newJob(2) }), firing({ name: 'none' })],
      t0 + 10,
    );
    expect(answers).toEqual([true, false, false]);
    expect(await cronsOf(storage).get('daily')).toEqual(run(idOf(1)));
    expect(await storage.jobs.get([idOf(2)])).toEqual([null]);
    expect((await eventLog(storage)).map(({ kind, id, position }) => [kind, id, position])).toEqual([
      ['job.enqueued', idOf(1), 1],
      ['cron.triggered', 'daily', 2],
    ]);
    expect((await storage.events(0, 9)).batches).toHaveLength(1);
    await cronsOf(storage).remove('daily');
    expect(await fire(storage, { version: t0 + 1 })).toBe(false);
  },
  async 'a skipped run moves the time and is not counted, and one whose job is refused changes nothing'(storage) {
    await cronsOf(storage).put(daily, t0);
    expect(await fire(storage, { job: null, dueAt: null })).toBe(true);
    expect(await cronsOf(storage).get('daily')).toEqual({ ...record, dueAt: null, version: t0 + 1 });
    await insert(storage, [newJob(1, { unique: uniqueOf() })]);
    const refused = await fire(storage, { version: t0 + 1, job: newJob(2, { unique: uniqueOf() }) });
    expect(refused).toEqual({ kind: 'duplicate', by: 'unique', existing: await get(storage, idOf(1)) });
    expect(await cronsOf(storage).get('daily')).toEqual({ ...record, dueAt: null, version: t0 + 1 });
  },
  async 'a firing may cancel the previous run; if that has ended already nothing else changes'(storage) {
    await cronsOf(storage).put(daily, t0);
    await fire(storage);
    await claimOne(storage, {}, t0 + 10);
    const cancel = to(idOf(1), State.cancelled, State.active, { claim: 1, events: [{ kind: 'job.cancelled' }] });
    expect(await fire(storage, { version: t0 + 1, job: newJob(2), cancels: [cancel] }, t0 + 20)).toBe(true);
    expect(await get(storage, idOf(1))).toMatchObject({ state: State.cancelled, finishedAt: t0 + 20 });
    expect((await eventLog(storage, 2)).map(({ kind, id }) => [kind, id])).toEqual([
      ['job.cancelled', idOf(1)],
      ['job.enqueued', idOf(2)],
    ]);
    expect(await fire(storage, { version: t0 + 2, job: newJob(3), cancels: [cancel] }, t0 + 30)).toBe(true);
    expect(await cronsOf(storage).get('daily')).toMatchObject({ runCount: 3, lastJob: idOf(3), lastRunAt: t0 + 30 });
  },
  async 'neither a bound nor a pause of its queue refuses the job of a cron'(storage) {
    await storage.registry.configureQueue('default', { capacity: 0 }, t0);
    await storage.registry.pauseQueue('default', true, t0);
    await cronsOf(storage).put(daily, t0);
    expect(await fire(storage)).toBe(true);
  },
};
