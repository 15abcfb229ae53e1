import { type Call, isObject, type Json, members, type OperationName, uuidv7 } from '@ojs-ts/core';
import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import type { Server, ServerFlags } from '../../connection/server.ts';
import { type Item, list, text } from '../../output/cells.ts';
import { type ConfirmFlags, confirmed, takesConfirm } from '../../output/confirm.ts';
import { type FormatFlags, takesJson } from '../../output/format.ts';
import { serverCommand } from '../command.ts';
import { type FilterFlags, filterOf, queryOf, takesFilter, takesSubject } from './filter.ts';

/** A change of many jobs. */
export interface Change {
  readonly name: string;
  readonly description: string;
  readonly operation: Extract<
    OperationName,
    'bulk.cancel' | 'bulk.retry' | 'bulk.delete' | 'deadLetter.retryMany' | 'deadLetter.purge'
  >;
  /** The member of a request that has ids; absent where only a filter can name jobs. */
  readonly ids?: 'job_ids' | 'ids';
  /** Counts what matches. */
  readonly list: Extract<OperationName, 'job.list' | 'deadLetter.list'>;
  /** The states that it applies to where the user names none; absent where the list has one state only. */
  readonly states?: readonly [string, ...string[]];
  readonly done: 'retried' | 'cancelled' | 'deleted';
}

type ChangeFlags = ServerFlags & FilterFlags & ConfirmFlags & FormatFlags & { readonly dryRun?: true };

/** A command that changes jobs by id, or all that match a filter. */
export function bulkCommand(change: Change): Command {
  const command = serverCommand<ChangeFlags>(change.name, change.description, async (server, flags, ...ids) => {
    const targets = ids.length > 0 ? await named(change, ids, flags) : await matching(server, change, flags);
    if (targets === null) return;
    const progress: Progress = { left: targets.total, succeeded: 0, failed: 0, errors: [] };
    try {
      while (await once(server, change, targets.body, progress));
    } catch (error) {
      if (progress.succeeded > 0) report(change, progress, flags);
      throw error;
    }
    report(change, progress, flags);
  });
  if (change.ids !== undefined) command.argument('[id...]', 'ids of jobs; without them a filter says which');
  const filtered = change.states === undefined ? takesSubject(command, 'discarded') : takesFilter(command);
  return takesJson(takesConfirm(filtered)).option('--dry-run', 'only count what the filter matches');
}

interface Targets {
  readonly total: number;
  /** The members of a request that say which jobs. */
  readonly body: Readonly<Record<string, unknown>>;
}

async function named(change: Change, ids: readonly string[], flags: ChangeFlags): Promise<Targets> {
  if (Object.keys(queryOf(flags)).length > 0) throw new Failure('usage', 'Expected ids or a filter, got both.');
  if (flags.dryRun) throw new Failure('usage', 'Expected a filter with --dry-run, got ids.');
  if (change.done === 'deleted') await confirmed(question(change, ids.length), flags);
  return { total: ids.length, body: { [change.ids ?? 'ids']: ids } };
}

/**
 * Counted first: the user sees how many jobs it is about. A job that is run again and fails at once must not be taken a
 * second time, so the filter ends at this moment, by the clock of the server.
 */
async function matching(server: Server, change: Change, flags: ChangeFlags): Promise<Targets | null> {
  if (Object.keys(queryOf(flags)).length === 0)
    throw new Failure('usage', 'Expected ids of jobs or a filter, such as --queue mail or --since 7d.');
  const filter = filterOf(flags);
  const states = flags.state ?? change.states ?? [];
  const query = { ...filter, ...(states.length > 0 && { state: states.join(',') }) };
  const { total, at } = await countOf(server, change.list, query);
  if (flags.dryRun || total === 0) return counted(total, flags);
  await confirmed(question(change, total), flags);
  const bound = change.done !== 'retried' ? {} : change.list === 'job.list' ? { enqueued_before: at } : { until: at };
  return { total, body: { filter: { ...bound, ...filter, ...(states.length > 0 && { states }) } } };
}

