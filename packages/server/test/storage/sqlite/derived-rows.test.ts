import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type LimitNumbers, State } from '@ojs-ts/core/job';
import { effectiveLimit, hasSlot, isClaimedBefore, limitGroupOf, reopensAt } from '@ojs-ts/core/lifecycle';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readTexts } from '../../../src/storage/cells.ts';
import { readTies } from '../../../src/storage/sqlite/row.ts';
import { segmentOf } from '../../../src/storage/sqlite/segments.ts';
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite.ts';
import { checkProperty } from '../../support/property.ts';
import { script } from '../model.ts';
import { pagesThroughJson, recordsOf } from '../suite/dump.ts';
import { t0 } from '../suite/tools.ts';
import { temporaryDirectory } from './temporary.ts';

type Row = Readonly<Record<string, string | number | null>>;

interface LimitGroup {
  readonly ready_queue: number;
  readonly queue: string;
  readonly keys: string;
  readonly priority: number;
  readonly place: number;
}

test('limit groups, rate timers, limits, segments and workflow counts follow from the rows of jobs and nodes, also after a restore', async () => {
  const path = join(temporaryDirectory(), 'jobs.db');
  await using storage = sqliteStorage({ path, synchronous: 'OFF' });
  await storage.migrate();
  const file = new DatabaseSync(path, { readOnly: true });
  const rows = (sql: string) => file.prepare(sql).all() as Row[];
  const otherPath = join(temporaryDirectory(), 'restored.db');
  await using restored = sqliteStorage({ path: otherPath, synchronous: 'OFF' });
  await restored.migrate();
  const other = new DatabaseSync(otherPath, { readOnly: true });
  let runs = 0;
  const property = fc.asyncProperty(script, async (turns) => {
    runs += 1;
    await storage.clear();
    let now = t0;
    for (const { passes, steps } of turns) {
      now += passes;
      await Promise.all(steps.map(({ call }) => call(storage, now)));
    }
    checkAll(rows, now);
    await restored.clear();
    await restored.backup.restore(pagesThroughJson(await recordsOf(storage)));
    checkAll((sql) => other.prepare(sql).all() as Row[], now);
  });
  await checkProperty(property, { atLeast: 31, atMost: 300, ms: 10_000 });
  expect(runs).toBeGreaterThan(30);
  file.close();
  other.close();
});

function checkAll(rows: (sql: string) => Row[], now: number): void {
  checkLimitGroups(rows);
  checkLimits(rows);
  checkSegments(rows);
  checkOpenGroups(rows, now);
  checkWorkflows(rows);
}

function keysOf({ ties }: Row): readonly string[] {
  const { limits } = readTies(ties);
  return limits === null ? [] : limitGroupOf(readTexts(limits));
}

/**
 * A limit group for every set of keys with an available job, with its first job; other jobs wait in their queue's own
 * ready queue.
 */
function checkLimitGroups(rows: (sql: string) => Row[]): void {
  const readyQueues = new Map(
    rows('SELECT name, ready_queue FROM ojs_queues').map((row) => [row.name, row.ready_queue]),
  );
  const heads = new Map<string, LimitGroup>();
  for (const row of rows(
    `SELECT queue, ready_queue, priority, place, ties FROM ojs_jobs WHERE state = ${State.available}`,
  )) {
    const keys = keysOf(row);
    const group = {
      queue: String(row.queue),
      ready_queue: Number(row.ready_queue),
      priority: Number(row.priority),
      place: Number(row.place),
      keys: JSON.stringify(keys),
    };
    const name = `${group.queue} ${group.keys}`;
    const head = heads.get(name);
    if (keys.length === 0) expect(group.ready_queue).toBe(readyQueues.get(group.queue));
    else if (!head || isClaimedBefore(group, head)) heads.set(name, group);
    if (head) expect(group.ready_queue).toBe(head.ready_queue);
  }
  const byReadyQueue = (a: Row | LimitGroup, b: Row | LimitGroup) => Number(a.ready_queue) - Number(b.ready_queue);
  const groups = rows('SELECT ready_queue, queue, keys, priority, place FROM ojs_limit_groups');
  expect(groups.sort(byReadyQueue)).toEqual(
    [...heads.values()]
      .sort(byReadyQueue)
      .map(({ ready_queue, queue, keys, priority, place }) => ({ ready_queue, queue, keys, priority, place })),
  );
  const members = [...heads.values()].flatMap(({ ready_queue, queue, keys }) =>
    readTexts(keys).map((key) => `${key} ${queue} ${ready_queue}`),
  );
  expect(
    rows('SELECT key, queue, ready_queue FROM ojs_limit_group_keys')
      .map(({ key, queue, ready_queue }) => `${key} ${queue} ${ready_queue}`)
      .sort(),
  ).toEqual(members.sort());
}

