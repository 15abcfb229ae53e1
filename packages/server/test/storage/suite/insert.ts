import { recordOf, State } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import { type Cases, claim, get, idOf, ids, insert, inserted, newJob, queue, second, t0 } from './tools.ts';

export const insertCases: Cases = {
  async 'a job is stored as it was given, JSON texts byte for byte (§2 rows 1-3)'(storage) {
    const odd = newJob(1, {
      envelope: '{"args":[9007199254740993,1.0e3,"\\u0000",{"b":1,"a":2}]}',
      policy: '{"retry":{"maxAttempts":1}}',
      expiresAt: t0 + 5,
      visibilityMs: 7,
      priority: -3,
    });
    const later = newJob(2, { state: State.scheduled, runAt: t0 + second });
    const pending = newJob(3, { state: State.pending });
    const [answers] = await storage.jobs.insert([[odd, later, pending]], t0);
    expect(answers).toEqual([inserted, inserted, inserted]);
    expect(await storage.jobs.get([odd.id, later.id, pending.id])).toEqual([odd, later, pending].map(recordOf));
    expect((await queue(storage))?.counts).toEqual({ [State.available]: 1, [State.scheduled]: 1, [State.pending]: 1 });
  },
  async 'an unknown id is null'(storage) {
    expect(await storage.jobs.get([idOf(1), ''])).toEqual([null, null]);
  },
  async 'a repeated insert answers already, with the current job'(storage) {
    await insert(storage, [newJob(1)]);
    const [taken] = await claim(storage);
    const [[answer] = []] = await storage.jobs.insert([[newJob(1, { createdAt: t0 + 5 })]], t0 + 5);
    expect(answer).toEqual({ kind: 'already', job: taken });
    expect((await queue(storage))?.counts).toEqual({ [State.active]: 1 });
  },
  async 'the same id for another job is a duplicate, whichever of envelope, queue and type differs'(storage) {
    await insert(storage, [newJob(1)]);
    const others = [
      newJob(1, { envelope: '{}' }),
      newJob(1, { queue: 'other', envelope: newJob(1).envelope }),
      newJob(1, { type: 'x', envelope: newJob(1).envelope }),
    ];
    const answers = await storage.jobs.insert(
      others.map((job) => [job]),
      t0,
    );
    for (const [answer] of answers)
      expect(answer).toEqual({ kind: 'duplicate', by: 'id', existing: recordOf(newJob(1)) });
    expect(await queue(storage, 'other')).toBeUndefined();
  },
  async 'a refused group leaves nothing, and its neighbours do not notice'(storage) {
    await insert(storage, [newJob(1)]);
    const answers = await storage.jobs.insert([[newJob(2), newJob(1, { envelope: '{}' }), newJob(1)], [newJob(3)]], t0);
    expect(answers[0]?.map((answer) => answer.kind)).toEqual(['aborted', 'duplicate', 'aborted']);
    expect(answers[1]).toEqual([inserted]);
    expect(await storage.jobs.get([idOf(2)])).toEqual([null]);
    expect((await queue(storage))?.counts).toEqual({ [State.available]: 2 });
    expect(ids(await claim(storage, { limit: 9 }))).toEqual([idOf(1), idOf(3)]);
  },
  async 'one id twice in a group is refused, whatever the content'(storage) {
    const groups = [
      [newJob(1), newJob(1)],
      [newJob(2), newJob(2, { envelope: '{}' })],
    ];
    const [same, other] = await storage.jobs.insert(groups, t0);
    expect(same).toEqual([{ kind: 'aborted' }, { kind: 'duplicate', by: 'id', existing: recordOf(newJob(1)) }]);
    expect(other).toEqual([{ kind: 'aborted' }, { kind: 'duplicate', by: 'id', existing: recordOf(newJob(2)) }]);
    expect(await storage.jobs.get([idOf(1), idOf(2)])).toEqual([null, null]);
  },
  async 'a group that exists in part is refused: only the whole group is a repeated call'(storage) {
    await insert(storage, [newJob(1)]);
    const [mixed] = await storage.jobs.insert([[newJob(1), newJob(2)]], t0);
    expect(mixed).toEqual([{ kind: 'duplicate', by: 'id', existing: recordOf(newJob(1)) }, { kind: 'aborted' }]);
    expect(await storage.jobs.get([idOf(2)])).toEqual([null]);
    const [whole] = await storage.jobs.insert([[newJob(1)]], t0);
    expect(whole).toEqual([{ kind: 'already', job: recordOf(newJob(1)) }]);
  },
  async 'of one id in two groups the first wins'(storage) {
    const answers = await storage.jobs.insert([[newJob(1)], [newJob(1)], [newJob(1, { envelope: '{}' })]], t0);
    expect(answers.map(([answer]) => answer?.kind)).toEqual(['inserted', 'already', 'duplicate']);
  },
  async 'nothing in, nothing out'(storage) {
    expect(await storage.jobs.insert([], t0)).toEqual([]);
    expect(await storage.jobs.insert([[]], t0)).toEqual([[]]);
    expect(await storage.jobs.transition([], t0)).toEqual([]);
    expect(await storage.jobs.claim([], t0)).toEqual([]);
    expect(await storage.jobs.get([])).toEqual([]);
    expect((await storage.events(0, 10)).batches).toEqual([]);
  },
  async 'a job that has expired before its insert is stored, and never handed out (§17)'(storage) {
    await insert(storage, [newJob(1, { expiresAt: t0 - 1 })]);
    expect((await get(storage, idOf(1))).state).toBe(State.available);
    expect(await claim(storage)).toEqual([]);
    expect((await get(storage, idOf(1))).state).toBe(State.discarded);
  },
};
