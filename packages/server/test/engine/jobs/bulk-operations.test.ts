import { members } from '@ojs-ts/core';
import { tokenPrincipal } from '@ojs-ts/core/access';
import { type BulkAction, type BulkOperation, bulkKey, bulkSubject } from '@ojs-ts/core/bulk';
import { readEntries } from '@ojs-ts/core/events';
import { historyOf, type JobRecord, type NewJob, State } from '@ojs-ts/core/job';
import { type JobChanges, rerunOfName, retried } from '@ojs-ts/core/lifecycle';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { Documents } from '../../../src/engine/documents.ts';
import { openStorage } from '../../../src/storage/open.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { around } from '../../storage/faulty.ts';
import { type Bench, bench, newJob } from '../../support/engine.ts';
import { newId } from '../../support/ids.ts';
import { checkProperty } from '../../support/property.ts';
import { storages } from '../../support/storages.ts';

interface Asked {
  readonly query?: string;
  readonly rate?: number;
  readonly changes?: JobChanges;
  readonly by?: string;
}

const actor = (name = 'test') => ({ name, queues: null });

/** Starts an operation, and lets the millisecond of its start pass. */
async function start(b: Bench, action: BulkAction, asked: Asked = {}): Promise<BulkOperation> {
  const { query = '', rate = null, changes = {}, by } = asked;
  const selection = { query: query === '' ? null : query, filter: query === '' ? '{}' : null };
  const filter = bulkSubject({ action, selection, startedAt: b.clock.now() });
  const { matched, isLowerBound } = await b.engine.bulkOperations.count(filter);
  const about = { id: newId(), action, selection, changes, queue: null, actor: actor(by), rate, matched, isLowerBound };
  const begun = await b.engine.bulkOperations.start(about);
  b.clock.advance(1);
  return begun;
}

/** A job that failed for good. */
async function failed(b: Bench, queue = 'q', deadLetter = false): Promise<string> {
  const retry = { maxAttempts: 1, onExhaustion: deadLetter ? 'dead_letter' : 'discard' } as const;
  const id = await b.push({ queue, retry });
  await failNext(b, queue);
  return id;
}

async function failNext(b: Bench, queue = 'q'): Promise<JobRecord | undefined> {
  const [job] = await b.fetch({ queues: [queue], worker: 'w1' });
  if (job === undefined) return undefined;
  const failure = { code: 'x', type: 'x', message: 'm', names: [] };
  await b.engine.protocol.settle({ id: job.id, claim: job.claim, worker: null, kind: 'fail', failure });
  return job;
}

function changesBy(job: JobRecord, id: string): number {
  return historyOf(job).filter((entry) => 'key' in entry && entry.key === bulkKey(id)).length;
}

async function all(storage: Storage, states = 0xff): Promise<readonly JobRecord[]> {
  return (await storage.jobs.list({ states, limit: 5_000 })).items;
}

/** The jobs that others run again, once for each of those. */
async function linksIn(storage: Storage): Promise<readonly string[]> {
  const metas = (await all(storage)).map(({ envelope }) => JSON.parse(members(envelope).get('meta') ?? '{}'));
  return metas.flatMap((meta) => meta[rerunOfName] ?? []).toSorted();
}

/** Several engines on one store and one clock, which the test disposes of. */
async function nodes(url: string, count: number, make: (node: number) => Parameters<typeof around>[1]) {
  const storage = await openStorage(url);
  const benches: Bench[] = [];
  onTestFinished(async () => {
    for (const b of benches) await b[Symbol.asyncDispose]();
    await storage[Symbol.asyncDispose]();
  });
  for (let node = 0; node < count; node++) {
    const [first] = benches;
    benches.push(await bench(url, { storage: around(storage, make(node)), ...(first && { clock: first.clock }) }));
  }
  return { storage, benches };
}

const pass = (_: string, call: () => Promise<unknown>) => call();

