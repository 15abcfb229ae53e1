import { AssertionError } from 'node:assert';
import { members, type NamesOf } from '@ojs-ts/core';
import { historyOf, type JobRecord, renderJob, State, stateName } from '@ojs-ts/core/job';
import { readNodeSpec, renderWorkflow } from '@ojs-ts/core/workflow';
import type { JobDef } from '../job/definition.ts';
import type { Job } from '../job/job.ts';
import type { JobState } from '../job/policies.ts';
import { readJob } from '../job/read-job.ts';
import { type JsonArray, numberOf, parseWire } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import type { WorkflowRow } from './ledger.ts';
import { difference, type Match, matchNames, mismatch } from './match.ts';
import { typeOf } from './runner.ts';
import { ledger } from './scope.ts';

type Which = string | JobDef;

/** The most jobs or workflows that a message lists. */
const maxShown = 20;

/**
 * Asserts that at least one job of the type was enqueued, in any state now; with `count`, exactly so many.
 * @throws AssertionError with the reason why each other job does not match.
 */
export function assertEnqueued(job: Which, match: Match = {}): void {
  expectJobs(true, 'enqueued', job, match, all, assertEnqueued);
}

/**
 * Asserts that no matching job was enqueued.
 * @throws AssertionError that lists the matching jobs.
 */
export function refuteEnqueued(job: Which, match: Omit<Match, 'count'> = {}): void {
  expectJobs(false, 'enqueued', job, match, all, refuteEnqueued);
}

/**
 * Asserts that at least one job of the type has run, with any outcome.
 * @throws AssertionError
 */
export function assertPerformed(job: Which, match: Match = {}): void {
  expectJobs(true, 'performed', job, match, notRun, assertPerformed);
}

/**
 * Asserts that no matching job has run.
 * @throws AssertionError that lists the matching jobs.
 */
export function refutePerformed(job: Which, match: Match = {}): void {
  expectJobs(false, 'performed', job, match, notRun, refutePerformed);
}

/**
 * Asserts that at least one job of the type has completed.
 * @throws AssertionError
 */
export function assertCompleted(job: Which, match: Match = {}): void {
  const check: Check = (record) => (record.state === State.completed ? null : stateOf(record));
  expectJobs(true, 'completed', job, match, check, assertCompleted);
}

/**
 * Asserts that at least one job of the type has failed: an execution failed, or the job was discarded. It may have
 * completed since.
 * @throws AssertionError
 */
export function assertFailed(job: Which, match: Match = {}): void {
  const check: Check = (record) => (hasFailed(record) ? null : `no execution failed; ${stateOf(record)}`);
  expectJobs(true, 'failed', job, match, check, assertFailed);
}

/**
 * Asserts the state of a job.
 * @throws AssertionError if the job is in another state, or does not exist.
 */
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

/** The fields that {@link assertWorkflowCreated} compares. Omitted fields match anything. */
export interface WorkflowMatch {
  name?: string | undefined;
  /** The number of steps at the top level. A nested workflow is one step. */
  stepCount?: number | undefined;
  /** The types of its jobs in the order of the definition, including nested workflows, without callbacks. */
  stepTypes?: readonly string[] | undefined;
}

const workflowNames: NamesOf<WorkflowMatch> = { name: true, stepCount: true, stepTypes: true };
const filterNames: NamesOf<NonNullable<Parameters<typeof allEnqueued>[0]>> = { jobType: true, queue: true, args: true };

/**
 * Asserts that a workflow of this kind was started.
 * @throws AssertionError that lists the workflows of the test.
 */
export function assertWorkflowCreated(kind: 'chain' | 'group' | 'batch' | 'dag', match: WorkflowMatch = {}): void {
  checkNames(match, workflowNames);
  const rows = ledger().workflows();
  const reasons = rows.map((row) => workflowMismatch(row, kind, match));
  if (reasons.includes(null)) return;
  const lines = rows.map(({ record }, index) => `${record.kind} ${record.id}: ${reasons[index]}`);
  throw new AssertionError({
    message: message(`assertWorkflowCreated(${kind}${matchText(match)}): no such workflow.`, 'did not match', lines),
    stackStartFn: assertWorkflowCreated,
  });
}

/** All jobs that were enqueued, oldest first, in their current state. */
export function allEnqueued(
  filter: { jobType?: string | undefined; queue?: string | undefined; args?: JsonArray | undefined } = {},
): Job[] {
  checkNames(filter, filterNames);
  const { jobType, ...match } = filter;
  return ledger()
    .jobs()
    .map(jobOf)
    .filter((job) => mismatch(job, jobType, match) === null);
}

type Check = (record: JobRecord) => string | null;

const all: Check = () => null;

/** @param isWanted false asserts that there are no such jobs, or any other number than `count`. */
function expectJobs(
  isWanted: boolean,
  what: string,
  job: Which,
  match: Match,
  check: Check,
  stackStartFn: (...args: never[]) => void,
): void {
  const type = typeOf(job);
  const { matching, others } = sort(type, match, check);
  const { count } = match;
  const isThere = count === undefined ? matching.length > 0 : matching.length === count;
  if (isThere === isWanted) return;
  const wanted = count === undefined ? 'at least 1' : `exactly ${count}`;
  const unwanted = count === undefined ? 'no' : `any number but ${count} of`;
  const jobs = `${isWanted ? wanted : unwanted} ${type}${matchText(match)}`;
  const head = `expected ${jobs} to be ${what}, found ${matching.length}.`;
  const texts = isWanted
    ? [message(head, 'did not match', others), message('', 'matched', matching)]
    : [message(head, 'matched', matching), message('', 'did not match', others)];
  throw new AssertionError({
    message: texts.filter((text) => text !== '').join('\n'),
    actual: matching.length,
    expected: isWanted ? (count ?? 1) : 0,
    stackStartFn,
  });
}

/** Describes each job of the test in a line, with the reason if it does not match. */
function sort(
  type: string,
  match: Match,
  check: Check,
): { readonly matching: readonly string[]; readonly others: readonly string[] } {
  checkNames(match, matchNames);
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

function matchText(match: Match | WorkflowMatch): string {
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
