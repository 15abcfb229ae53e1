import { uuidv7 } from '@ojs-ts/core';
import type { BulkAction } from '@ojs-ts/core/bulk';
import type { Json } from '@ojs-ts/core/job';
import type { OperationName } from '@ojs-ts/core/operations';
import type { Command } from 'commander';
import { exitCodes, Failure } from '../../connection/failure.ts';
import type { Server, ServerFlags } from '../../connection/server.ts';
import { type Item, list, numberIn, text } from '../../output/cells.ts';
import { type ConfirmFlags, confirmed, takesConfirm } from '../../output/confirm.ts';
import { type FormatFlags, printAnswer, takesJson } from '../../output/format.ts';
import { oneLine } from '../../output/plain.ts';
import { follow, jobs, matchedWords } from '../bulk/follow.ts';
import { serverCommand } from '../command.ts';
import { perSecond } from '../values.ts';
import { type FilterFlags, filterOf, queryOf, takesFilter, takesQueryOption, takesSubject } from './filter.ts';

/** How a change of listed jobs is asked for. */
export type ByIds =
  /** All of them in one call, under this member. */
  | {
      readonly operation: Extract<OperationName, 'bulk.cancel' | 'bulk.retry' | 'bulk.delete' | 'deadLetter.retryMany'>;
      readonly member: 'job_ids' | 'ids';
    }
  /** Each by itself. */
  | { readonly operation: Extract<OperationName, 'job.discard'> }
  /** By a query for their ids. `others` says why the rest of them stays. */
  | { readonly operation: 'bulk.start'; readonly others: string };

/** A change of many jobs, as its command counts it, asks about it and starts it. */
export interface BulkChange {
  readonly action: BulkAction;
  /** Before the count of a question: `Shall I cancel 3 jobs?` */
  readonly verb: string;
  readonly done: string;
}

/** A change that has a command of its own. */
export interface Change extends BulkChange {
  readonly name: string;
  readonly description: string;
  /** The change to each job. */
  readonly setting?: Setting;
  /** Absent if only a filter can name jobs. */
  readonly byIds?: ByIds;
  /** Jobs of the dead letter: all in one state. */
  readonly isDead?: true;
}

interface SettingFlags {
  readonly at?: string;
  readonly in?: string;
  readonly to?: number;
}

interface Setting {
  readonly takes: (command: Command) => Command;
  /** As JSON text. @throws Failure `usage` for flags that say nothing, or too much. */
  readonly of: (flags: SettingFlags) => Json;
}

/** Selects the jobs, the rate, and whether to run at all. */
export type ManyFlags = FilterFlags & ConfirmFlags & FormatFlags & { readonly dryRun?: true; readonly rate?: number };
type ChangeFlags = ServerFlags & ManyFlags & SettingFlags;

/** A command that changes jobs by id, or all that match a filter. */
export function bulkCommand(change: Change): Command {
  const command = serverCommand<ChangeFlags>(change.name, change.description, (server, flags, ...ids) =>
    ids.length > 0 ? named(server, change, ids, flags) : matching(server, change, flags, change.setting?.of(flags)),
  );
  if (change.byIds !== undefined) command.argument('[id...]', 'ids of jobs; without them a filter says which');
  change.setting?.takes(command);
  return takesMany(change.isDead ? takesSubject(command, 'discarded') : takesFilter(command));
}

/** Adds the options of a change of all jobs that match, besides those of their filter. */
export function takesMany(command: Command): Command {
  return takesJson(takesConfirm(takesQueryOption(command)))
    .option('--rate <jobs>', 'by a filter so many jobs at most: 50/s, 100/m', perSecond)
    .option('--dry-run', 'only count what the filter matches');
}

/**
 * Counted first: the user sees how many jobs it is about. The server makes the change, and continues without this
 * command.
 * @param changes what each job gets, as JSON text.
 */
export async function matching(server: Server, change: BulkChange, flags: ManyFlags, changes?: Json): Promise<void> {
  if (!isFiltered(flags))
    throw new Failure('usage', 'Expected ids of jobs or a filter, such as --queue mail or --since 7d.');
  const { query, state, rate } = flags;
  const states = state === undefined ? {} : { states: state };
  const body = { action: change.action, query, filter: { ...filterOf(flags), ...states } };
  const { text: counted } = await start(server, { ...body, dry_run: true }, changes);
  const count: Item = JSON.parse(counted);
  const matched = numberIn(count, 'matched');
  if (flags.dryRun || matched === 0) {
    printAnswer(counted, flags, () =>
      matched === 0 ? 'No job matches.' : `${capital(matchedWords(count))} would be ${change.done}.`,
    );
    return;
  }
  const runsAgain = change.action === 'retry' || change.action === 'redrive';
  const workflows = runsAgain ? ' A workflow whose failed step is among them continues with it.' : '';
  await confirmed(`Shall I ${change.verb} ${matchedWords(count)}?${workflows}`, flags);
  await follow(server, () => start(server, { ...body, rate, confirm: true }, changes), flags);
}