/** The segment of a job names its queue and type. */
function checkSegments(rows: (sql: string) => Row[]): void {
  const names = new Map(rows('SELECT segment, names FROM ojs_segments').map((row) => [row.segment, String(row.names)]));
  for (const { number, queue, type } of rows('SELECT number, queue, type FROM ojs_jobs')) {
    const lines = names.get(segmentOf(Number(number)))?.split('\n');
    expect(lines).toContain(`q:${queue}`);
    expect(lines).toContain(`t:${type}`);
  }
}

function checkLimits(rows: (sql: string) => Row[]): void {
  const active = new Map<string, number>();
  const waiting = new Map<string, number>();
  for (const row of rows(`SELECT state, ties FROM ojs_jobs WHERE state IN (${State.available}, ${State.active})`)) {
    const counts = row.state === State.active ? active : waiting;
    for (const key of keysOf(row)) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  for (const { key, active: busy, waiting: queued } of rows('SELECT key, active, waiting FROM ojs_limits')) {
    expect([key, busy, queued]).toEqual([key, active.get(String(key)) ?? 0, waiting.get(String(key)) ?? 0]);
    active.delete(String(key));
    waiting.delete(String(key));
  }
  expect([active.size, waiting.size], 'every key that is named has a row').toEqual([0, 0]);
}

/**
 * While a key is open, the best group assigned to it is open too, or a due timer will open it. A rate that holds jobs
 * back has a timer.
 */
function checkOpenGroups(rows: (sql: string) => Row[], now: number): void {
  const limits = new Map(rows('SELECT * FROM ojs_limits').map((row) => [row.key, row]));
  const timers = new Map(
    rows('SELECT * FROM ojs_rate_timers').map(({ key, queue, at }) => [`${key} ${queue}`, Number(at)]),
  );
  const starts = Map.groupBy(rows('SELECT * FROM ojs_starts'), ({ key }) => key);
  const reopens = (key: string) => {
    const kept = new Map(starts.get(key)?.map(({ number, at }) => [number, Number(at)]));
    const started = Number(limits.get(key)?.started);
    return reopensAt(numbersOf(limits.get(key)), (n) => kept.get(started - n + 1), now);
  };
  const held = new Set<string>();
  for (const { key, queue } of rows('SELECT key, queue FROM ojs_limit_group_keys')) {
    const at = reopens(String(key));
    if (at === null) continue;
    held.add(`${key} ${queue}`);
    expect(timers.get(`${key} ${queue}`), 'the timer of a key that a rate has closed').toBe(at);
  }
  for (const [name, at] of timers)
    if (!held.has(name)) expect(at, 'a timer that holds nothing back is due').toBeLessThanOrEqual(now);
  for (const group of rows('SELECT * FROM ojs_limit_groups WHERE open = 0')) {
    const key = String(group.assigned_key);
    const isOpen = hasSlot(numbersOf(limits.get(key)), Number(limits.get(key)?.active)) && reopens(key) === null;
    if (!isOpen || (timers.get(`${key} ${group.queue}`) ?? Number.POSITIVE_INFINITY) <= now) continue;
    const open = rows('SELECT * FROM ojs_limit_groups WHERE open = 1').filter(
      (other) => other.assigned_key === key && other.queue === group.queue,
    );
    expect(
      open.some((other) => isClaimedBefore(headOf(other), headOf(group))),
      `an open group before group ${group.keys}`,
    ).toBe(true);
  }
}

function headOf({ priority, place }: Row) {
  return { priority: Number(priority), place: Number(place) };
}

function numbersOf(row: Row | undefined): LimitNumbers {
  const override = row?.override ? JSON.parse(String(row.override)) : null;
  return effectiveLimit({ own: JSON.parse(String(row?.own)), override });
}

function checkWorkflows(rows: (sql: string) => Row[]): void {
  for (const { id, ready, counted } of rows(`SELECT id, ready,
    (SELECT count(*) FROM ojs_nodes WHERE number BETWEEN first_node AND last_node AND state = 'waiting' AND open = 0) AS counted FROM ojs_workflows`)) {
    expect(ready, `ready nodes of ${id}`).toBe(counted);
  }
  const counted = rows('SELECT state, count(*) AS count FROM ojs_workflows GROUP BY state ORDER BY state');
  expect(rows('SELECT state, count FROM ojs_workflow_counts WHERE count <> 0 ORDER BY state')).toEqual(counted);
}
