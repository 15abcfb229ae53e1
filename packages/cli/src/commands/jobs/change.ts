import { type Call, isObject, type Json, type OperationName, uuidv7 } from '@ojs-ts/core';
import type { Command } from 'commander';
import { Failure } from '../../connection/failure.ts';
import type { Server, ServerFlags } from '../../connection/server.ts';
import { type Item, list, text } from '../../output/cells.ts';
import { type ConfirmFlags, confirmed, takesConfirm } from '../../output/confirm.ts';
import { type FormatFlags, takesJson } from '../../output/format.ts';
import { asking } from '../command.ts';
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
export function changing(change: Change): Command {
  const command = asking<ChangeFlags>(change.name, change.description, async (server, flags, ...ids) => {
    const targets = ids.length > 0 ? await listed(change, ids, flags) : await matching(server, change, flags);
    if (targets === null) return;
    const sums: Sums = { succeeded: 0, errors: new Map() };
    for (let more = true; more; ) more = await once(server, change, targets, sums);
    report(change, sums, flags);
  });
  if (change.ids !== undefined) command.argument('[id...]', 'ids of jobs; without them a filter says which');
  const filtered = change.states === undefined ? takesSubject(command, 'discarded') : takesFilter(command);
  return takesJson(takesConfirm(filtered)).option('--dry-run', 'only count the jobs');
}

/** The members of a request that say which jobs. */
type Targets = Readonly<Record<string, unknown>>;

async function listed(change: Change, ids: readonly string[], flags: ChangeFlags): Promise<Targets | null> {
  if (change.ids === undefined) throw new Failure('usage', 'Expected a filter, got an argument.');
  if (Object.keys(queryOf(flags)).length > 0) throw new Failure('usage', 'Expected ids or a filter, got both.');
  if (flags.dryRun) return counted(ids.length);
  if (change.done === 'deleted') await confirmed(question(change, ids.length), flags);
  return { [change.ids]: ids };
}

/** Counted first: the user sees how many jobs it is about. */
async function matching(server: Server, change: Change, flags: ChangeFlags): Promise<Targets | null> {
  const { states = [] } = change;
  const filter = filterOf(flags);
  const chosen = flags.state ?? states;
  if (Object.keys(queryOf(flags)).length === 0)
    throw new Failure('usage', 'Expected ids of jobs or a filter, such as --queue mail or --since 7d.');
  const total = await countOf(server, change.list, {
    ...filter,
    ...(chosen.length > 0 && { state: chosen.join(',') }),
  });
  if (flags.dryRun || total === 0) return counted(total);
  await confirmed(question(change, total), flags);
  return { filter: { ...filter, ...(chosen.length > 0 && { states: chosen }) } };
}

function question({ name }: Change, total: number): string {
  return `Shall I ${name} ${jobs(total)}?`;
}

function counted(total: number): null {
  console.log(total === 0 ? 'No job matches.' : `${jobs(total)} would be changed.`);
  return null;
}

/** A total that the server does not keep is counted page by page. */
async function countOf(server: Server, operation: Change['list'], query: Call['query']): Promise<number> {
  let total = 0;
  let cursor: string | undefined;
  do {
    const page = await server.askFor({ operation, query: { ...query, limit: 1_000, cursor } });
    const { total_exact, next_cursor, count, ...pagination }: Item = JSON.parse(page.get('pagination') ?? '{}');
    if (total_exact !== false && cursor === undefined && typeof pagination.total === 'number') return pagination.total;
    total += typeof count === 'number' ? count : 0;
    cursor = typeof next_cursor === 'string' ? next_cursor : undefined;
  } while (cursor !== undefined);
  return total;
}

interface Sums {
  succeeded: number;
  /** What the jobs said that stayed as they were, by id. */
  readonly errors: Map<string, string>;
}

/** One call; true while more jobs may match. A job that stays matches again, so a call without a success is the last. */
async function once(server: Server, { operation }: Change, targets: Targets, sums: Sums): Promise<boolean> {
  const body: Json = JSON.stringify({ ...targets, confirm: true });
  const { text: answer } = await server.ask({ operation, body, idempotencyKey: uuidv7() }, [422]);
  const result: Item = JSON.parse(answer);
  const succeeded = typeof result.succeeded === 'number' ? result.succeeded : 0;
  const isMore = result.has_more === true && succeeded > 0;
  sums.succeeded += succeeded;
  for (const error of list(result, 'errors')) {
    if (isObject(error)) sums.errors.set(text(error, 'job_id'), text(error, 'error'));
  }
  if (process.stderr.isTTY && isMore) process.stderr.write(`\r${jobs(sums.succeeded)}… `);
  return isMore;
}

function report({ done }: Change, { succeeded, errors }: Sums, { json }: FormatFlags): void {
  const failed = [...errors].map(([job_id, error]) => ({ job_id, error }));
  if (json) console.log(JSON.stringify({ [done]: succeeded, errors: failed }));
  else {
    console.log(`${jobs(succeeded)} ${done}.`);
    for (const { job_id, error } of failed) console.error(`${job_id}: ${error}`);
  }
  if (failed.length > 0) process.exitCode = 1;
}

function jobs(count: number): string {
  return count === 1 ? '1 job' : `${count.toLocaleString('en-US')} jobs`;
}