describe.each(storages)('bulk operations, $name', ({ url }) => {
  const it = testWith(() => bench(url()));

  it('a retry changes what has failed, once, and nothing that fails later', async (b) => {
    const old = [await failed(b), await failed(b), await failed(b, 'q', true)];
    const begun = await start(b, 'retry');
    expect(begun).toMatchObject({ state: 'running', matched: 3, isLowerBound: false });
    const later = await failed(b, 'other');
    await b.engine.bulkOperations.run();
    const done = await b.engine.bulkOperations.get(begun.id);
    expect(done).toMatchObject({ state: 'done', done: 3, changed: 3, skipped: {}, finishedAt: b.clock.now() });
    for (const id of old) expect((await b.get(id)).state).toBe(State.available);
    expect((await b.get(later)).state).toBe(State.discarded);
    // What fails again is no part of it.
    while (await failNext(b));
    await b.engine.bulkOperations.run();
    for (const id of old) expect(changesBy(await b.get(id), begun.id)).toBe(1);
    expect(await b.engine.bulkOperations.list()).toEqual([done]);
  });

  it('each action changes the jobs in its states', async (b) => {
    const runAt = b.clock.now() + 3_600_000;
    for (const [action, from, to] of [
      ['promote', State.scheduled, State.available],
      ['cancel', State.scheduled, State.cancelled],
      ['discard', State.scheduled, State.discarded],
    ] as const) {
      const queue = action;
      const id = await b.push({ queue, state: from, runAt });
      const [running] = [await b.start('w1', { queue })];
      const begun = await start(b, action, { query: `queue:${queue}` });
      await b.engine.bulkOperations.run();
      expect(await b.engine.bulkOperations.get(begun.id)).toMatchObject({ state: 'done', matched: 1, changed: 1 });
      expect((await b.get(id)).state).toBe(to);
      expect((await b.get(running.id)).state, 'a running job is left alone').toBe(State.active);
    }
    const dead = await failed(b, 'dead', true);
    const plain = await failed(b, 'dead');
    await start(b, 'redrive', { query: 'queue:dead' });
    await b.engine.bulkOperations.run();
    expect([(await b.get(dead)).state, (await b.get(plain)).state]).toEqual([State.available, State.discarded]);
    const begun = await start(b, 'delete', { query: 'queue:dead' });
    await b.engine.bulkOperations.run();
    expect(await b.engine.bulkOperations.get(begun.id)).toMatchObject({ matched: 1, changed: 1 });
    expect(await b.engine.jobs.get(plain)).toBe(null);
  });

  it('changes are the same for every job, and stand in the operation', async (b) => {
    const { engine, clock } = b;
    const changed = async (action: BulkAction, query: string, changes: JobChanges) => {
      const begun = await start(b, action, { query, changes });
      clock.advance(2_000);
      await engine.bulkOperations.run();
      const done = await engine.bulkOperations.get(begun.id);
      expect(done).toMatchObject({ state: 'done', changes });
      return done;
    };
    const later = { state: State.scheduled, runAt: clock.now() + 9_000_000 };
    const push = (patch: Partial<NewJob>) => {
      const id = newId();
      const envelope = `{"specversion":"1.0","id":"${id}","type":"a.b","queue":"later","args":[],"meta":{}}`;
      return b.push({ id, envelope, queue: 'later', ...patch });
    };
    const waits = [await push(later), await push({ ...later, priority: 7 })];
    const now = await push({});
    const moved = await changed('reschedule', 'queue:later', { scheduled_at: '"+PT5M"' });
    expect(moved).toMatchObject({ matched: 2, changed: 2 });
    for (const id of waits) expect((await b.get(id)).runAt).toBe(moved.startedAt + 300_000);
    expect(await changed('priority', 'queue:later', { priority: '7' })).toMatchObject({
      matched: 3,
      changed: 2,
      skipped: { no_change: 1 },
    });
    const edit = { args: '[1.0, 12345678901234567890]', meta: '{"a":1}', scheduled_at: '"+PT9M"' };
    expect(await changed('edit', 'queue:later', edit)).toMatchObject({ changed: 2, skipped: { available: 1 } });
    for (const id of waits) {
      const { priority, envelope } = await b.get(id);
      expect([priority, members(envelope).get('args')]).toEqual([7, edit.args]);
    }
    expect(await b.get(now)).toMatchObject({ priority: 7, state: State.available });
    for (const { id } of await engine.bulkOperations.list())
      await expect(engine.bulkOperations.undo(id, actor())).rejects.toMatchObject({
        message: expect.stringContaining('not kept'),
      });
  });

  it('a rate: the jobs of a second at once, then a second later', async (b) => {
    for (let n = 0; n < 7; n++) await failed(b, 'q', true);
    const { id } = await start(b, 'redrive', { rate: 3 });
    const doneAfter = async (ms: number) => {
      b.clock.advance(ms);
      expect(await b.engine.bulkOperations.run()).toBe((await b.engine.bulkOperations.get(id)).state === 'running');
      return (await b.engine.bulkOperations.get(id)).changed;
    };
    expect(await doneAfter(0)).toBe(3);
    expect(await doneAfter(500)).toBe(3);
    expect(await doneAfter(500)).toBe(6);
    expect(await doneAfter(998)).toBe(6);
    expect(await doneAfter(2)).toBe(7);
    expect(await b.engine.bulkOperations.get(id)).toMatchObject({ state: 'done' });
  });

  // The calls of a step in their order; the engine dies before the call, or after its effect.
  test.each(
    (
      [
        ['records.commit', 'retry'],
        ['jobs.transition', 'retry'],
        ['jobs.remove', 'delete'],
        ['records.commit', 'rerun'],
        ['jobs.insert', 'rerun'],
      ] as const
    ).flatMap(([operation, action]) =>
      [0, 1].flatMap((skip) => (['before', 'after'] as const).map((when) => ({ operation, action, skip, when }))),
    ),
  )('an engine dies $when call $skip of $operation; another one goes on: $action', async (dying) => {
    const { operation, action, skip, when } = dying;
    let [isDead, armed, left] = [false, false, skip];
    const { storage, benches } = await nodes(url(), 2, (node) => async (name, call) => {
      if (node === 1) return call();
      if (isDead) throw new Error('The engine is dead.');
      isDead = armed && name === operation && left-- === 0;
      if (!isDead) return call();
      if (when === 'after') await call();
      throw new Error('The engine has died.');
    });
    const [a, b] = benches;
    if (a === undefined || b === undefined) throw new Error('Two engines were made.');
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push(await failed(a));
    const { id } = await start(a, action, { rate: 3 });
    armed = true;
    await a.engine.bulkOperations.run().catch(() => {});
    a.clock.advance(1_000);
    await a.engine.bulkOperations.run().catch(() => {});
    a.clock.advance(20_000);
    await b.engine.bulkOperations.run();
    a.clock.advance(1_000);
    await b.engine.bulkOperations.run();
    expect(await b.engine.bulkOperations.get(id)).toMatchObject({ state: 'done', done: 5, changed: 5, skipped: {} });
    const jobs = await storage.jobs.get(ids);
    if (action === 'rerun') expect(await linksIn(storage)).toEqual(ids.toSorted());
    else if (action === 'delete') expect(jobs.filter((job) => job !== null)).toEqual([]);
    else expect(jobs.map((job) => job && [job.state, changesBy(job, id)])).toEqual(ids.map(() => [State.available, 1]));
  });

  test('two servers that do every step both change each job once, and count it once', async () => {
    // No lease holds one of them back.
    const { storage, benches } = await nodes(
      url(),
      2,
      () => async (name, call) => (name === 'upkeep.lease' ? true : call()),
    );
    const [a, b] = benches;
    if (a === undefined || b === undefined) throw new Error('Two engines were made.');
    for (let n = 0; n < 20; n++) await a.push();
    for (let n = 0; n < 10; n++) await failed(a, 'failing');
    const both = async (id: string) => {
      for (let round = 0; round < 20; round++) {
        await Promise.all([a.engine.bulkOperations.run(), b.engine.bulkOperations.run()]);
        a.clock.advance(1_000);
      }
      return a.engine.bulkOperations.get(id);
    };
    const cancel = await both((await start(a, 'cancel', { query: 'queue:q', rate: 3 })).id);
    expect(cancel).toMatchObject({ state: 'done', done: 20, changed: 20, skipped: {} });
    const retry = await both((await start(a, 'retry', { query: 'queue:failing', rate: 3 })).id);
    expect(retry).toMatchObject({ state: 'done', done: 10, changed: 10, skipped: {} });
    const undo = await both((await a.engine.bulkOperations.undo(cancel.id, actor())).id);
    expect(undo).toMatchObject({ state: 'done', changed: 20, skipped: {} });
    const jobs = await all(storage);
    expect(jobs.filter(({ state, queue }) => state === State.available && queue === 'q')).toHaveLength(20);
    expect(jobs).toHaveLength(50);
    for (const job of jobs) for (const { id } of [cancel, retry]) expect(changesBy(job, id)).toBeLessThanOrEqual(1);
    const rerun = await both((await start(a, 'rerun', { query: 'queue:q state:cancelled', rate: 3 })).id);
    expect(rerun).toMatchObject({ state: 'done', done: 20, changed: 20, skipped: {} });
    expect(await all(storage)).toHaveLength(70);
  });

  test('a server that looks for the next jobs while another one changes the last of them does not end the operation', async () => {
    let holds = false;
    const [looked, changed, counts] = [1, 2, 3].map(() => Promise.withResolvers<void>());
    const { storage, benches } = await nodes(url(), 2, (node) => async (name, call) => {
      if (name === 'upkeep.lease') return true;
      if (!holds) return call();
      if (node === 1 && name.startsWith('jobs.')) {
        looked?.resolve();
        await changed?.promise;
      }
      const answer = await call();
      if (node === 0 && name === 'jobs.transition') {
        changed?.resolve();
        await counts?.promise;
      }
      return answer;
    });
    const [a, b] = benches;
    if (a === undefined || b === undefined) throw new Error('Two engines were made.');
    for (let n = 0; n < 5; n++) await a.push();
    const { id } = await start(a, 'cancel', { query: 'queue:q', rate: 3 });
    await a.engine.bulkOperations.run();
    a.clock.advance(1_000);
    holds = true;
    const later = b.engine.bulkOperations.run();
    await looked?.promise;
    const first = a.engine.bulkOperations.run();
    await later;
    counts?.resolve();
    await first;
    expect(await a.engine.bulkOperations.get(id)).toMatchObject({ state: 'done', done: 5, changed: 5, skipped: {} });
    expect((await all(storage)).filter(({ state }) => state === State.cancelled)).toHaveLength(5);
  });

  test('a job that starts, or is retried, after the step has read it is left alone, and the operation says so', async () => {
    let meanwhile: { readonly call: string; readonly act: () => Promise<unknown> } | null = null;
    const { storage, benches } = await nodes(url(), 1, () => async (name, call) => {
      if (name === meanwhile?.call) {
        const { act } = meanwhile;
        meanwhile = null;
        await act();
      }
      return call();
    });
    const [b] = benches;
    if (b === undefined) throw new Error('An engine was made.');
    const waiting = await b.push({ queue: 'a' });
    const cancel = await start(b, 'cancel', { query: 'queue:a' });
    meanwhile = { call: 'jobs.transition', act: () => b.fetch({ queues: ['a'], worker: 'w1' }) };
    await b.engine.bulkOperations.run();
    expect((await b.get(waiting)).state).toBe(State.active);
    const dead = await failed(b, 'b');
    b.clock.advance(1);
    const deletion = await start(b, 'delete', { query: 'queue:b' });
    meanwhile = {
      call: 'jobs.remove',
      act: async () => storage.jobs.transition([retried(await b.get(dead), b.clock.now())], b.clock.now()),
    };
    await b.engine.bulkOperations.run();
    expect((await b.get(dead)).state).toBe(State.available);
    for (const { id } of [cancel, deletion])
      expect(await b.engine.bulkOperations.get(id)).toMatchObject({
        state: 'done',
        changed: 0,
        skipped: { changed_since: 1 },
      });
  });

  it('a wrong cancel is undone by linked jobs; what stays says why', async (b) => {
    const { engine, clock } = b;
    const runAt = clock.now() + 3_600_000;
    const waiting = await b.push({ queue: 'a', priority: 7 });
    const scheduled = await b.push({ queue: 'a', state: State.scheduled, runAt });
    const pending = await b.push({ queue: 'a', state: State.pending });
    const pruned = await b.push({ queue: 'a' });
    const begun = await start(b, 'cancel', { query: 'queue:a' });
    await engine.bulkOperations.run();
    expect(await engine.bulkOperations.get(begun.id)).toMatchObject({ changed: 4 });
    await engine.storage.jobs.remove([pruned], { from: State.cancelled }, clock.now());
    clock.advance(1);
    const undo = await engine.bulkOperations.undo(begun.id, actor('somebody'));
    expect(undo).toMatchObject({ action: 'undo', of: begun.id, by: 'somebody', matched: 4 });
    clock.advance(1);
    await engine.bulkOperations.run();
    expect(await engine.bulkOperations.get(undo.id)).toMatchObject({
      state: 'done',
      done: 4,
      changed: 2,
      skipped: { pruned: 1, was_pending: 1 },
    });
    const made = (await all(engine.storage)).filter(({ state }) => state !== State.cancelled);
    const links = made.map(({ state, runAt: at, priority, envelope }) => {
      const meta = JSON.parse(members(envelope).get('meta') ?? '{}');
      return { state, priority, of: meta[rerunOfName], ...(state === State.scheduled && { at }) };
    });
    expect(links).toHaveLength(2);
    expect(links).toEqual(
      expect.arrayContaining([
        { state: State.available, priority: 7, of: waiting },
        { state: State.scheduled, priority: 0, of: scheduled, at: runAt },
      ]),
    );
    expect((await b.get(pending)).state).toBe(State.cancelled);
    // Asked again it is the same one, and nothing is made twice.
    expect(await engine.bulkOperations.undo(begun.id, actor('another'))).toMatchObject({ id: undo.id, by: 'somebody' });
    await engine.bulkOperations.run();
    expect((await all(engine.storage)).filter(({ state }) => state !== State.cancelled)).toHaveLength(2);
    await expect(engine.bulkOperations.undo(undo.id, actor('x'))).rejects.toMatchObject({ code: 'conflict' });
  });

  it('an undo makes no duplicate of a unique job, and leaves steps of workflows', async (b) => {
    const { engine, clock } = b;
    const envelope = (id: string) =>
      `{"specversion":"1.0","id":"${id}","type":"a.b","queue":"u","args":[1],"unique":{"keys":["type","args"],"on_conflict":"replace"}}`;
    const id = newId();
    const one = {
      key: 'k',
      states: State.available | State.scheduled,
      createdAfter: null,
      onConflict: 'keep',
    } as const;
    await b.push({ id, queue: 'u', envelope: envelope(id), unique: one });
    const begun = await start(b, 'cancel', { query: 'queue:u' });
    await engine.bulkOperations.run();
    clock.advance(1);
    const undo = await engine.bulkOperations.undo(begun.id, actor('x'));
    clock.advance(1);
    await engine.bulkOperations.run();
    const [made] = (await all(engine.storage)).filter(({ queue, state }) => queue === 'u' && state === State.available);
    expect(made?.uniqueKey).toEqual(expect.any(String));
    expect(await engine.bulkOperations.get(undo.id)).toMatchObject({ changed: 1 });
    // The same job is cancelled once more, and a new one takes the key before the undo.
    const again = await start(b, 'cancel', { query: 'queue:u' });
    await engine.bulkOperations.run();
    const next = newId();
    await b.push({ id: next, queue: 'u', envelope: envelope(next), unique: { ...one, key: made?.uniqueKey ?? '' } });
    clock.advance(1);
    const second = await engine.bulkOperations.undo(again.id, actor('x'));
    clock.advance(1);
    await engine.bulkOperations.run();
    expect(await engine.bulkOperations.get(second.id)).toMatchObject({ changed: 0, skipped: { duplicate: 1 } });
    expect((await b.get(next)).state, 'the newer job is not replaced').toBe(State.available);
  });

  it('a wrong retry is undone by cancelling what still waits', async (b) => {
    const { engine, clock } = b;
    const waits = await failed(b, 'r');
    const runs = await failed(b, 'r');
    const backoff = await b.push({ queue: 'later', retry: { jitter: false } });
    await failNext(b, 'later');
    expect((await b.get(backoff)).state).toBe(State.retryable);
    const begun = await start(b, 'retry');
    await expect(engine.bulkOperations.undo(begun.id, actor('x'))).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('stop it first'),
    });
    await engine.bulkOperations.run();
    const [taken] = await b.fetch({ queues: ['r'], worker: 'w2' });
    const undo = await engine.bulkOperations.undo(begun.id, actor('x'));
    clock.advance(1);
    await engine.bulkOperations.run();
    expect(await engine.bulkOperations.get(undo.id)).toMatchObject({
      state: 'done',
      changed: 1,
      skipped: { running: 1, would_run_anyway: 1 },
    });
    const [left, right] = [waits, runs].filter((id) => id !== taken?.id);
    expect(right).toBeUndefined();
    expect((await b.get(left ?? '')).state).toBe(State.cancelled);
    expect((await b.get(taken?.id ?? '')).state).toBe(State.active);
    expect((await b.get(backoff)).state).toBe(State.available);
  });

  it('after a week an operation is forgotten, with the jobs of its steps', async (b) => {
    await b.push();
    const { id } = await start(b, 'cancel');
    await b.engine.bulkOperations.run();
    b.clock.advance(7 * 86_400_000 - 1);
    await b.engine.bulkOperations.forget();
    expect(await new Documents(b.engine.storage.records).list('bulk.step')).toHaveLength(1);
    b.clock.advance(2);
    await b.engine.bulkOperations.forget();
    await expect(b.engine.bulkOperations.get(id)).rejects.toMatchObject({ code: 'not_found' });
    expect(await new Documents(b.engine.storage.records).list('bulk.step')).toEqual([]);
  });

  test('whatever comes between, a job is changed at most once, and none that came later', async () => {
    const turn = fc.constantFrom('step', 'other', 'push', 'fail', 'run', 'cancel', 'die', 'promote');
    const property = fc.asyncProperty(
      fc.constantFrom('cancel', 'retry', 'discard'),
      fc.array(turn, { minLength: 5, maxLength: 40 }),
      async (action, turns) => {
        const storage = await openStorage(url());
        let isDead = false;
        const dying = async (_: string, call: () => Promise<unknown>) => {
          if (isDead) throw new Error('The engine is dead.');
          return call();
        };
        const a = await bench('', { storage: around(storage, dying) });
        const b = await bench('', { storage: around(storage, pass), clock: a.clock });
        try {
          const job = () => b.push({ retry: { maxAttempts: 2, jitter: false } });
          for (let n = 0; n < 6; n++) await job();
          for (let n = 0; n < 3; n++) await failNext(b);
          await failed(b);
          const before = new Set((await all(storage)).map(({ id }) => id));
          const { id } = await start(b, action, { rate: 2 });
          for (const one of turns) {
            b.clock.advance(400);
            if (one === 'step') await a.engine.bulkOperations.run().catch(() => {});
            else if (one === 'other') await b.engine.bulkOperations.run();
            else if (one === 'push') await job();
            else if (one === 'fail') await failNext(b);
            else if (one === 'promote') await b.engine.upkeep.promote();
            else if (one === 'die') isDead = !isDead;
            else if (one === 'run') await b.fetch({ worker: 'w3' });
            else {
              const [first] = await all(storage, State.available);
              if (first) await b.engine.lifecycle.cancel(first.id, null);
            }
          }
          for (let round = 0; round < 30; round++) {
            b.clock.advance(1_000);
            await b.engine.bulkOperations.run();
          }
          const jobs = await all(storage);
          const operation = await b.engine.bulkOperations.get(id);
          expect(operation.state).toBe('done');
          const changed = jobs.filter((one) => changesBy(one, id) > 0);
          expect(changed.filter((one) => changesBy(one, id) > 1)).toEqual([]);
          expect(changed.filter((one) => !before.has(one.id))).toEqual([]);
          expect(operation.changed).toBe(changed.length);
          for (const one of changed) {
            const entries = historyOf(one);
            const at = entries.findIndex((entry) => 'key' in entry && entry.key === bulkKey(id));
            // Nothing happened to the job between the start and the change.
            const later = entries.slice(0, at).filter((entry) => entry.at > operation.startedAt);
            expect(later).toEqual([]);
          }
        } finally {
          await a[Symbol.asyncDispose]();
          await b[Symbol.asyncDispose]();
          await storage[Symbol.asyncDispose]();
        }
      },
    );
    await checkProperty(property, { atLeast: 10, atMost: 60, ms: 4_000 });
  });
});

