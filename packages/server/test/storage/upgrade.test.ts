import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { State } from '@ojs-ts/core';
import { describe, expect, test } from 'vitest';
import { sqliteStorage } from '../../src/storage/sqlite/sqlite.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { temporaryDirectory } from './sqlite/temporary.ts';
import {
  allLimits,
  claim,
  claimOne,
  countErrors,
  get,
  idOf,
  ids,
  keepAll,
  limitOf,
  move,
  newJob,
  t0,
  to,
} from './suite/tools.ts';

const fixture = new URL('./fixtures/sqlite-4/', import.meta.url);
const child = fileURLToPath(new URL('./upgrade.child.ts', import.meta.url));
const hour = 3_600_000;

function unpack(name: string): Buffer {
  return gunzipSync(readFileSync(new URL(`${name}.gz`, fixture)));
}

/** A file as layout 4 left it. */
function oldFile(): string {
  const path = join(temporaryDirectory(), 'jobs.db');
  writeFileSync(path, unpack('jobs.db'));
  return path;
}

async function tellAll(storage: Storage): Promise<Readonly<Record<string, unknown>>> {
  const { jobs, registry, workflows, crons, documents } = storage;
  return {
    seed: await storage.seed(),
    jobs: (await jobs.list({ states: 0xff, limit: 1000 })).items,
    deadLetter: (await jobs.list({ states: State.discarded, deadLetter: true, limit: 1000 })).items,
    queues: await registry.queues(),
    limits: await allLimits(storage),
    statistics: await registry.statistics(0),
    workers: await registry.workers(),
    workflows: (await workflows.list({ states: null, limit: 100 })).items,
    nodes: await Promise.all(['runs', 'over', 'cancelled'].map((id) => workflows.nodes(id, -1, 100))),
    unfinished: await workflows.unfinished(100),
    crons: await crons.list(),
    documents: await documents.list('schema'),
    events: await storage.events(0, 1_000_000),
  };
}

/** What the old code told, with the fields that are new. */
function told(): Readonly<Record<string, unknown>> {
  const old = JSON.parse(unpack('told.json').toString());
  const withCron = (job: { readonly id: string }) => ({ ...job, cron: job.id === idOf(60) ? 'nightly' : null });
  return {
    ...old,
    jobs: old.jobs.map(withCron),
    deadLetter: old.deadLetter.map(withCron),
    queues: old.queues.map((queue: object) => ({ ...queue, version: 0 })),
  };
}

