import type { BulkAction } from '@ojs-ts/core/bulk';
import type { Json } from '@ojs-ts/core/job';
import type { OperationName } from '@ojs-ts/core/operations';
import type { Command } from 'commander';
import { exitCodes, Failure } from '../../connection/failure.ts';
import type { Server } from '../../connection/server.ts';
import { type Item, list, numberIn, text } from '../../output/cells.ts';
import { confirmed } from '../../output/confirm.ts';
import { type FormatFlags, printAnswer } from '../../output/format.ts';
import { oneLine } from '../../output/plain.ts';
import { doneWord, follow, jobs, matchedWords } from '../bulk/follow.ts';
import { type CommonFlags, serverCommand } from '../command.ts';
import { type Flags, flag, on, perSecond, Raw, type Values } from '../flags.ts';
import { given, objectOf } from '../row.ts';
import { filterFlags, queryFlag, subjectFlags } from './filter.ts';

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
  /** Before the count of a question: `Shall I cancel 3 jobs?` Without it the action. */
  readonly verb?: string;
}

/** A change that has a command of its own. */
interface Change extends BulkChange {
  /** Exactly one of these flags says what each job gets: its value is this member of the changes. */
  readonly setting?: { readonly member: string; readonly flags: Flags; readonly expected: string };
  /** Absent if only a filter can name jobs. */
  readonly byIds?: ByIds;
  /** Jobs of the dead letter: all in one state. */
  readonly isDead?: true;
}

/** Options of a change of all jobs that match, besides those of their filter. */
export const manyFlags = {
  rate: flag('--rate <jobs>', 'with a filter: change at most so many jobs, 50/s or 100/m', perSecond),
  dry_run: on('--dry-run', 'only count the jobs that the filter matches'),
};

/** Selects the jobs, the rate, and whether to run at all. */
type ManyFlags = Partial<Values<typeof filterFlags>> & Values<typeof manyFlags> & CommonFlags;

/** A command that changes jobs by id, or all that match a filter. */
export function bulkCommand(name: string, about: string, change: Change): Command {
  const { byIds, setting, isDead } = change;
  const filter: Partial<typeof filterFlags> = isDead ? { ...subjectFlags('discarded'), ...queryFlag } : filterFlags;
  const takes = {
    ...(byIds && { args: { '[id...]': 'ids of jobs; without them a filter says which' } }),
    ...(setting && { more: setting.flags }),
    flags: { ...filter, ...manyFlags },
    also: ['yes', 'json'] as const,
  };
  return serverCommand(name, about, takes, (server, values, ...ids) =>
    ids.length > 0 ? named(server, change, ids, values) : matching(server, change, values, changesOf(change, values)),
  );
}

function changesOf({ setting }: Change, values: object): Json | undefined {
  if (setting === undefined) return undefined;
  const [value, ...more] = Object.values(given(setting.flags, values));
  if (value === undefined || more.length > 0) throw new Failure('usage', setting.expected);
  return objectOf({ [setting.member]: value });
}

/**
 * Counted first: the user sees how many jobs it is about. The server makes the change, and continues without this
 * command.
 * @param changes what each job gets, as JSON text.
 */
export async function matching(server: Server, change: BulkChange, flags: ManyFlags, changes?: Json): Promise<void> {
  const ids = change.action === 'purge' ? '' : 'ids of jobs or ';
  if (!isFiltered(flags)) throw new Failure('usage', `Expected ${ids}a filter, such as --queue mail or --since 7d.`);
  const filter = { ...given(subjectFlags('created'), flags), ...(flags.state && { states: flags.state }) };
  const body = { action: change.action, query: flags.q, filter };
  const { text: counted } = await start(server, { ...body, dry_run: true }, changes);
  const count: Item = JSON.parse(counted);
  const matched = numberIn(count, 'matched');
  if (flags.dry_run || matched === 0) {
    printAnswer(counted, flags, () =>
      matched === 0 ? 'No job matches.' : `${capital(matchedWords(count))} would be ${doneWord(change.action)}.`,
    );
    return;
  }
  const runsAgain = change.action === 'retry' || change.action === 'redrive';
  const workflows = runsAgain ? ' A workflow whose failed step is among them continues with it.' : '';
  await confirmed(`Shall I ${change.verb ?? change.action} ${matchedWords(count)}?${workflows}`, flags);
  await follow(server, () => start(server, { ...body, rate: flags.rate, confirm: true }, changes), flags);
}

/** Changes are sent unchanged. */
function start(server: Server, request: object, changes?: Json) {
  const body = objectOf({ ...request, ...(changes !== undefined && { changes: new Raw(changes) }) });
  return server.change({ operation: 'bulk.start', body });
}

function isFiltered(flags: ManyFlags): boolean {
  return Object.keys(given(filterFlags, flags)).length > 0;
}

/** @throws Failure `usage` for options that belong to a filter. */
export function checkNamed(flags: ManyFlags): void {
  if (isFiltered(flags)) throw new Failure('usage', 'Expected ids or a filter, got both.');
  if (flags.dry_run || flags.rate !== undefined)
    throw new Failure('usage', `Expected a filter with ${flags.dry_run ? '--dry-run' : '--rate'}, got ids.`);
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

async function named(server: Server, change: Change, ids: readonly string[], flags: ManyFlags): Promise<void> {
  checkNamed(flags);
  if (change.action === 'delete') await confirmed(`Shall I delete ${jobs(ids.length)}?`, flags);
  const { byIds } = change;
  if (byIds === undefined)
    throw new Failure(
      'usage',
      `Expected a filter, such as --queue mail, got ${ids.length === 1 ? 'an id' : `${ids.length} ids`}.`,
    );
  if (byIds.operation === 'bulk.start') {
    const body = { action: change.action, query: `id:${ids.map((id) => JSON.stringify(id)).join(',')}`, confirm: true };
    const begin = () => start(server, body, changesOf(change, flags));
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
  const answer: Item = JSON.parse((await server.change({ operation, body }, accepted)).text);
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
      await server.change({ operation, params: { id } });
    } catch (error) {
      if (!(error instanceof Failure) || (error.kind !== 'failed' && error.kind !== 'missing')) throw error;
      errors.push({ job_id: id, error: error.message });
    }
  }
  return { succeeded: ids.length - errors.length, failed: errors.length, errors };
}

function report({ action }: BulkChange, { succeeded, failed, errors }: Result, { json }: FormatFlags): void {
  if (json) console.log(oneLine(JSON.stringify({ [doneWord(action)]: succeeded, failed, errors })));
  else {
    console.log(`${jobs(succeeded)} ${doneWord(action)}.`);
    if (failed > 0) console.error(`${jobs(failed)} stayed as before:`);
    for (const { job_id, error } of errors) console.error(`${job_id}: ${error}`);
    if (failed > errors.length) console.error(`and ${jobs(failed - errors.length)} more.`);
  }
  if (failed > 0) process.exitCode = exitCodes.failed;
}