const it = testWith(() => bench('memory:'));

it('the larger the changes, the fewer jobs a step has', async (b) => {
  await many(b, 300);
  const { id } = await start(b, 'edit', { changes: { args: JSON.stringify(['x'.repeat(60_000)]) } });
  await b.engine.bulkOperations.run();
  expect(await b.engine.bulkOperations.get(id)).toMatchObject({ state: 'done', changed: 300, steps: 3 });
});

it('no step is done before the millisecond of the start has passed', async (b) => {
  const id = await b.push();
  const { id: bulk } = await start(b, 'cancel');
  b.clock.advance(-1);
  expect(await b.engine.bulkOperations.run()).toBe(true);
  expect((await b.get(id)).state).toBe(State.available);
  b.clock.advance(1);
  expect(await b.engine.bulkOperations.run()).toBe(false);
  expect((await b.get(id)).state).toBe(State.cancelled);
  expect(await b.engine.bulkOperations.get(bulk)).toMatchObject({ state: 'done' });
});

/** Jobs that wait, enqueued in one go. */
async function many({ engine, clock }: Bench, count: number, queue = 'q'): Promise<void> {
  const jobs = Array.from({ length: count }, () => [newJob(clock.now(), { queue })]);
  await engine.storage.jobs.insert(jobs, clock.now());
}

