import { State, Terminal, Waiting } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import {
  type Cases,
  claim,
  claimOne,
  countErrors,
  eventLog,
  get,
  idOf,
  ids,
  insert,
  limitOf,
  move,
  newJob,
  queue,
  second,
  t0,
  to,
} from './tools.ts';

export const transitionCases: Cases = {
  async 'the end of an execution: state, result and time are noted, the lease ends, who ran it stays (row 7)'(storage) {
    await insert(storage, [newJob(1)]);
    const job = await claimOne(storage);
    expect(
      await move(storage, to(job.id, State.completed, State.active, { claim: 1, result: '{"n":1.0}' }), t0 + 9),
    ).toEqual({ kind: 'moved', was: State.active, ready: [] });
    expect(await get(storage, job.id)).toEqual({
      ...job,
      state: State.completed,
      result: '{"n":1.0}',
      finishedAt: t0 + 9,
      leaseMs: null,
      leaseUntil: null,
    });
    expect((await queue(storage))?.counts).toEqual({ [State.completed]: 1 });
  },
  async 'a claim that requires its lease is ended by a transition that names the claim, and by no other'(storage) {
    await insert(storage, [newJob(1), newJob(2)]);
    const job = await claimOne(storage, { leaseRequired: true });
    expect(job.leaseRequired).toBe(true);
    expect(await get(storage, job.id)).toEqual(job);
    for (const owner of [{}, { worker: 'w1' }, { claim: -1 }, { claim: 0 }])
      expect(await move(storage, to(job.id, State.completed, State.active, owner), t0 + 1)).toEqual({
        kind: 'refused',
        job,
      });
    const done = to(job.id, State.completed, State.active, { claim: 1, worker: 'w1' });
    expect((await move(storage, done, t0 + 2)).kind).toBe('moved');
    expect((await move(storage, done, t0 + 3)).kind).toBe('already');
    expect((await move(storage, { ...done, worker: 'w2' }, t0 + 4)).kind).toBe('refused');
    // It is a fact of the claim, not of the job or the worker.
    const other = await claimOne(storage);
    expect(other.leaseRequired).toBe(false);
    expect((await move(storage, to(other.id, State.available, State.active, { clearRun: true }), t0 + 5)).kind).toBe(
      'moved',
    );
    const again = await claimOne(storage, { leaseRequired: true }, t0 + 6);
    expect(again).toMatchObject({ id: other.id, claim: 2, leaseRequired: true });
    await move(storage, to(other.id, State.available, State.active, { claim: 2 }), t0 + 7);
    expect((await claimOne(storage, {}, t0 + 8)).leaseRequired).toBe(false);
  },
  async 'an unknown job is missing'(storage) {
    expect(await move(storage, to(idOf(1), State.completed, State.active))).toEqual({ kind: 'missing' });
  },
  async 'a retry by hand may put a job into another queue, with another policy (ojs-dead-letter 6.3)'(storage) {
    await insert(storage, [
      newJob(1, { policy: '{"retry":{"maxAttempts":1}}' }),
      newJob(2, { limits: [limitOf('k', { concurrency: 1 })] }),
    ]);
    for (const job of await claim(storage, { limit: 2 }))
      await move(storage, to(job.id, State.discarded, State.active, { deadLetter: true }), t0 + 1);
    const policy = '{"retry":{"maxAttempts":7}}';
    const more = {
      attempt: 0,
      clearRun: true,
      deadLetter: false,
      queue: 'other',
      policy,
      envelope: '{"queue":"other"}',
    } as const;
    for (const n of [1, 2])
      expect((await move(storage, to(idOf(n), State.available, State.discarded, more), t0 + 2)).kind).toBe('moved');
    expect(await get(storage, idOf(1))).toMatchObject({
      queue: 'other',
      policy,
      envelope: '{"queue":"other"}',
      deadLetter: false,
    });
    expect(await queue(storage)).toMatchObject({ counts: {}, deadLetter: 0 });
    expect(await queue(storage, 'other')).toMatchObject({ counts: { [State.available]: 2 }, deadLetter: 0 });
    expect(await storage.registry.limit('k')).toMatchObject({ active: 0, waiting: 1 });
    expect(await claim(storage, { limit: 2 }, t0 + 3)).toEqual([]);
    const claimed = await claim(storage, { limit: 2, queues: ['other'] }, t0 + 3);
    expect(ids(claimed)).toEqual([idOf(1), idOf(2)]);
    expect(await queue(storage, 'other')).toMatchObject({ counts: { [State.active]: 2 } });
    expect(await storage.registry.limit('k')).toMatchObject({ active: 1, waiting: 0 });
    expect(await countErrors(storage)).toEqual([]);
    for (const { id } of claimed) await move(storage, to(id, State.completed, State.active), t0 + 4);
    expect(await countErrors(storage)).toEqual([]);
  },
  async 'a wrong state is refused with the job as it is, and changes nothing'(storage) {
    await insert(storage, [newJob(1)]);
    const before = await get(storage, idOf(1));
    expect(
      await move(storage, to(idOf(1), State.completed, State.active, { result: '1', history: 'x', priority: 9 })),
    ).toEqual({ kind: 'refused', job: before });
    expect(await get(storage, idOf(1))).toEqual(before);
  },
  async 'the fence: an older claim is refused although the state fits'(storage) {
    await insert(storage, [newJob(1)]);
    await claimOne(storage);
    await move(storage, to(idOf(1), State.available, State.active, { claim: 1 }));
    const second = await claimOne(storage);
    expect(second.claim).toBe(2);
    expect(await move(storage, to(idOf(1), State.completed, State.active, { claim: 1 }))).toEqual({
      kind: 'refused',
      job: second,
    });
    expect((await move(storage, to(idOf(1), State.completed, State.active, { claim: 2 }))).kind).toBe('moved');
  },
  async 'the fence is never reset, not by a retry that sets attempt back (row 19)'(storage) {
    await insert(storage, [newJob(1)]);
    await claimOne(storage);
    await move(storage, to(idOf(1), State.discarded, State.active, { deadLetter: true }));
    await move(storage, to(idOf(1), State.available, State.discarded, { attempt: 0, deadLetter: false }));
    expect(await claimOne(storage)).toMatchObject({ attempt: 1, claim: 2 });
  },
  async 'a repeated change of the same claim is already done; without a claim, or by another one, it is refused'(
    storage,
  ) {
    await insert(storage, [newJob(1)]);
    await claimOne(storage);
    const done = to(idOf(1), State.completed, State.active, { claim: 1, result: '1' });
    await move(storage, done, t0 + 1);
    const job = await get(storage, idOf(1));
    expect(await move(storage, { ...done, result: '2' }, t0 + 2)).toEqual({ kind: 'already', job });
    expect(await move(storage, { ...done, claim: 2 }, t0 + 2)).toEqual({ kind: 'refused', job });
    expect(await move(storage, to(idOf(1), State.completed, State.active), t0 + 2)).toEqual({ kind: 'refused', job });
    expect(await move(storage, to(idOf(1), State.cancelled, State.active, { claim: 1 }), t0 + 2)).toEqual({
      kind: 'refused',
      job,
    });
    expect(await get(storage, idOf(1))).toEqual(job);
  },
  async 'already holds for retryable and available too, twice in one call too'(storage) {
    await insert(storage, [newJob(1), newJob(2)]);
    await claim(storage, { limit: 2 });
    const retry = to(idOf(1), State.retryable, State.active, { claim: 1, runAt: t0 + second });
    const back = to(idOf(2), State.available, State.active, { claim: 1, attempt: 0 });
    const answers = await storage.jobs.transition([retry, back, retry, back], t0);
    expect(answers.map(({ kind }) => kind)).toEqual(['moved', 'moved', 'already', 'already']);
  },
  async "a worker may end only what is its own, or nobody's (X29)"(storage) {
    await insert(storage, [newJob(1), newJob(2)]);
    await claimOne(storage, { worker: 'a' });
    await claimOne(storage, { worker: null });
    expect((await move(storage, to(idOf(1), State.completed, State.active, { worker: 'b' }))).kind).toBe('refused');
    expect((await move(storage, to(idOf(1), State.completed, State.active, { worker: 'a' }))).kind).toBe('moved');
    expect((await move(storage, to(idOf(2), State.completed, State.active, { worker: 'b' }))).kind).toBe('moved');
  },
  async 'a retry keeps who ran it, a lost lease forgets it (rows 8, 12)'(storage) {
    await insert(storage, [newJob(1), newJob(2)]);
    await claim(storage, { limit: 2 });
    await move(storage, to(idOf(1), State.retryable, State.active, { runAt: t0 + second, history: '{"a":1}' }), t0 + 5);
    await move(storage, to(idOf(2), State.available, State.active, { clearRun: true, history: '{"b":1}' }), t0 + 5);
    expect(await get(storage, idOf(1))).toMatchObject({
      worker: 'w1',
      startedAt: t0,
      runAt: t0 + second,
      history: '{"a":1}',
      leaseUntil: null,
      finishedAt: null,
    });
    expect(await get(storage, idOf(2))).toMatchObject({
      worker: null,
      startedAt: null,
      enqueuedAt: t0 + 5,
      history: '{"b":1}',
      attempt: 1,
    });
  },
  async 'the dead letter is counted, and a retry takes the job out of it'(storage) {
    await insert(storage, [newJob(1), newJob(2)]);
    await claim(storage, { limit: 2 });
    await move(storage, to(idOf(1), State.discarded, State.active, { deadLetter: true }), t0 + 1);
    await move(storage, to(idOf(2), State.discarded, State.active), t0 + 1);
    expect(await queue(storage)).toMatchObject({ deadLetter: 1, counts: { [State.discarded]: 2 } });
    await move(storage, to(idOf(1), State.available, State.discarded, { attempt: 0, deadLetter: false }), t0 + 2);
    expect(await get(storage, idOf(1))).toMatchObject({
      deadLetter: false,
      finishedAt: null,
      attempt: 0,
      enqueuedAt: t0 + 2,
    });
    expect(await queue(storage)).toMatchObject({
      deadLetter: 0,
      counts: { [State.discarded]: 1, [State.available]: 1 },
    });
  },
  async 'what a transition does not name stays'(storage) {
    await insert(storage, [newJob(1, { priority: 5 })]);
    await claimOne(storage);
    await move(storage, to(idOf(1), State.retryable, State.active, { runAt: t0 + 1, history: '{"a":1}', result: '7' }));
    await move(storage, to(idOf(1), State.cancelled, Waiting), t0 + 3);
    expect(await get(storage, idOf(1))).toMatchObject({
      priority: 5,
      history: '{"a":1}',
      result: '7',
      attempt: 1,
      runAt: t0 + 1,
      finishedAt: t0 + 3,
    });
  },
  async 'an end without a result keeps the stored one, null clears it'(storage) {
    for (const [number, result] of [
      [1, undefined],
      [2, null],
    ] as const) {
      await insert(storage, [newJob(number)]);
      await claimOne(storage);
      await move(storage, to(idOf(number), State.available, State.active, { result: '7' }));
      await claimOne(storage);
      await move(storage, to(idOf(number), State.completed, State.active, result === undefined ? {} : { result }));
    }
    expect((await storage.jobs.get([idOf(1), idOf(2)])).map((job) => job?.result)).toEqual(['7', null]);
  },
  async 'a finished job that stays finished keeps its time'(storage) {
    await insert(storage, [newJob(1)]);
    await move(storage, to(idOf(1), State.discarded, State.available), t0 + 1);
    await move(storage, to(idOf(1), State.discarded, State.discarded, { deadLetter: true }), t0 + 2);
    expect(await get(storage, idOf(1))).toMatchObject({ finishedAt: t0 + 1, deadLetter: true });
  },
  async 'changes of one job in one call are applied in order'(storage) {
    await insert(storage, [newJob(1)]);
    const answers = await storage.jobs.transition(
      [
        to(idOf(1), State.cancelled, Waiting),
        to(idOf(1), State.cancelled, Waiting),
        to(idOf(2), State.cancelled, Waiting),
      ],
      t0,
    );
    expect(answers.map(({ kind }) => kind)).toEqual(['moved', 'refused', 'missing']);
  },
  async 'progress and checkpoints are changes of an active job that keep all they do not name'(storage) {
    await insert(storage, [newJob(1)]);
    const job = await claimOne(storage);
    const events = [{ kind: 'job.progress', data: '{"percentage":5}' }] as const;
    const report = to(job.id, State.active, State.active, {
      claim: 1,
      progress: '{"p":5.0}',
      checkpoint: '[1]',
      events,
    });
    expect(await move(storage, report, t0 + 5)).toEqual({ kind: 'moved', was: State.active, ready: [] });
    expect(await get(storage, job.id)).toEqual({ ...job, progress: '{"p":5.0}', checkpoint: '[1]' });
    await move(storage, to(job.id, State.active, State.active, { progress: null }), t0 + 6);
    expect(await get(storage, job.id)).toEqual({ ...job, checkpoint: '[1]' });
    const log = await eventLog(storage, 2);
    expect(log.map(({ kind, entry }) => [kind, entry[4], entry[5]])).toEqual([
      ['job.progress', State.active, State.active],
    ]);
  },
  async 'only a claim starts an execution: a change to active fits an active job only'(storage) {
    await insert(storage, [newJob(1)]);
    const job = await get(storage, idOf(1));
    expect(await move(storage, to(job.id, State.active, 0xff, { beat: true }))).toEqual({ kind: 'refused', job });
    expect(await get(storage, job.id)).toEqual(job);
  },
  async 'a beat in a change extends the lease by its own length, never shortens it, and is noted (X10)'(storage) {
    await insert(storage, [newJob(1)]);
    const job = await claimOne(storage, { leaseMs: 10 * second });
    const beat = to(job.id, State.active, State.active, { beat: true, progress: '1' });
    await move(storage, beat, t0 + 4 * second);
    expect(await get(storage, job.id)).toEqual({
      ...job,
      progress: '1',
      beatAt: t0 + 4 * second,
      leaseUntil: t0 + 14 * second,
    });
    await move(storage, beat, t0 + second);
    expect(await get(storage, job.id)).toMatchObject({ beatAt: t0 + second, leaseUntil: t0 + 14 * second });
    await move(storage, to(job.id, State.retryable, State.active, { runAt: t0 + 5 * second }), t0 + 5 * second);
    expect(await get(storage, job.id)).toMatchObject({ beatAt: null, leaseUntil: null, progress: '1' });
    expect(await claimOne(storage, {}, t0 + 5 * second)).toMatchObject({ beatAt: null, progress: null, attempt: 2 });
  },
  async 'a checkpoint outlives attempts and the dead letter, not the end of its job (ojs-durable 5.2, 6.3)'(storage) {
    await insert(
      storage,
      [1, 2, 3].map((number) => newJob(number)),
    );
    await claim(storage, { limit: 3 });
    const ends = [
      { number: 1, state: State.completed, patch: {} },
      { number: 2, state: State.discarded, patch: { deadLetter: true } },
      { number: 3, state: State.discarded, patch: { checkpoint: '"last"' } },
    ] as const;
    for (const { number, state, patch } of ends) {
      await move(storage, to(idOf(number), State.active, State.active, { checkpoint: `"${number}"` }));
      await move(storage, to(idOf(number), State.available, State.active));
      await claimOne(storage);
      await move(storage, to(idOf(number), state, State.active, patch), t0 + 1);
    }
    const checkpoints = async () => (await storage.jobs.get([1, 2, 3].map(idOf))).map((job) => job?.checkpoint);
    expect(await checkpoints()).toEqual([null, '"2"', null]);
    await move(storage, to(idOf(2), State.available, State.discarded, { deadLetter: false }));
    expect(await checkpoints()).toEqual([null, '"2"', null]);
    await move(storage, to(idOf(2), State.discarded, State.available, { deadLetter: true }));
    await move(storage, to(idOf(2), State.discarded, State.discarded, { deadLetter: false }));
    expect(await checkpoints()).toEqual([null, null, null]);
  },
  async 'an envelope may be replaced in any state, and without a change of state there is no event'(storage) {
    await insert(storage, [newJob(1, { state: State.scheduled, runAt: t0 + 9 })]);
    const before = await get(storage, idOf(1));
    await move(
      storage,
      to(idOf(1), State.scheduled, State.scheduled, { claim: 0, envelope: '{"args":[2.0]}' }),
      t0 + 1,
    );
    expect(await get(storage, idOf(1))).toEqual({ ...before, envelope: '{"args":[2.0]}' });
    expect(await eventLog(storage, 1)).toEqual([]);
    expect(ids(await claim(storage, {}, t0 + 9))).toEqual([idOf(1)]);
    await move(storage, to(idOf(1), State.completed, State.active, { envelope: '{"args":[3.0]}' }), t0 + 9);
    expect(await get(storage, idOf(1))).toMatchObject({ envelope: '{"args":[3.0]}', state: State.completed });
  },
  async 'an available job with another priority takes its place behind those that have it, and the counts stay'(
    storage,
  ) {
    const limits = [limitOf('k', { concurrency: 9 })];
    await insert(storage, [newJob(1), newJob(2, { priority: 5 }), newJob(3), newJob(4, { limits })]);
    const counts = { counts: { [State.available]: 4 } };
    for (const [number, priority] of [
      [3, 5],
      [4, 9],
      [1, -1],
    ] as const)
      expect(
        await move(storage, to(idOf(number), State.available, State.available, { claim: 0, priority }), t0 + number),
      ).toEqual({ kind: 'moved', was: State.available, ready: [] });
    expect(await get(storage, idOf(3))).toMatchObject({ priority: 5, state: State.available });
    expect(await queue(storage)).toMatchObject(counts);
    expect(await storage.registry.limit('k')).toMatchObject({ active: 0, waiting: 1 });
    expect(await countErrors(storage)).toEqual([]);
    expect(ids(await claim(storage, { limit: 3 }, t0 + 5))).toEqual([4, 2, 3].map(idOf));
    expect(ids(await claim(storage, { limit: 3 }, t0 + 5))).toEqual([idOf(1)]);
    expect(await countErrors(storage)).toEqual([]);
  },
  async 'a job with another time becomes due at it; one that is due at once becomes available'(storage) {
    const later = (number: number, ms: number) => newJob(number, { state: State.scheduled, runAt: t0 + ms });
    await insert(storage, [later(1, 10), later(2, 20), later(3, 30), newJob(4)]);
    await claimOne(storage);
    await move(storage, to(idOf(4), State.retryable, State.active, { runAt: t0 + 90 }), t0 + 1);
    const at = (ms: number) => ({ claim: 0, runAt: t0 + ms });
    await move(storage, to(idOf(1), State.scheduled, State.scheduled, at(40)), t0 + 1);
    await move(storage, to(idOf(4), State.retryable, State.retryable, { ...at(15), claim: 1 }), t0 + 1);
    await move(storage, to(idOf(3), State.available, State.scheduled, at(2)), t0 + 2);
    expect((await queue(storage))?.counts).toEqual({
      [State.scheduled]: 2,
      [State.retryable]: 1,
      [State.available]: 1,
    });
    expect(ids(await claim(storage, { limit: 9 }, t0 + 14))).toEqual([idOf(3)]);
    expect(ids(await claim(storage, { limit: 9 }, t0 + 15))).toEqual([idOf(4)]);
    expect(ids(await claim(storage, { limit: 9 }, t0 + 39))).toEqual([idOf(2)]);
    expect(ids(await claim(storage, { limit: 9 }, t0 + 40))).toEqual([idOf(1)]);
    expect(await countErrors(storage)).toEqual([]);
  },
  async 'a waiting job gets another timeout and policy; its execution is overdue by them'(storage) {
    for (const [number, length] of [
      [1, 1],
      [2, 5_000],
    ] as const) {
      const envelope = JSON.stringify({ args: ['x'.repeat(length)] });
      await insert(storage, [newJob(number, { envelope })]);
      const patch = { timeoutMs: 50, policy: '{"retry":{"maxAttempts":7}}', envelope: `${envelope} ` };
      await move(storage, to(idOf(number), State.available, State.available, patch), t0 + 1);
      const job = await claimOne(storage, { leaseMs: 1_000 }, t0 + 2);
      expect(job).toMatchObject(patch);
      expect(ids(await storage.upkeep.overdue(t0 + 51, 9))).toEqual([]);
      expect(ids(await storage.upkeep.overdue(t0 + 52, 9))).toEqual([job.id]);
      await move(storage, to(job.id, State.completed, State.active), t0 + 3);
    }
  },
  async 'a change that names the envelope that it saw is refused once another change has replaced it'(storage) {
    const long = JSON.stringify({ args: ['x'.repeat(5_000)] });
    await insert(storage, [newJob(1), newJob(2, { envelope: long })]);
    for (const number of [1, 2]) {
      const { envelope: envelopeWas } = await get(storage, idOf(number));
      const one = (envelope: string, priority: number) =>
        to(idOf(number), State.available, State.available, { envelopeWas, envelope, priority });
      const answers = await storage.jobs.transition([one('{"args":[1]}', 1), one('{"args":[2]}', 2)], t0 + 1);
      expect(answers.map(({ kind }) => kind)).toEqual(['moved', 'refused']);
      expect((await move(storage, one('{"args":[3]}', 3), t0 + 2)).kind).toBe('refused');
      expect(await get(storage, idOf(number))).toMatchObject({ envelope: '{"args":[1]}', priority: 1 });
    }
  },
  async 'remove takes only jobs in the asked states, and only listed ones where asked'(storage) {
    await insert(storage, [newJob(1), newJob(2), newJob(3)]);
    await move(storage, to(idOf(2), State.discarded, Waiting, { deadLetter: true }));
    await move(storage, to(idOf(3), State.discarded, Waiting));
    expect(await storage.jobs.remove([1, 2, 3, 4].map(idOf), { from: State.discarded, deadLetter: true }, t0)).toEqual([
      false,
      true,
      false,
      false,
    ]);
    expect(await storage.jobs.remove([idOf(3), idOf(3), idOf(1)], { from: Terminal }, t0)).toEqual([
      true,
      false,
      false,
    ]);
    expect(await queue(storage)).toMatchObject({ deadLetter: 0, counts: { [State.available]: 1 } });
    expect(await storage.jobs.get([idOf(2)])).toEqual([null]);
  },
};
