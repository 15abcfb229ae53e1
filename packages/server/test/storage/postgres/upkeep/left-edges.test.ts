import { State } from '@ojs-ts/core/job';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readPostgresUrl } from '../../../../src/storage/postgres/connection/url.ts';
import { type Edges, LeftEdges } from '../../../../src/storage/postgres/upkeep/left-edges.ts';
import { claimOf, idOf, ids, insert, newJob, t0, to } from '../../suite/tools.ts';
import { newDatabase, openPostgres, test } from '../schema.ts';

const lowest = -Number.MAX_SAFE_INTEGER;
const nowhere = [lowest, lowest, lowest, lowest, lowest];

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

describe('a look begins', () => {
  const look = async (edges: LeftEdges, ...found: readonly (number | null)[]) => {
    let begun: Edges | null = null;
    await edges.look(async (from) => {
      begun = from;
      return found;
    });
    return begun;
  };

  it('at the first job that the last one saw, or five seconds before it', async () => {
    const edges = new LeftEdges();
    expect(edges.at(t0)).toEqual(nowhere);
    expect(await look(edges, t0 - 60_000, t0 + 60_000, null, t0 - 4_999, t0 - 5_001)).toEqual(nowhere);
    const from = [t0 - 60_000, t0 - 5_000, t0 - 5_000, t0 - 5_000, t0 - 5_001];
    expect(edges.at(t0 + 5)).toEqual(from);
    expect(await look(edges, null, null, null, null, null)).toEqual(from);
    expect(edges.at(t0 + 5)).toEqual(Array(5).fill(t0 - 4_995));
  });

  it('at the beginning after ten seconds, and wherever nobody looks any more', async () => {
    const edges = new LeftEdges();
    edges.at(t0);
    await look(edges, null, null, null, null, null);
    vi.advanceTimersByTime(9_999);
    expect(await look(edges, null, null, null, null, null)).not.toEqual(nowhere);
    vi.advanceTimersByTime(1);
    // It finds a job that another server has written with an earlier time.
    expect(await look(edges, t0 - 70_000, null, null, null, null)).toEqual(nowhere);
    expect(edges.at(t0)[0]).toBe(t0 - 70_000);
    vi.advanceTimersByTime(20_000);
    expect(edges.at(t0)).toEqual(nowhere);
  });

  it('at the beginning once the clock was set back, and stays where calls only overtake each other', async () => {
    const edges = new LeftEdges();
    edges.at(t0);
    await look(edges, null, null, null, null, null);
    expect(edges.at(t0 - 2_500)[0]).toBe(t0 - 5_000);
    expect(edges.at(t0 - 2_501)).toEqual(nowhere);
    expect(await look(edges, null, null, null, null, null)).toEqual(nowhere);
  });

  it('where it did if the clock is set back while it reads', async () => {
    const edges = new LeftEdges();
    edges.at(t0);
    await edges.look(async () => {
      edges.at(t0 - 3_600_000);
      return [null, null, null, null, null];
    });
    expect(edges.at(t0 - 3_600_000)).toEqual(nowhere);
  });
});

test('a job that comes with a time from before the last look is found within ten seconds, and at once if its server is right', async () => {
  await using storage = await openPostgres();
  const now = t0 + 60_000;
  expect(await storage.upkeep.promote(now, 9)).toEqual([]);
  expect(await storage.upkeep.nextDue()).toBeNull();
  // By a server whose clock is behind, but not by more than the difference that is allowed for.
  await insert(storage, [newJob(1, { state: State.scheduled, runAt: now - 4_000 })]);
  expect(await storage.upkeep.nextDue()).toBe(now - 4_000);
  expect(await storage.upkeep.promote(now, 9)).toEqual([{ queue: 'default', count: 1 }]);
  await insert(storage, [newJob(2, { state: State.scheduled, runAt: t0 })]);
  expect(await storage.upkeep.nextDue()).toBeNull();
  vi.advanceTimersByTime(10_000);
  expect(await storage.upkeep.nextDue()).toBe(t0);
  const [claimed] = await storage.jobs.claim([claimOf({ limit: 9 })], now);
  expect(ids(claimed?.jobs ?? [])).toEqual([1, 2].map(idOf));
});

test('after a step of the clock back, due jobs are found at once', async () => {
  await using storage = await openPostgres();
  const hour = 3_600_000;
  await storage.upkeep.promote(t0 + hour, 9);
  expect(await storage.upkeep.nextDue()).toBeNull();
  await insert(storage, [newJob(1, { state: State.scheduled, runAt: t0 + 5 })]);
  expect(await storage.upkeep.promote(t0 + 5, 9)).toEqual([{ queue: 'default', count: 1 }]);
});

test('looks do not walk the entries of jobs that have moved on, which an open snapshot keeps', async () => {
  await using database = await newDatabase();
  const url = database.url('ojs');
  const connectionString = readPostgresUrl(url).targets[0];
  const connect = async () => {
    const client = new pg.Client({ connectionString });
    await client.connect();
    return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
  };
  await using client = await connect();
  await using old = await connect();
  const pagesRead = async () => {
    // A connection tells its numbers when it ends at the latest.
    const open = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ojs ojs'";
    while ((await client.query(open)).rows.length > 0);
    const pages = `SELECT sum(idx_blks_hit + idx_blks_read)::int AS pages FROM pg_statio_user_indexes
      WHERE indexrelname IN ('due_time', 'active_due')`;
    return (await client.query(pages)).rows[0].pages;
  };
  const [count, page, looks] = [8_000, 500, 50];
  {
    await using storage = await openPostgres(url);
    await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await old.query('SELECT FROM ojs.jobs');
    for (let done = 0; done < count; done += page) {
      const due = (n: number) => newJob(done + n, { state: State.scheduled, runAt: t0 + done + n });
      await insert(
        storage,
        Array.from({ length: page }, (_, n) => due(n)),
      );
      const [claimed] = await storage.jobs.claim([claimOf({ limit: page })], t0 + count);
      const ends = (claimed?.jobs ?? []).map(({ id }) => to(id, State.completed, State.active));
      await storage.jobs.transition(ends, t0 + count);
    }
  }
  const before = await pagesRead();
  {
    await using storage = await openPostgres(url);
    const now = t0 + count + 60_000;
    for (let n = 0; n < looks; n++) {
      await storage.upkeep.promote(now, 100);
      await storage.upkeep.overdue(now, 100);
      await storage.upkeep.nextDue();
    }
  }
  expect(((await pagesRead()) - before) / looks).toBeLessThan(30);
});
