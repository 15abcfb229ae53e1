import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { type EventEntry, type JobId, type JobRecord, readEntries, State } from '@ojs-ts/core';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { openStorage } from '../../../src/storage/open.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { temporaryDirectory } from '../sqlite/temporary.ts';
import {
  allLimits,
  claim,
  claimOne,
  countErrors,
  get,
  idOf,
  ids,
  insert,
  newJob,
  newNode,
  newWorkflow,
  t0,
  to,
} from '../suite/tools.ts';
import { newSchema, server } from './schema.ts';

const child = fileURLToPath(new URL('../upgrade.child.ts', import.meta.url));
const sql = new URL('../../../sql/postgres/', import.meta.url);

function unpack(folder: string, name: string): Buffer {
  return gunzipSync(readFileSync(new URL(`../fixtures/${folder}/${name}.gz`, import.meta.url)));
}

interface Fixture {
  readonly folder: string;
  readonly layout: number;
  /** Files that a migration applies. */
  readonly steps: readonly string[];
}

const fixtures: readonly Fixture[] = [
  { folder: 'postgres-4', layout: 4, steps: ['005_inbox.sql', '006_pages.sql', '007_leases.sql'] },
  { folder: 'postgres-5', layout: 5, steps: ['006_pages.sql', '007_leases.sql'] },
];

/** A copy of the store; answers its URL. */
async function copy(folder: string): Promise<string> {
  const url = newSchema();
  const schema = new URL(url).searchParams.get('schema') ?? '';
  await within(url, (client) => client.query(unpack(folder, 'jobs.sql').toString().replaceAll('ojs_fixture', schema)));
  return url;
}

/** Appends what a user's transaction does. */
function append(url: string, id: string): Promise<void> {
  const schema = new URL(url).searchParams.get('schema');
  return within(url, (client) => client.query(`INSERT INTO ${schema}.inbox (id, request) VALUES ($1, '{}')`, [id]));
}

async function within(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const address = new URL(url);
  address.searchParams.delete('schema');
  const client = new pg.Client({ connectionString: address.toString() });
  await client.connect();
  await work(client);
  await client.end();
}