describe('layout 4 of sqlite', () => {
  test('is read without a change: what a migration would do', async () => {
    const path = oldFile();
    await using storage = sqliteStorage({ path });
    const { from, to, steps } = await storage.layout();
    expect([from, to]).toEqual([4, 4 + steps.length]);
    expect(steps[0]).toBe('005_cron_runs.sql');
    expect(await storage.layout()).toMatchObject({ from: 4 });
    const file = new DatabaseSync(path, { readOnly: true });
    expect(file.prepare('PRAGMA user_version').get()).toEqual({ user_version: 4 });
    file.close();
  });

  test('a migrated file tells what the old code told of it', async () => {
    await using storage = sqliteStorage({ path: oldFile() });
    expect(await storage.migrate()).toMatchObject({ from: 4 });
    expect(await tellAll(storage)).toEqual(told());
    expect(await countErrors(storage)).toEqual([]);
    expect(ids((await storage.crons.unfinished(['nightly'], 9))[0] ?? [])).toEqual([idOf(60)]);
  });

  test('a migrated file goes on: order, limits, unique keys, requests, fences, workflows, crons', async () => {
    await using storage = sqliteStorage({ path: oldFile() });
    await storage.migrate();
    const now = t0 + 10;
    expect(ids(await claim(storage, { request: 'fetch-1', queues: ['mixed'], limit: 9 }, now))).toEqual(
      [16, 20].map(idOf).slice(0, 1),
    );
    expect(ids(await claim(storage, { queues: ['default'], limit: 9 }, now))).toEqual([2, 1, 3].map(idOf));
    expect(ids(await claim(storage, { queues: ['mixed'], limit: 9 }, now))).toEqual([20, 15].map(idOf));
    // k has no slot; r has one start left in its minute.
    expect(ids(await claim(storage, { queues: ['limited'], limit: 9 }, now))).toHaveLength(1);
    expect(
      (await move(storage, to(idOf(30), State.completed, State.active, { claim: 1, worker: 'w1' }), now)).kind,
    ).toBe('moved');
    expect(ids(await claim(storage, { queues: ['limited'], limit: 9 }, now))).toEqual([idOf(31)]);
    const unique = { key: 'u', states: 0x0f, createdAfter: null, onConflict: 'keep' } as const;
    const [[twin] = []] = await storage.jobs.insert([[newJob(99, { unique })]], now);
    expect(twin).toMatchObject({ kind: 'duplicate', by: 'unique', existing: { id: idOf(20) } });
    expect(await move(storage, to(idOf(50), State.completed, State.active), now)).toMatchObject({
      kind: 'moved',
      ready: [],
    });
    expect(await storage.workflows.get('runs')).toMatchObject({ completed: 1, state: 'running' });
    const firing = {
      name: 'nightly',
      version: 2,
      dueAt: t0 + 48 * hour,
      job: newJob(61, { cron: 'nightly' }),
      cancels: [],
      events: [],
    };
    expect(await storage.crons.fire([firing], now)).toMatchObject([{ inserted: { kind: 'inserted' } }]);
    expect(await storage.registry.configureQueue('mixed', { capacity: 1 }, now, 0)).toMatchObject({ version: 1 });
    expect(await storage.upkeep.promote(t0 + hour, 9)).toEqual([
      { queue: 'default', count: 1 },
      { queue: 'mixed', count: 1 },
    ]);
    expect(await countErrors(storage)).toEqual([]);
  });

  test('a migrated file forgets limits that no job names, and no others', async () => {
    await using storage = sqliteStorage({ path: oldFile() });
    await storage.migrate();
    await storage.upkeep.prune({ ...keepAll, limitsBefore: t0 + hour }, 100);
    expect((await allLimits(storage)).map(({ key }) => key)).toEqual(['done', 'k', 'queue:mixed', 'r']);
  });

  test('old and new code serve one file at once, while it is migrated under them: nothing is lost, nothing is done twice', async () => {
    const path = oldFile();
    const module = join(temporaryDirectory(), 'storage.mjs');
    writeFileSync(module, unpack('storage.mjs'));
    const old = spawn(process.execPath, [child, module, path], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines: string[] = [];
    const output = createInterface(old.stdout).on('line', (line) => lines.push(line));
    const closed = once(old, 'close');
    await once(output, 'line');

    await using storage = sqliteStorage({ path, synchronous: 'OFF' });
    expect(await storage.migrate()).toMatchObject({ from: 4 });
    const now = t0 + 24 * hour;
    const inserted: string[] = [];
    const done: string[] = [];
    const work = async () => {
      const taken = await claim(storage, { queues: ['load'], limit: 7, worker: 'new' }, now);
      const ends = taken.map(({ id, claim }) => to(id, State.completed, State.active, { claim, worker: 'new' }));
      const answers = await storage.jobs.transition(ends, now);
      done.push(...ends.filter((_, index) => answers[index]?.kind === 'moved').map(({ id }) => id));
      return taken.length;
    };
    for (let round = 0; round < 60; round++) {
      const jobs = [0, 1, 2].map((index) =>
        newJob(1000 + round * 3 + index, {
          queue: 'load',
          limits: index === 0 ? [limitOf('shared', { concurrency: 3 })] : [],
        }),
      );
      await storage.jobs.insert([jobs], now);
      inserted.push(...ids(jobs));
      await work();
    }
    old.stdin.end();
    const [code] = await closed;
    expect(code).toBe(0);
    const theirs: { readonly inserted: readonly string[]; readonly done: readonly string[] } = JSON.parse(
      lines[1] ?? 'null',
    );
    while ((await work()) > 0);

    const all = [...inserted, ...theirs.inserted];
    expect(theirs.done.length, 'the old code took part after the migration').toBeGreaterThan(100);
    expect([...done, ...theirs.done].sort()).toEqual(all.toSorted());
    const records = await storage.jobs.get(all);
    expect(records.every((job) => job?.state === State.completed && job.claim === 1)).toBe(true);
    expect(await countErrors(storage)).toEqual([]);
    expect(await storage.registry.limit('shared')).toMatchObject({ active: 0, waiting: 0, own: { concurrency: 3 } });
    const { batches } = await storage.events(0, 1_000_000);
    let next = 1;
    for (const { position, count } of batches) {
      expect(position).toBe(next);
      next = position + count;
    }
    // What was there before is still there.
    expect((await get(storage, idOf(5))).state).toBe(State.pending);
    expect((await claimOne(storage)).id).toBe(idOf(2));
  });
});
