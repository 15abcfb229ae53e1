import { queueLimitKey } from '@ojs-ts/core/job';
import type { SlotHolder, WorkerHealth } from '@ojs-ts/core/lifecycle';
import type { Server } from '../../connection/server.ts';
import { age, type Item, part, text } from '../../output/cells.ts';
import { plain } from '../../output/plain.ts';
import { table, view } from '../../output/table.ts';
import { pages } from '../list.ts';

/** With what tables show of the job. */
export type Holder = SlotHolder & { readonly type: string; readonly started_at: string };

/** Jobs that are looked at: a limit has a few slots. */
const most = 1_000;
const health: Readonly<Record<string, WorkerHealth>> = { ok: 'alive', unhealthy: 'dead', unknown: 'silent' };

/** The active jobs that count under the key, newest first, at most 1,000. */
export async function holdersOf(server: Server, key: string): Promise<readonly Holder[]> {
  const prefix = queueLimitKey('');
  const query = key.startsWith(prefix) ? { queue: key.slice(prefix.length) } : { q: `limit:${JSON.stringify(key)}` };
  const jobs: Item[] = [];
  for await (const { items } of pages(server, 'job.list', 'jobs', { ...query, state: 'active' }, most))
    jobs.push(...items.map((item): Item => JSON.parse(item)));
  const workers = new Map<string, WorkerHealth>();
  for (const id of new Set(jobs.map(workerOf))) workers.set(id, await healthOf(server, id));
  return jobs.map((job) => ({
    id: text(job, 'id'),
    type: text(job, 'type'),
    worker_id: workerOf(job),
    started_at: text(job, 'started_at'),
    worker: workers.get(workerOf(job)) ?? 'unknown',
  }));
}

function workerOf({ worker_id }: Item): string {
  return typeof worker_id === 'string' ? worker_id : '';
}

async function healthOf(server: Server, id: string): Promise<WorkerHealth> {
  if (id === '') return 'unknown';
  const call = { operation: 'worker.health', params: { id } } as const;
  const answer = await server.ask(call, { status: 503, member: 'status' }, { status: 404, member: 'error' });
  const { status }: Item = JSON.parse(answer.text);
  return answer.status === 404 ? 'unknown' : (health[String(status)] ?? 'unknown');
}

const columns = view`JOB: id | TYPE | RUNS FOR>: ${age} started_at | WORKER: worker_id | WHICH IS: worker`;

export function holderTable(holders: readonly Holder[]): string {
  return table(
    columns,
    holders.map((holder) => ({ ...holder })),
  );
}

/** Describes the reason why the limit blocks jobs, in one line; empty if nothing waits. */
export function verdictOf(key: string, limit: Item, holders: readonly Holder[]): string {
  if (limit.waiting_count === 0) return '';
  const name = plain(key);
  const most = part(limit, 'concurrency').limit;
  if (most === 0) return `No job may start: ojs limits restore ${name}, or ojs limits override ${name} --concurrency N`;
  if (typeof most !== 'number' || holders.length < most) return '';
  const stuck = holders.filter(({ worker }) => worker !== 'alive').length;
  return stuck === 0
    ? 'All slots are held by workers that live.'
    : `${stuck} of ${holders.length} slots are held for workers that are not known to live: ojs limits free ${name}`;
}
