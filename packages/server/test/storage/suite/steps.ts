import { hasSteps, type StepRow, stepsKind, valuesKind } from '@ojs-ts/core/durable';
import { type JobRecord, State, Terminal } from '@ojs-ts/core/job';
import { cancelled, completed, discarded, retried } from '@ojs-ts/core/lifecycle';
import type { RecordChange, StoredRecord } from '@ojs-ts/core/memory';
import { expect } from 'vitest';
import type { Storage } from '../../../src/storage/storage.ts';
import { thereAndBack } from './dump.ts';
import {
  type Cases,
  claim,
  claimOne,
  countErrors,
  eventLog,
  get,
  idOf,
  insert,
  keepAll,
  limitOf,
  move,
  newJob,
  t0,
  to,
} from './tools.ts';

const mark = '{"retention":{},"steps":{}}';

function rowOf(patch: Partial<StepRow> = {}): StepRow {
  return { kind: 'run', state: 'done', number: 1, claim: 1, startedAt: t0, endedAt: t0, value: '1.0', ...patch };
}

function stored({ id }: Pick<JobRecord, 'id'>, name: string, version = 1, patch: Partial<StepRow> = {}): StoredRecord {
  const body = JSON.stringify(rowOf(patch));
  return { kind: stepsKind(id), key: name, version, createdAt: t0, updatedAt: t0, body };
}

function value({ id }: Pick<JobRecord, 'id'>, name: string): StoredRecord {
  return { kind: valuesKind(id), key: name, version: 1, createdAt: t0, updatedAt: t0, body: '"é"' };
}

/** The record of a new row under the claim of the job. */
function recording(
  job: Pick<JobRecord, 'id' | 'claim'>,
  name: string,
  patch: Partial<RecordChange> = {},
): RecordChange {
  const put = stored(job, name);
  return { checks: [{ ...put, version: null }], claims: [job], puts: [put], ...patch };
}

/** The first row of a job, with the mark. */
function first(job: Pick<JobRecord, 'id' | 'claim'>, name: string): RecordChange {
  const { id, claim } = job;
  const marks = to(id, State.active, State.active, { claim, policy: mark });
  return recording(job, name, { puts: [stored(job, name), value(job, name)], ends: [marks] });
}

function suspension({ id, claim }: Pick<JobRecord, 'id' | 'claim'>, runAt: number): RecordChange {
  const policy = '{"steps":{"suspended":{"by":1,"waits":[]}}}';
  const events = [{ kind: 'job.state_changed' as const, data: '{"n":1.0}' }];
  const ends = [to(id, State.retryable, State.active, { claim, policy, runAt, attempt: 0, clearRun: true, events })];
  return { claims: [{ id, claim }], puts: [stored({ id }, 'cool down', 1, { state: 'open', until: runAt })], ends };
}

async function commit(storage: Storage, change: RecordChange, now = t0): Promise<unknown> {
  const [answer] = await storage.records.commit([change], now);
  return answer;
}

async function rows(storage: Storage, { id }: Pick<JobRecord, 'id'>): Promise<readonly string[]> {
  const found = await Promise.all(
    [stepsKind(id), valuesKind(id)].map((kind) => storage.records.scan(kind, { limit: 99 })),
  );
  return found.flat().map(({ kind, key }) => (kind === stepsKind(id) ? key : `value of ${key}`));
}

async function active(storage: Storage, count: number, now = t0): Promise<readonly JobRecord[]> {
  await insert(
    storage,
    Array.from({ length: count }, (_, at) => newJob(at + 1)),
  );
  const jobs = await claim(storage, { limit: count }, now);
  expect(jobs).toHaveLength(count);
  return jobs;
}

async function one(storage: Storage): Promise<JobRecord> {
  const [job] = await active(storage, 1);
  if (!job) throw new Error('The claim got no job.');
  return job;
}

