import { AssertionError } from 'node:assert';
import {
  historyOf,
  type JobRecord,
  members,
  type NamesOf,
  readNodeSpec,
  renderJob,
  renderWorkflow,
  State,
  stateName,
} from '@ojs-ts/core';
import type { JobDef } from '../job/definition.ts';
import type { Job } from '../job/job.ts';
import type { JobState } from '../job/policies.ts';
import { readJob } from '../job/read-job.ts';
import { type JsonArray, numberOf, parseWire } from '../json.ts';
import { known } from '../options/known.ts';
import { difference, type Match, matchNames, mismatch } from './match.ts';
import type { WorkflowRow } from './memory/workflows.ts';
import { typeOf } from './runner.ts';
import { ledger } from './scope.ts';

type Which = string | JobDef;

/** Jobs, or workflows, that a message describes at most. */
const maxShown = 20;

/**
 * At least one job of the type was enqueued, whatever became of it since; with `count` exactly so many. @throws
 * AssertionError that says why the others do not match.
 */
export function assertEnqueued(job: Which, match: Match = {}): void {
  expectSome('enqueued', job, match, () => null, assertEnqueued);
}

/** No such job was enqueued. @throws AssertionError that shows those that were. */
export function refuteEnqueued(job: Which, match: Omit<Match, 'count'> = {}): void {
  expectNone('enqueued', job, match, () => null, refuteEnqueued);
}

/** At least one job of the type was run, to whatever end. */
export function assertPerformed(job: Which, match: Match = {}): void {
  expectSome('performed', job, match, notRun, assertPerformed);
}

/** Fails where a job of the type that matches was run. */
export function refutePerformed(job: Which, match: Match = {}): void {
  expectNone('performed', job, match, notRun, refutePerformed);
}

/** At least one job of the type has completed. */
export function assertCompleted(job: Which, match: Match = {}): void {
  expectSome(
    'completed',
    job,
    match,
    (record) => (record.state === State.completed ? null : stateOf(record)),
    assertCompleted,
  );
}

/**
 * At least one job of the type has failed: an execution of it did, or it was discarded. It may have completed since.
 */
export function assertFailed(job: Which, match: Match = {}): void {
  expectSome(
    'failed',
    job,
    match,
    (record) => (hasFailed(record) ? null : `no execution failed; ${stateOf(record)}`),
    assertFailed,
  );
}

/** @throws AssertionError where the job is in another state, or is not there. */
export function assertJobState(jobId: string, state: JobState): void {
  const record = ledger()
    .jobs()
    .find(({ id }) => id === jobId);
  const actual = record === undefined ? undefined : stateName(record.state);
  if (actual === state) return;
  const found =
    record === undefined ? 'there is no job with this id' : `${record.type} is ${actual}${lastErrorOf(record)}`;
  throw new AssertionError({
    message: `assertJobState(${jobId}): expected ${state}; ${found}.`,
    actual,
    expected: state,
    stackStartFn: assertJobState,
  });
}

/** What a workflow must be like for an assertion to hold; what is left out is not looked at. */
export interface WorkflowMatch {
  name?: string | undefined;
  /** At the top level: a nested workflow is one step. */
  stepCount?: number | undefined;
  /** Types of its jobs in the order of the definition, those of nested workflows too, callbacks not. */
  stepTypes?: readonly string[] | undefined;
}

const workflowNames: NamesOf<WorkflowMatch> = { name: true, stepCount: true, stepTypes: true };
const filterNames: NamesOf<NonNullable<Parameters<typeof allEnqueued>[0]>> = { jobType: true, queue: true, args: true };

/** A workflow of this kind was started. */
export function assertWorkflowCreated(kind: 'chain' | 'group' | 'batch' | 'dag', match: WorkflowMatch = {}): void {
  known(match, workflowNames);
  const rows = ledger().workflows();
  const reasons = rows.map((row) => workflowMismatch(row, kind, match));
  if (reasons.includes(null)) return;
  const lines = rows.map(({ record }, index) => `${record.kind} ${record.id}: ${reasons[index]}`);
  throw new AssertionError({
    message: message(`assertWorkflowCreated(${kind}${said(match)}): no such workflow.`, 'did not match', lines),
    stackStartFn: assertWorkflowCreated,
  });
}

/** The jobs that were enqueued, oldest first, as they are now. */
export function allEnqueued(
  filter: { jobType?: string | undefined; queue?: string | undefined; args?: JsonArray | undefined } = {},
): Job[] {
  known(filter, filterNames);
  const { jobType, ...match } = filter;
  return ledger()
    .jobs()
    .map(jobOf)
    .filter((job) => mismatch(job, jobType, match) === null);
}

type Check = (record: JobRecord) => string | null;

