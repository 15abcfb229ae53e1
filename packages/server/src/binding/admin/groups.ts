import { type Json, select } from '@ojs-ts/core/job';
import { describePlan, JobGroups, parsePlace } from '@ojs-ts/core/query';
import { type JobList, readJobList, readPage, wrongValue } from '@ojs-ts/core/requests';
import { readQuery } from '@ojs-ts/core/schemas';
import type { Parts } from '../../engine/engine.ts';
import { turn } from '../../engine/page-size.ts';
import { type BindingRequest, callerName } from '../handler.ts';
import { held, longestSearch, mostScanned, waitForRoom } from '../pieces.ts';
import { ok, type Reply } from '../reply.ts';

type Engine = Parts<'answers' | 'clock' | 'memory' | 'queues' | 'searches' | 'storage'>;

/** Jobs of one read, which are counted in one go. */
const part = 500;
const partBytes = 1_048_576;
const maxLimit = 10_000;

/**
 * GET /admin/jobs/groups?by&q&…: how many jobs have each value of a field, the most first. One call reads as many jobs
 * as a search does; the next one continues after its cursor, with counts of its own.
 */
export async function groupJobs(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { query, access } = request;
  const now = engine.clock.now();
  const list = readJobList({ ...query, limit: undefined }, now);
  const queue = query.queue ?? list.filter.queue;
  access?.chosen(queue === undefined ? [] : [queue]);
  const { by } = readQuery('admin.jobGroups', query, now);
  if (by === undefined) throw wrongValue('query.by', 'is required');
  const groups = new JobGroups(parsePlace(by), now);
  const { limit, cursor } = readPage(query, 100, maxLimit);
  const caller = callerName(request);
  const { scanned, next } = await engine.searches.open(caller, async () => {
    await waitForRoom(engine);
    return engine.searches.turn(caller, () => scan(engine, list, cursor, groups));
  });
  const { groups: largest, others } = groups.largest(limit);
  const { plan } = list;
  const end = JSON.stringify({
    group_count: groups.size,
    others,
    without_value: groups.without,
    matched: groups.jobs,
    is_lower_bound: cursor !== null || next !== null,
    search: { scanned, complete: next === null, ...(plan !== null && { plan: describePlan(plan) }) },
    pagination: { limit, has_more: next !== null, ...(next !== null && { next_cursor: next }) },
  });
  const texts: Json[] = largest.map(
    ({ value, digest, count }) =>
      `{"value":${value},"count":${count}${digest === null ? '' : `,"digest":"${digest}"`}}`,
  );
  const text = `{"by":${JSON.stringify(by)},"groups":[${texts.join(',')}],${end.slice(1)}`;
  return { ...ok(text), ...held(engine, text.length) };
}

/** Counts the jobs behind the cursor, and lets other requests have their turn between two reads. */
async function scan(
  { storage }: Engine,
  { filter }: JobList,
  cursor: string | null,
  groups: JobGroups,
): Promise<{ readonly scanned: number; readonly next: string | null }> {
  const end = performance.now() + longestSearch;
  const isOver = () => performance.now() >= end;
  let after = cursor;
  let scanned = 0;
  for (;;) {
    const maxSeen = mostScanned - scanned;
    const at = { after, limit: Math.min(part, maxSeen), maxBytes: partBytes, maxSeen, isOver, pause: turn };
    const { jobs, next, seen } = await select(storage, filter, at);
    for (const job of jobs) groups.add(job);
    scanned += seen;
    after = next;
    if (next === null || scanned >= mostScanned || isOver()) return { scanned, next };
    await turn();
  }
}