export const stepCases: Cases = {
  async 'a row is recorded under the claim of its job, and under no other one'(storage) {
    const job = await one(storage);
    expect(await commit(storage, recording({ ...job, claim: 2 }, 'a'))).toBe(false);
    expect(await commit(storage, recording({ id: idOf(9), claim: 1 }, 'a'))).toBe(false);
    expect(await commit(storage, recording({ id: 'none', claim: 1 }, 'a'))).toBe(false);
    expect(await rows(storage, job)).toEqual([]);
    expect(await commit(storage, recording(job, 'a'))).toBe(true);
    expect(await storage.records.get([stored(job, 'a'), stored(job, 'b')])).toEqual([stored(job, 'a'), null]);
    expect(await get(storage, job.id)).toEqual(job);
  },
  async 'a job that has ended, waits again or is claimed anew takes no row of its earlier claim'(storage) {
    const [ended, waiting, again] = await active(storage, 3);
    if (!ended || !waiting || !again) throw new Error('Three jobs were claimed.');
    await move(storage, completed({ id: ended.id, claim: ended.claim, result: null }));
    await move(storage, to(waiting.id, State.retryable, State.active, { runAt: t0 + 9, history: '[]' }));
    await move(storage, to(again.id, State.available, State.active));
    const jobs = [ended, waiting, again];
    const refused = jobs.map(() => false);
    expect(await storage.records.commit(jobs.map((job) => recording(job, 'a')))).toEqual(refused);
    const next = await claimOne(storage);
    expect(await storage.records.commit(jobs.map((job) => recording(job, 'a')))).toEqual(refused);
    expect(await commit(storage, recording(next, 'a'))).toBe(true);
  },
  async 'the first outcome stays, and an open row is replaced by the version that was read'(storage) {
    const job = await one(storage);
    expect(await commit(storage, recording(job, 'a'))).toBe(true);
    const second = { ...stored(job, 'a', 2), body: '{}' };
    expect(await commit(storage, recording(job, 'a', { puts: [second] }))).toBe(false);
    expect(await storage.records.get([second])).toEqual([stored(job, 'a')]);
    const ending = recording(job, 'a', { checks: [stored(job, 'a')], puts: [second] });
    expect(await commit(storage, ending)).toBe(true);
    expect(await commit(storage, ending)).toBe(false);
    expect(await storage.records.get([second])).toEqual([second]);
  },
  async 'a commit of many jobs answers each change by itself, whole or not at all'(storage) {
    const jobs = await active(storage, 40);
    const changes = jobs.map((job, at): RecordChange => {
      const claim = at % 4 === 0 ? job.claim + 1 : job.claim;
      // Every fourth is of another claim, and every fourth checks a row that is not there.
      const checks = at % 4 === 1 ? [{ ...stored(job, 'b'), version: 1 }] : [];
      return recording({ ...job, claim }, 'a', { checks, puts: [stored(job, 'a'), stored(job, 'c')] });
    });
    expect(await storage.records.commit(changes)).toEqual(jobs.map((_, at) => at % 4 > 1));
    const found = await Promise.all(jobs.map((job) => rows(storage, job)));
    expect(found).toEqual(jobs.map((_, at) => (at % 4 > 1 ? ['a', 'c'] : [])));
  },
  async 'changes of one commit see each other, those with a mark too'(storage) {
    const [job, other] = await active(storage, 2);
    if (!job || !other) throw new Error('Two jobs were claimed.');
    expect(
      await storage.records.commit(
        [
          first(job, 'a'),
          recording(job, 'a'),
          first(other, 'a'),
          recording(job, 'b'),
          suspension(other, t0 + 5),
          recording(other, 'c'),
          { puts: [stored(job, 'd')] },
        ],
        t0,
      ),
    ).toEqual([true, false, true, true, true, false, true]);
    expect(await rows(storage, job)).toEqual(['a', 'b', 'd', 'value of a']);
    expect(await rows(storage, other)).toEqual(['a', 'cool down', 'value of a']);
    expect(await countErrors(storage)).toEqual([]);
  },
  async 'a row and the mark are one commit, which leaves the lease and its job as they are'(storage) {
    const [job, long] = await active(storage, 1).then(async ([job]) => {
      await insert(storage, [newJob(2, { envelope: `{"args":["${'é'.repeat(3000)}"]}`, policy: '{"n":1.0}' })]);
      return [job, await claimOne(storage)];
    });
    if (!job || !long) throw new Error('Two jobs were claimed.');
    const before = await eventLog(storage);
    expect(await storage.records.commit([first(job, 'a'), first(long, 'a')], t0 + 1)).toEqual([true, true]);
    expect(await commit(storage, first({ ...job, claim: 2 }, 'b'))).toBe(false);
    expect(await storage.jobs.get([job.id, long.id])).toEqual([
      { ...job, policy: mark },
      { ...long, policy: mark },
    ]);
    expect(await eventLog(storage)).toEqual(before);
    expect(hasSteps(await get(storage, job.id))).toBe(true);
    const beat = { worker: 'w1', state: 'running', info: '{}', holds: [job], leaseMs: null } as const;
    const [beaten] = await storage.registry.beat([beat], t0 + 2);
    expect(beaten?.extended).toEqual([job.id]);
    expect(await move(storage, completed({ id: job.id, claim: job.claim, result: '1.0' }))).toMatchObject({
      kind: 'moved',
    });
    expect((await get(storage, job.id)).policy).toBe(mark);
  },
  async 'a suspension and its rows are one commit: the job waits, and its slots are free'(storage) {
    await insert(storage, [
      newJob(1, { limits: [limitOf('k', { concurrency: 1 })] }),
      newJob(2, { limits: [limitOf('k')] }),
    ]);
    const job = await claimOne(storage);
    expect(await claim(storage)).toEqual([]);
    expect(await commit(storage, suspension({ ...job, claim: 7 }, t0 + 100))).toBe(false);
    expect((await get(storage, job.id)).state).toBe(State.active);
    expect(await commit(storage, suspension(job, t0 + 100), t0 + 5)).toBe(true);
    expect(await get(storage, job.id)).toMatchObject({
      ...{ state: State.retryable, runAt: t0 + 100, attempt: 0, claim: 1, startedAt: null, worker: null, history: '' },
      policy: '{"steps":{"suspended":{"by":1,"waits":[]}}}',
    });
    expect((await eventLog(storage)).at(-1)).toMatchObject({ at: t0 + 5, kind: 'job.state_changed', id: job.id });
    expect(await commit(storage, suspension(job, t0 + 100), t0 + 6)).toBe(false);
    expect(await rows(storage, job)).toEqual(['cool down']);
    expect((await claimOne(storage, {}, t0 + 6)).id).toBe(idOf(2));
    await move(storage, completed({ id: idOf(2), result: null }), t0 + 7);
    expect(await storage.upkeep.promote(t0 + 100, 10)).toMatchObject([{ count: 1 }]);
    expect(await claimOne(storage, {}, t0 + 100)).toMatchObject({ id: job.id, claim: 2, attempt: 1 });
    expect(await countErrors(storage)).toEqual([]);
  },
  async 'rows survive the end of their job and a retry by hand'(storage) {
    const job = await one(storage);
    await commit(storage, first(job, 'a'));
    await move(storage, discarded(await get(storage, job.id), t0));
    expect(await rows(storage, job)).toEqual(['a', 'value of a']);
    await move(storage, retried(await get(storage, job.id), t0));
    const again = await claimOne(storage);
    expect(again).toMatchObject({ id: job.id, claim: 2, policy: mark });
    expect(await commit(storage, recording(again, 'a'))).toBe(false);
    expect(await rows(storage, job)).toEqual(['a', 'value of a']);
  },
  async 'rows are deleted with their job when it is removed, in any state'(storage) {
    const jobs = await active(storage, 4);
    await storage.records.commit(
      jobs.map((job) => first(job, 'a')),
      t0,
    );
    await insert(storage, [newJob(9, { queue: 'plain' })]);
    const [running, done, dead, kept] = jobs;
    if (!running || !done || !dead || !kept) throw new Error('Four jobs were claimed.');
    await move(storage, completed({ id: done.id, claim: 1, result: null }));
    await move(storage, to(dead.id, State.discarded, State.active, { deadLetter: true, history: '[]' }));
    const gone = [running.id, done.id, dead.id, idOf(9)];
    const guard = { from: State.active | State.available | Terminal };
    expect(await storage.jobs.remove(gone, guard, t0 + 1)).toEqual([true, true, true, true]);
    const left = await Promise.all(jobs.map((job) => rows(storage, job)));
    expect(left).toEqual([[], [], [], ['a', 'value of a']]);
    expect(await commit(storage, recording(running, 'b'))).toBe(false);
    await insert(storage, [newJob(1)]);
    expect(await rows(storage, running)).toEqual([]);
    await storage.clear();
    expect(await rows(storage, kept)).toEqual([]);
  },
  async 'rows are deleted with their job by retention, and those of jobs that stay are not'(storage) {
    const jobs = await active(storage, 9);
    await storage.records.commit(
      jobs.slice(0, 8).map((job) => first(job, 'a')),
      t0,
    );
    const ends = [
      { to: State.completed },
      { to: State.cancelled },
      { to: State.discarded },
      { to: State.discarded, deadLetter: true },
    ];
    for (const [at, { id }] of jobs.entries()) {
      const end = ends[at % 4];
      if (end) await move(storage, to(id, end.to, State.active, end), t0 + (at < 4 || at === 8 ? 1 : 5));
    }
    const rules = ends.map(({ to, deadLetter = false }) => ({ state: to, deadLetter, before: t0 + 3, keep: 99 }));
    const { jobs: pruned } = await storage.upkeep.prune({ ...keepAll, jobs: rules }, 9);
    expect(pruned.map(({ gone }) => gone)).toEqual([2, 1, 1, 1]);
    const left = await Promise.all(jobs.map((job) => rows(storage, job)));
    expect(left).toEqual(jobs.map((_, at) => (at < 4 || at === 8 ? [] : ['a', 'value of a'])));
  },
  async 'a text of the arguments that looks like the mark deletes nothing of others'(storage) {
    await insert(storage, [newJob(2, { queue: 'other', envelope: '{"args":[{"steps":{}}]}' })]);
    const job = await one(storage);
    await commit(storage, first(job, 'a'));
    expect(await storage.jobs.remove([idOf(2)], { from: State.available }, t0)).toEqual([true]);
    expect(await rows(storage, job)).toEqual(['a', 'value of a']);
  },
  async 'a dump has the rows of its jobs, and a restore brings them to their jobs'(storage) {
    const jobs = await active(storage, 3);
    const [job, done, plain] = jobs;
    if (!job || !done || !plain) throw new Error('Three jobs were claimed.');
    await storage.records.commit([first(job, 'a'), first(done, 'é/1'), recording(job, 'b')], t0);
    await move(storage, completed({ id: done.id, claim: 1, result: null }));
    await using copy = await thereAndBack(storage);
    for (const one of [copy, storage]) {
      expect(await rows(one, job)).toEqual(['a', 'b', 'value of a']);
      expect(await rows(one, done)).toEqual(['é/1', 'value of é/1']);
      expect(await rows(one, plain)).toEqual([]);
      expect(await commit(one, recording(job, 'a'))).toBe(false);
      expect(await commit(one, recording(job, 'c'))).toBe(true);
      expect(await one.jobs.remove([job.id, done.id], { from: State.active | State.completed }, t0)).toEqual([
        true,
        true,
      ]);
      expect([...(await rows(one, job)), ...(await rows(one, done))]).toEqual([]);
    }
  },
  async 'of concurrent commits of one name, one is recorded'({ records, ...storage }) {
    const job = await one({ ...storage, records });
    for (const name of ['a', 'b', 'c']) {
      const answers = await Promise.all(Array.from({ length: 6 }, () => records.commit([recording(job, name)])));
      expect(answers.flat().filter((isDone) => isDone)).toHaveLength(1);
    }
  },
  async 'a row that is recorded beside the end of its claim is recorded before that end, or not at all'(storage) {
    const jobs = await active(storage, 24);
    await Promise.all(
      jobs.map(async (job, at) => {
        const ack = async () => {
          if (at % 3 === 2) await commit(storage, suspension(job, t0 + 100));
          else if (at % 3 === 1) await move(storage, cancelled(job, t0));
          else await move(storage, completed({ id: job.id, claim: job.claim, result: null }));
          // Whatever was recorded is there by now.
          return rows(storage, job);
        };
        const [isDone, before] = await Promise.all([commit(storage, recording(job, 'a')), ack()]);
        if (isDone) expect(before).toContain('a');
        else expect(await rows(storage, job)).not.toContain('a');
      }),
    );
    expect(await countErrors(storage)).toEqual([]);
  },
};