function question({ name }: Change, total: number): string {
  return `Shall I ${name} ${jobs(total)}?`;
}

function counted(total: number, { json }: FormatFlags): null {
  if (json) console.log(JSON.stringify({ matched: total }));
  else console.log(total === 0 ? 'No job matches.' : `${jobs(total)} would be changed.`);
  return null;
}

/** A total that the server does not keep is counted page by page. */
async function countOf(
  server: Server,
  operation: Change['list'],
  query: Call['query'],
): Promise<{ readonly total: number; readonly at: string }> {
  const first = await server.ask({ operation, query: { ...query, limit: 1 } });
  // The header has whole seconds.
  const at = new Date(Date.parse(first.headers.date ?? new Date().toUTCString()) + 1_000).toISOString();
  const kept = paginationOf(first.text);
  if (kept.total_exact !== false && typeof kept.total === 'number') return { total: kept.total, at };
  let total = 0;
  for (let cursor: string | undefined, more = true; more; ) {
    const { count, next_cursor } = paginationOf(
      (await server.ask({ operation, query: { ...query, limit: 200, cursor } })).text,
    );
    total += typeof count === 'number' ? count : 0;
    cursor = typeof next_cursor === 'string' ? next_cursor : undefined;
    more = cursor !== undefined;
  }
  return { total, at };
}

function paginationOf(answer: Json): Item {
  return JSON.parse(members(answer).get('pagination') ?? '{}');
}

interface Progress {
  /** Of the jobs that were counted. */
  left: number;
  succeeded: number;
  failed: number;
  /** The first of those that stayed as they were; a server names a hundred a call. */
  readonly errors: { readonly job_id: string; readonly error: string }[];
}

/** One call; true while counted jobs are left. A job that stays matches again, so a call without a success is the last. */
async function once(
  server: Server,
  { operation }: Change,
  targets: Targets['body'],
  progress: Progress,
): Promise<boolean> {
  const body: Json = JSON.stringify({ ...targets, confirm: true });
  const accepted = { status: 422, member: 'succeeded' };
  const { text: answer } = await server.ask({ operation, body, idempotencyKey: uuidv7() }, accepted);
  const result: Item = JSON.parse(answer);
  const [succeeded, failed] = [numberIn(result, 'succeeded'), numberIn(result, 'failed')];
  progress.left -= succeeded;
  progress.succeeded += succeeded;
  progress.failed = failed;
  progress.errors.splice(0, Number.POSITIVE_INFINITY, ...list(result, 'errors').filter(isObject).map(errorOf));
  const isMore = result.has_more === true && succeeded > 0 && progress.left > 0;
  if (process.stderr.isTTY && isMore) process.stderr.write(`\r${jobs(progress.succeeded)}… `);
  return isMore;
}

function errorOf(error: Item): Progress['errors'][number] {
  return { job_id: text(error, 'job_id'), error: text(error, 'error') };
}

function numberIn(item: Item, name: string): number {
  const value = item[name];
  return typeof value === 'number' ? value : 0;
}

function report({ done }: Change, { succeeded, failed, errors }: Progress, { json }: FormatFlags): void {
  if (json) console.log(JSON.stringify({ [done]: succeeded, failed, errors }));
  else {
    console.log(`${jobs(succeeded)} ${done}.`);
    if (failed > 0) console.error(`${jobs(failed)} stayed as before:`);
    for (const { job_id, error } of errors) console.error(`${job_id}: ${error}`);
    if (failed > errors.length) console.error(`and ${jobs(failed - errors.length)} more.`);
  }
  if (failed > 0) process.exitCode = 1;
}

function jobs(count: number): string {
  return count === 1 ? '1 job' : `${count.toLocaleString('en-US')} jobs`;
}
