import { queueLimitKey } from '@ojs-ts/core/job';
import { type FreeingPlan, planFreeing, type SlotHolder, type WorkerHealth } from '@ojs-ts/core/lifecycle';
import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import type { Server } from '../../connection/server.ts';
import { age, counted, type Item, part, text } from '../../output/cells.ts';
import { confirmed } from '../../output/confirm.ts';
import type { FormatFlags } from '../../output/format.ts';
import { oneLine, plain } from '../../output/plain.ts';
import { table, view } from '../../output/table.ts';
import { type Args, serverCommand } from '../command.ts';
import { on } from '../flags.ts';
import { pages } from '../list.ts';

/** With what tables show of the job. */
type Holder = SlotHolder & { readonly type: string; readonly started_at: string };

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
    ? 'Live workers hold all slots.'
    : `${stuck} of ${holders.length} slots belong to workers that may be dead: ojs limits free ${name}`;
}

const force = 'also free slots of workers that may be alive: silent workers are removed, jobs of others are cancelled';

/** `ojs limits free`: gives back the slots of workers that are gone. */
export function freeCommand(args: Args): Command {
  const about =
    'free the slots that dead workers hold: the workers are removed, and their jobs run again as after a crash';
  const takes = { args, flags: { force: on('--force', force) }, also: ['yes', 'json'] as const };
  return serverCommand('free', about, takes, async (server, values, key = '') => {
    await server.ask({ operation: 'limit.get', params: { key } });
    const all = await holdersOf(server, key);
    const holders = all.filter(({ worker }) => values.force || worker === 'dead');
    if (holders.length === 0) return report(values, { removed: [], cancelled: [] }, nothing(key, all));
    const plan = planFreeing(holders, true);
    if (!values.json) console.log(`${holderTable(holders)}\n`);
    await confirmed(question(plan), values);
    await free(server, plan);
    const slots = `${counted(holders.length, 'slot')} of ${plain(key)}`;
    report(values, plan, `${slots} ${holders.length === 1 ? 'is' : 'are'} free.`);
  });
}

function question({ removed, cancelled }: FreeingPlan): string {
  const parts = [
    ...(removed.length === 0 ? [] : [`remove ${counted(removed.length, 'worker')}, so that all their jobs run again`]),
    ...(cancelled.length === 0 ? [] : [`cancel ${counted(cancelled.length, 'job')}`]),
  ];
  return `Shall I ${parts.join(', and ')}?`;
}

async function free(server: Server, { removed, cancelled }: FreeingPlan): Promise<void> {
  for (const id of removed) {
    const call = { operation: 'worker.remove', params: { id }, query: { force: 'true' } } as const;
    // Upkeep may have been faster.
    await server.change(call, { status: 404, member: 'error' });
  }
  if (cancelled.length === 0) return;
  const body = JSON.stringify({ job_ids: cancelled, confirm: true });
  const accepted = { status: 422, member: 'succeeded' };
  const { text } = await server.change({ operation: 'bulk.cancel', body }, accepted);
  const { failed } = JSON.parse(text);
  if (failed > 0) throw new Failure('failed', `${counted(failed, 'job')} had ended or could not be cancelled.`);
}

function nothing(key: string, holders: readonly Holder[]): string {
  if (holders.length === 0) return `No job holds a slot of ${plain(key)}.`;
  return (
    `${holderTable(holders)}\n\nNone of these workers is dead, so nothing was changed. ` +
    '--force frees the slots anyway.'
  );
}

function report({ json }: FormatFlags, plan: FreeingPlan, said: string): void {
  console.log(json ? oneLine(JSON.stringify(plan)) : said);
}