it('an undo goes beyond a long part of the list in which no job matched', async (b) => {
  const { bulkOperations } = b.engine;
  await b.push({ priority: 7 });
  b.clock.advance(1);
  // More than a step looks at.
  await many(b, 20_500);
  const { id } = await start(b, 'cancel', { query: 'priority=7' });
  await bulkOperations.run();
  expect(await bulkOperations.get(id)).toMatchObject({ state: 'done', done: 1, changed: 1 });
  const undo = await bulkOperations.undo(id, actor());
  b.clock.advance(1);
  await bulkOperations.run();
  expect(await bulkOperations.get(undo.id)).toMatchObject({ state: 'done', done: 1, changed: 1 });
});

it('a short operation does not wait for the end of a long one', async (b) => {
  await many(b, 11_000, 'long');
  await many(b, 1, 'short');
  const long = await start(b, 'cancel', { query: 'queue:long' });
  const short = await start(b, 'cancel', { query: 'queue:short' });
  expect(await b.engine.bulkOperations.run()).toBe(false);
  expect(await b.engine.bulkOperations.get(long.id)).toMatchObject({ state: 'done', changed: 11_000 });
  const { batches } = await b.engine.storage.events(0, 100_000, ['bulk.cancel.completed']);
  const ended = batches.flatMap(({ entries }) => readEntries(entries)).filter(([kind]) => kind.startsWith('bulk.'));
  expect(ended.map(([, id]) => id)).toEqual([short.id, long.id]);
});