/** Changes are sent unchanged. */
function start(server: Server, request: object, changes?: Json) {
  const text = JSON.stringify(request);
  const body = changes === undefined ? text : `${text.slice(0, -1)},"changes":${changes}}`;
  return server.ask({ operation: 'bulk.start', body, idempotencyKey: uuidv7() });
}

export function isFiltered(flags: FilterFlags): boolean {
  return Object.keys(queryOf(flags)).length > 0;
}

/** @throws Failure `usage` for options that belong to a filter. */
export function checkNamed(flags: ManyFlags): void {
  if (isFiltered(flags)) throw new Failure('usage', 'Expected ids or a filter, got both.');
  if (flags.dryRun || flags.rate !== undefined)
    throw new Failure('usage', `Expected a filter with ${flags.dryRun ? '--dry-run' : '--rate'}, got ids.`);
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

async function named(server: Server, change: Change, ids: readonly string[], flags: ChangeFlags): Promise<void> {
  checkNamed(flags);
  if (change.done === 'deleted') await confirmed(`Shall I ${change.verb} ${jobs(ids.length)}?`, flags);
  const { byIds } = change;
  if (byIds === undefined) throw new Failure('usage', 'Expected a filter, got ids.');
  if (byIds.operation === 'bulk.start') {
    const body = { action: change.action, query: `id:${ids.map((id) => JSON.stringify(id)).join(',')}`, confirm: true };
    const begin = () => start(server, body, change.setting?.of(flags));
    const changed = numberIn(await follow(server, begin, flags), 'changed');
    if (changed < ids.length) {
      process.exitCode = exitCodes.failed;
      if (!flags.json) console.error(`${jobs(ids.length - changed)} stayed as before: ${byIds.others}`);
    }
    return;
  }
  const result = 'member' in byIds ? await atOnce(server, byIds, ids) : await oneByOne(server, byIds, ids);
  report(change, result, flags);
}

interface Result {
  readonly succeeded: number;
  readonly failed: number;
  /** The first of the jobs that were not changed; a server names a hundred. */
  readonly errors: readonly { readonly job_id: string; readonly error: string }[];
}

async function atOnce(
  server: Server,
  { operation, member }: Extract<ByIds, { readonly member: string }>,
  ids: readonly string[],
): Promise<Result> {
  const body: Json = JSON.stringify({ [member]: ids });
  const accepted = { status: 422, member: 'succeeded' };
  const answer: Item = JSON.parse((await server.ask({ operation, body, idempotencyKey: uuidv7() }, accepted)).text);
  const errors = list(answer, 'errors').filter((error): error is Item => typeof error === 'object' && error !== null);
  return {
    succeeded: numberIn(answer, 'succeeded'),
    failed: numberIn(answer, 'failed'),
    errors: errors.map((error) => ({ job_id: text(error, 'job_id'), error: text(error, 'error') })),
  };
}

async function oneByOne(
  server: Server,
  { operation }: Extract<ByIds, { readonly operation: 'job.discard' }>,
  ids: readonly string[],
): Promise<Result> {
  const errors: Result['errors'][number][] = [];
  for (const id of ids) {
    try {
      await server.ask({ operation, params: { id }, idempotencyKey: uuidv7() });
    } catch (error) {
      if (!(error instanceof Failure) || (error.kind !== 'failed' && error.kind !== 'missing')) throw error;
      errors.push({ job_id: id, error: error.message });
    }
  }
  return { succeeded: ids.length - errors.length, failed: errors.length, errors };
}

function report({ done }: Change, { succeeded, failed, errors }: Result, { json }: FormatFlags): void {
  if (json) console.log(oneLine(JSON.stringify({ [done]: succeeded, failed, errors })));
  else {
    console.log(`${jobs(succeeded)} ${done}.`);
    if (failed > 0) console.error(`${jobs(failed)} stayed as before:`);
    for (const { job_id, error } of errors) console.error(`${job_id}: ${error}`);
    if (failed > errors.length) console.error(`and ${jobs(failed - errors.length)} more.`);
  }
  if (failed > 0) process.exitCode = exitCodes.failed;
}