async function tellAll(storage: Storage): Promise<Readonly<Record<string, unknown>>> {
  const { jobs, registry, workflows, crons, documents } = storage;
  return {
    seed: await storage.seed(),
    jobs: asBefore((await jobs.list({ states: 0xff, limit: 1000 })).items),
    deadLetter: asBefore((await jobs.list({ states: State.discarded, deadLetter: true, limit: 1000 })).items),
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

/** The old code had no claim that required its lease. */
function asBefore(jobs: readonly JobRecord[]): readonly object[] {
  return jobs.map(({ leaseRequired, ...job }) => (leaseRequired ? { ...job, leaseRequired } : job));
}

/** Word for word what the server of the old code did with the log while it followed it. */
function readAsBefore(entries: string): readonly EventEntry[] {
  const read: readonly (EventEntry | JobId)[] = JSON.parse(entries);
  let last: EventEntry | null = null;
  return read.map((entry) => {
    if (typeof entry !== 'string') {
      last = entry;
      return entry;
    }
    if (last === null) throw new TypeError('The first event of a batch is an id.');
    const [kind, , type, queue, from, state, attempt, worker, startedAt, trace, data] = last;
    return [kind, entry, type, queue, from, state, attempt, worker, startedAt, trace, data];
  });
}

/** Members of one group that end together with jobs of none; answers the batches of the log that tell of it. */
async function endTogether(storage: Storage): Promise<readonly string[]> {
  const jobs = [0, 1, 2, 3].map((index) => newJob(700 + index, { queue: 'group', node: { workflow: 'group', index } }));
  const nodes = jobs.map(({ id }, index) => newNode(index, { job: id }));
  await storage.workflows.create(newWorkflow({ id: 'group', kind: 'group', total: jobs.length }), nodes, [], t0);
  await storage.workflows.advance(
    jobs.map((job, index) => ({ kind: 'start', node: { workflow: 'group', index }, job, events: [] })),
    t0,
  );
  await insert(storage, [newJob(710, { queue: 'group' }), newJob(711, { queue: 'group' })]);
  const taken = await claim(storage, { queues: ['group'], limit: 9 });
  expect(taken).toHaveLength(6);
  const { newest } = await storage.events(Number.MAX_SAFE_INTEGER, 1);
  await storage.jobs.transition(
    taken.map(({ id, claim }) => to(id, State.completed, State.active, { claim })),
    t0 + 1,
  );
  return (await storage.events(newest, 1_000)).batches.map(({ entries }) => entries);
}

describe.skipIf(server === null).each(fixtures)('layout $layout of PostgreSQL', ({ folder, layout, steps }) => {
  test('a migrated store returns what the old code returned, and has an inbox', async () => {
    const url = await copy(folder);
    await using storage = await openStorage(url);
    expect(await storage.layout()).toMatchObject({ from: layout, to: layout + steps.length, steps });
    expect(await storage.migrate()).toEqual({ from: layout, to: layout + steps.length });
    expect(await tellAll(storage)).toEqual(JSON.parse(unpack(folder, 'told.json').toString()));
    expect(await countErrors(storage)).toEqual([]);
    await append(url, idOf(900));
    expect(await storage.inbox?.depth()).toBe(1);
  });

  test('the old code reads what the new code logs, while it is still running', async () => {
    const url = await copy(folder);
    await using storage = await openStorage(url);
    await storage.migrate();
    // Another new server, which finds the work done.
    await using next = await openStorage(url);
    await next.migrate();
    const told = await endTogether(next);
    expect(told.flatMap(readEntries).filter(([kind]) => kind === 'workflow.job_completed')).toHaveLength(4);
    expect(told.map(readAsBefore)).toEqual(told.map(readEntries));
  });

  test('old and new code serve one store at once, while it is migrated under them and transactions leave jobs: nothing is lost, nothing is done twice', async () => {
    const url = await copy(folder);
    // The old code reads the files of its layout beside itself.
    const home = temporaryDirectory();
    const module = join(home, 'a', 'b', 'c', 'storage.mjs');
    mkdirSync(join(home, 'a', 'b', 'c'), { recursive: true });
    mkdirSync(join(home, 'sql', 'postgres'), { recursive: true });
    const files = readdirSync(sql).sort();
    for (const file of files.slice(0, layout)) cpSync(new URL(file, sql), join(home, 'sql', 'postgres', file));
    writeFileSync(module, unpack(folder, 'storage.mjs'));
    const old = spawn(process.execPath, [child, module, url], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines: string[] = [];
    const output = createInterface(old.stdout).on('line', (line) => lines.push(line));
    const closed = once(old, 'close');
    await once(output, 'line');

    await using storage = await openStorage(url);
    await storage.migrate();
    const now = t0 + 24 * 3_600_000;
    const inserted: string[] = [];
    const done: string[] = [];
    const work = async () => {
      const taken = await claim(storage, { queues: ['load'], limit: 7, worker: 'new' }, now);
      const ends = taken.map(({ id, claim }) => to(id, State.completed, State.active, { claim, worker: 'new' }));
      const answers = await storage.jobs.transition(ends, now);
      done.push(...ends.filter((_, index) => answers[index]?.kind === 'moved').map(({ id }) => id));
      return taken.length;
    };
    const takeIn = async () => {
      const entries = (await storage.inbox?.read(100)) ?? [];
      const intakes = entries.map(({ number, id }) => ({
        entry: number,
        job: { ...newJob(1, { queue: 'load' }), id },
      }));
      await storage.inbox?.take(intakes, now);
    };
    for (let round = 0; round < 30; round++) {
      const jobs = [0, 1].map((index) => newJob(1000 + round * 3 + index, { queue: 'load' }));
      await storage.jobs.insert([jobs], now);
      const staged = idOf(1000 + round * 3 + 2);
      await append(url, staged);
      inserted.push(...ids(jobs), staged);
      await takeIn();
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
    expect(theirs.done.length, 'the old code took part after the migration').toBeGreaterThan(50);
    expect([...done, ...theirs.done].sort()).toEqual(all.toSorted());
    const records = await storage.jobs.get(all);
    expect(records.every((job) => job?.state === State.completed && job.claim === 1)).toBe(true);
    expect(await countErrors(storage)).toEqual([]);
    // What was there before is still there.
    expect((await get(storage, idOf(5))).state).toBe(State.pending);
    expect((await claimOne(storage)).id).toBe(idOf(2));
  });
});