it('with a rate an operation goes on after the clock was set back', async (b) => {
  for (let n = 0; n < 9; n++) await failed(b, 'q', true);
  const { id } = await start(b, 'redrive', { rate: 3 });
  const doneAfter = async (ms: number) => {
    b.clock.advance(ms);
    await b.engine.bulkOperations.run();
    return (await b.engine.bulkOperations.get(id)).changed;
  };
  expect(await doneAfter(60_000)).toBe(6);
  expect(await doneAfter(-30_000)).toBe(9);
});

describe('the token that an operation acts for', () => {
  const operator = { name: 'night', roles: ['operator'], queues: ['*'], createdBy: 'test' } as const;

  async function slowly(expiresAt: number | null) {
    const b = await bench('memory:');
    const { record } = await b.engine.tokens.create({ ...operator, expiresAt: expiresAt && b.clock.now() + expiresAt });
    for (let n = 0; n < 6; n++) await b.push();
    const { id } = await start(b, 'cancel', { rate: 1, by: tokenPrincipal(record.id) });
    const changedAfter = async (ms: number) => {
      b.clock.advance(ms);
      await b.engine.bulkOperations.run();
      return b.engine.bulkOperations.get(id);
    };
    expect(await changedAfter(0)).toMatchObject({ changed: 1 });
    return { b, id, token: record.id, changedAfter, [Symbol.asyncDispose]: () => b[Symbol.asyncDispose]() };
  }

  test('revoked it stops the operation, and whoever resumes it acts for itself', async () => {
    await using slow = await slowly(null);
    const { b, id, token, changedAfter } = slow;
    await b.engine.tokens.rotate(token, 0);
    expect(await changedAfter(1_000), 'a rotation keeps the token').toMatchObject({ state: 'running', changed: 2 });
    await b.engine.tokens.revoke(token);
    const by = tokenPrincipal(token);
    expect(await changedAfter(1_000)).toMatchObject({
      state: 'stopped',
      changed: 2,
      error: expect.stringContaining('revoked'),
      by,
    });
    await b.engine.bulkOperations.resume(id, actor('somebody'));
    expect(await changedAfter(1_000)).toMatchObject({ state: 'running', error: null, by });
    expect((await changedAfter(1_000)).changed).toBeGreaterThan(2);
  });

  test('made after another server has read the tokens, it is read before that server stops its operation', async () => {
    await using b = await bench('memory:');
    await using other = await bench('', { storage: b.engine.storage, clock: b.clock });
    const { record } = await b.engine.tokens.create({ ...operator, expiresAt: null });
    await b.push();
    const { id } = await start(b, 'cancel', { by: tokenPrincipal(record.id) });
    await other.engine.bulkOperations.run();
    expect(await b.engine.bulkOperations.get(id)).toMatchObject({ state: 'done', changed: 1 });
  });

  test('expired it does the same', async () => {
    await using slow = await slowly(1_500);
    expect(await slow.changedAfter(1_000)).toMatchObject({ state: 'running', changed: 2 });
    expect(await slow.changedAfter(1_000)).toMatchObject({ state: 'stopped', changed: 2 });
  });
});
