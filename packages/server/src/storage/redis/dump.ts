import { hasSteps, jobOfSteps, kindsOfSteps } from '@ojs-ts/core/durable';
import { pagesOf, startsOf } from '../dump.ts';
import type { DumpRecord, NodeRecord, WorkflowRecord } from '../storage.ts';
import type { Packed } from './connection/msgpack.ts';
import { listOf, number, numberOrNull, text } from './connection/packed.ts';
import type { Scripts } from './connection/scripts.ts';
import { eventLog } from './event-log.ts';
import { queues } from './queues.ts';
import { records } from './records.ts';
import { readClaims, readJob, readNumbers } from './rows.ts';
import { statistics } from './statistics.ts';
import { workers } from './workers.ts';
import { readNode, readWorkflow } from './workflow-rows.ts';

const jobsAtOnce = 100;

/**
 * Every record of the namespace, a script at a time, each as it is then. One script reads a workflow with its jobs,
 * since either says little without the other. Records made after the start are left out. The ids of all jobs are in
 * memory during the dump: SCAN may answer one twice.
 */
export async function* dump(scripts: Scripts): AsyncIterable<readonly DumpRecord[]> {
  const [leaseKey, ...numbers] = listOf(await scripts.exchange('dump_store', null));
  const [seed = 0, position = 0, lastStart = 0, lastJob, lastFlow] = numbers.map(number);
  yield [{ kind: 'store', record: { seed, leaseKey: text(leaseKey), position, lastStart } }];
  for (const { name, createdAt, paused, capacity, config, version } of await queues(scripts).queues()) {
    yield [{ kind: 'queue', record: { name, createdAt, paused, capacity, config, version } }];
  }
  yield* limits(scripts);
  const { flows, kinds } = await scan(scripts);
  const ids = await jobIds(scripts);
  const marked: string[] = [];
  const noted = (jobs: readonly JobDump[]) => {
    for (const { record } of jobs) if (hasSteps(record.job)) marked.push(record.job.id);
    return jobs;
  };
  for (const flow of flows) {
    const found = await scripts.exchange('dump_jobs', { flow });
    if (found === false) continue;
    const [record, created, nodes, jobs, ready] = listOf(found);
    if (number(created) > (lastFlow ?? 0)) continue;
    const workflow = readWorkflow(flow, replyOf(record));
    const records: DumpRecord[] = [{ kind: 'workflow', record: { number: number(created), workflow } }];
    for (const node of nodesOf(flow, nodes, ready, workflow)) records.push({ kind: 'node', record: node });
    const held = noted(listOf(jobs).map(job));
    for (const { record } of held) ids.delete(record.job.id);
    yield* pagesOf([...records, ...held]);
  }
  let some: string[] = [];
  for (const id of ids) {
    if (some.push(id) < jobsAtOnce) continue;
    yield noted(await jobsOf(scripts, some, lastJob ?? 0));
    some = [];
  }
  yield noted(await jobsOf(scripts, some, lastJob ?? 0));
  const ofSteps = marked.flatMap(kindsOfSteps);
  for (const kind of [...kinds, ...ofSteps]) yield* recordsOf(scripts, kind);
  yield (await statistics(scripts).statistics(0)).map((record) => ({ kind: 'minute', record }));
  yield (await workers(scripts).workers()).map((record) => ({ kind: 'worker', record }));
  yield* requests(scripts);
  yield* events(scripts);
}

async function jobIds(scripts: Scripts): Promise<Set<string>> {
  const ids = new Set<string>();
  for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
    const [next, found] = listOf(await scripts.exchange('dump_ids', cursor));
    cursor = text(next);
    for (const id of listOf(found)) ids.add(text(id));
  }
  return ids;
}

/**
 * The names of workflows and kinds of records: what has a key of its own. Rows of steps are dumped with the jobs that
 * the dump has.
 */
async function scan(scripts: Scripts): Promise<{ flows: Set<string>; kinds: Set<string> }> {
  const [flows, kinds] = [new Set<string>(), new Set<string>()];
  for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
    const [next, names] = listOf(await scripts.exchange('dump_scan', cursor));
    cursor = text(next);
    for (const name of listOf(names).map(text)) {
      const [, kind] = /^records:(.*)$/s.exec(name) ?? [];
      if (name.startsWith('f:')) flows.add(name.slice(2));
      else if (kind !== undefined && jobOfSteps({ kind }) === null) kinds.add(kind);
    }
  }
  return { flows, kinds };
}