function expectSome(
  what: string,
  job: Which,
  match: Match,
  check: Check,
  stackStartFn: (...args: never[]) => void,
): void {
  const type = typeOf(job);
  const { matching, others } = sort(type, match, check);
  const { count } = match;
  if (count === undefined ? matching.length > 0 : matching.length === count) return;
  const expected = count === undefined ? 'at least 1' : `exactly ${count}`;
  const head = `expected ${expected} ${type}${said(match)} to be ${what}, found ${matching.length}.`;
  const texts = [message(head, 'did not match', others)];
  if (matching.length > 0) texts.push(message('', 'matched', matching));
  throw new AssertionError({
    message: texts.filter((text) => text !== '').join('\n'),
    actual: matching.length,
    expected: count ?? 1,
    stackStartFn,
  });
}

function expectNone(
  what: string,
  job: Which,
  match: Match,
  check: Check,
  stackStartFn: (...args: never[]) => void,
): void {
  const type = typeOf(job);
  const { matching, others } = sort(type, match, check);
  const { count } = match;
  if (count === undefined ? matching.length === 0 : matching.length !== count) return;
  const head = `expected ${count === undefined ? 'no' : `any number but ${count} of`} ${type}${said(match)} to be ${what}, found ${matching.length}.`;
  const texts = [message(head, 'matched', matching), message('', 'did not match', others)];
  throw new AssertionError({
    message: texts.filter((text) => text !== '').join('\n'),
    actual: matching.length,
    expected: 0,
    stackStartFn,
  });
}

/** One line for each job of the test; of the others with the reason why. */
function sort(
  type: string,
  match: Match,
  check: Check,
): { readonly matching: readonly string[]; readonly others: readonly string[] } {
  known(match, matchNames);
  const matching: string[] = [];
  const others: string[] = [];
  for (const record of ledger().jobs()) {
    const job = jobOf(record);
    const reason = mismatch(job, type, match) ?? check(record);
    const line = `${job.type} ${job.id}`;
    if (reason === null) matching.push(`${line} in ${job.queue}, ${job.state}`);
    else others.push(`${line}: ${reason}`);
  }
  return { matching, others };
}

function message(head: string, how: string, lines: readonly string[]): string {
  if (lines.length === 0) return how === 'did not match' && head !== '' ? `${head} There is none at all.` : head;
  const shown = lines.slice(0, maxShown).map((line) => `\n  - ${line}`);
  const rest = lines.length > maxShown ? `\n  … and ${lines.length - maxShown} more` : '';
  return `${head === '' ? '' : `${head}\n`}${lines.length} ${how}:${shown.join('')}${rest}`;
}

function said(match: Match | WorkflowMatch): string {
  const shown = Object.entries(match).filter(([name, value]) => name !== 'count' && value !== undefined);
  return shown.length === 0
    ? ''
    : ` with ${shown.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ')}`;
}

export function jobOf(record: JobRecord): Job {
  return readJob(parseWire(renderJob(record)));
}

function notRun({ claim, state }: JobRecord): string | null {
  return claim > 0 ? null : `it was not run, it is ${stateName(state)}`;
}

function hasFailed(record: JobRecord): boolean {
  return (
    record.state === State.retryable ||
    record.state === State.discarded ||
    historyOf(record).some(({ kind }) => kind === 'failed')
  );
}

function stateOf(record: JobRecord): string {
  return `it is ${stateName(record.state)}${lastErrorOf(record)}`;
}

function lastErrorOf(record: JobRecord): string {
  const last = historyOf(record).findLast((entry) => 'error' in entry);
  return last === undefined || !('error' in last) || record.state === State.completed
    ? ''
    : ` (${last.error.type}: ${last.error.message})`;
}

function workflowMismatch(
  { record, nodes }: WorkflowRow,
  kind: string,
  { name, stepCount, stepTypes }: WorkflowMatch,
): string | null {
  if (record.kind !== kind) return `kind: expected ${kind}, got ${record.kind}`;
  if (name !== undefined && record.name !== name) return `name: expected ${name}, got ${record.name}`;
  const count = numberOf(parseWire(renderWorkflow(record, nodes))?.steps_total);
  if (stepCount !== undefined && count !== stepCount) return `stepCount: expected ${stepCount}, got ${count}`;
  return stepTypes === undefined ? null : difference(stepTypes, typesOf({ record, nodes }), 'stepTypes');
}

function typesOf({ nodes }: WorkflowRow): readonly unknown[] {
  return nodes.flatMap(({ member, spec }) => {
    const read = readNodeSpec(spec);
    return member && read.role === 'job' ? [JSON.parse(members(read.job).get('type') ?? 'null')] : [];
  });
}