async function* limits(scripts: Scripts): AsyncIterable<readonly DumpRecord[]> {
  for (let after: string | undefined; ; ) {
    const rows = listOf(await scripts.exchange('dump_limits', { after, limit: jobsAtOnce }));
    if (rows.length === 0) return;
    for (const row of rows) {
      const [name, own, override, usedAt, starts] = listOf(row);
      const key = text(name);
      const numbers = { own: readNumbers(own), override: override === false ? null : readNumbers(override) };
      yield [{ kind: 'limit', record: { key, ...numbers, usedAt: number(usedAt) } }];
      yield startsOf(key, listOf(starts).map(Number));
      after = key;
    }
  }
}

async function jobsOf(scripts: Scripts, ids: readonly string[], last: number): Promise<readonly JobDump[]> {
  if (ids.length === 0) return [];
  const found = listOf(await scripts.exchange('dump_jobs', { ids })).map(job);
  return found.filter(({ record }) => record.number <= last);
}

type JobDump = DumpRecord & { readonly kind: 'job' };

function job(packed: Packed): JobDump {
  const [record, created, place] = listOf(packed);
  return { kind: 'job', record: { number: number(created), place: numberOrNull(place), job: readJob(record) } };
}

/** @param packed fields and values as lua/lib/workflows.lua keeps them. */
function nodesOf(
  flow: string,
  packed: Packed | undefined,
  ready: Packed | undefined,
  { state, finishedAt }: WorkflowRecord,
): readonly NodeRecord[] {
  const readyOnes = new Set(listOf(ready).map(text));
  const cells = listOf(packed).map(text);
  const fields = new Map(cells.flatMap((cell, at) => (at % 2 === 0 ? [[cell, cells[at + 1] ?? ''] as const] : [])));
  const indexes = [...fields.keys()].filter((name) => /^\d+$/.test(name)).map(Number);
  return indexes
    .sort((a, b) => a - b)
    .map((index) => {
      const own = ['s', 'o', 'f', 'e'].map((letter) => fields.get(`${letter}${index}`) ?? null);
      const isReady = readyOnes.has(String(index)) ? 1 : 0;
      return readNode(flow, [index, fields.get(String(index)) ?? null, ...own, isReady, state, finishedAt]);
    });
}

async function* recordsOf(scripts: Scripts, kind: string): AsyncIterable<readonly DumpRecord[]> {
  for (let from: string | undefined; ; ) {
    const page = await records(scripts).scan(kind, { ...(from !== undefined && { from }), limit: jobsAtOnce });
    const last = page.at(-1);
    if (last === undefined) return;
    yield page.map((record) => ({ kind: 'record', record }));
    from = last.key;
  }
}

async function* requests(scripts: Scripts): AsyncIterable<readonly DumpRecord[]> {
  const seen = new Set<string>();
  for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
    const [next, found] = listOf(await scripts.exchange('dump_requests', cursor));
    cursor = text(next);
    const records: DumpRecord[] = [];
    for (const one of listOf(found)) {
      const [name, at, claims] = listOf(one);
      const key = text(name);
      if (seen.has(key)) continue;
      seen.add(key);
      records.push({ kind: 'request', record: { key, at: number(at), claims: readClaims(claims) } });
    }
    yield records;
  }
}

async function* events(scripts: Scripts): AsyncIterable<readonly DumpRecord[]> {
  const { newest } = await eventLog(scripts).events(0, 0);
  for (let after = 0; after < newest; ) {
    const { batches } = await eventLog(scripts).events(after, 1000);
    const last = batches.at(-1);
    if (!last) return;
    yield batches.map((record) => ({ kind: 'events', record }));
    after = last.position + last.count - 1;
  }
}

/** As an operation without a parameter answers. */
function replyOf(packed: Packed | undefined): Packed {
  if (packed === undefined || packed === false) return null;
  if (Array.isArray(packed)) return packed.map(replyOf);
  if (typeof packed === 'string' || typeof packed === 'number' || packed === null) return packed;
  throw new TypeError('Redis: a script answered a value that is no text.');
}
