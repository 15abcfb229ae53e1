import type { JobId, JobRecord, Json } from '../job/job.ts';
import type { Millis } from '../time/clock.ts';

/** The kind of a row: a step that ran, a wait, or a job that the handler enqueued. `child` waits for jobs. */
export const stepKinds = ['run', 'sleep', 'poll', 'enqueue', 'signal', 'child'] as const;
export type StepKind = (typeof stepKinds)[number];

/** Reports whether a step of this kind waits for mail. */
export function isMailed(kind: string): boolean {
  return kind === 'signal' || kind === 'child';
}

/** All but `open` are final: the first outcome that was committed under a name stays. */
export const stepStates = ['open', 'done', 'failed', 'expired'] as const;
export type StepState = (typeof stepStates)[number];

/**
 * The most characters of a name and of a token, steps of a job, jobs and rows of one request, waits of a suspension, bytes of one
 * value, and milliseconds of a wait: ten years.
 */
export const stepLimits = {
  ...{ name: 128, token: 255, steps: 10_000, items: 1_000, rows: 100, waits: 1_000 },
  ...{ valueBytes: 1_048_576, waitMs: 3_650 * 86_400_000 },
} as const;

/**
 * The outcome of a step, as the text of a record: its kind is that of {@link stepsKind}, its key the name of the step.
 */
export interface StepRow {
  readonly kind: StepKind;
  readonly state: StepState;
  /** The place among the rows of the job, in the order of records: 1 for the first. A replay follows it. */
  readonly number: number;
  /** The claim that wrote the row. */
  readonly claim: number;
  readonly startedAt: Millis;
  readonly endedAt?: Millis;
  /** Tries that have ended, of a step, or probes of a poll. */
  readonly tries?: number;
  /** The mailbox of a wait for a signal: one of the job, by default that with the name of the step... */
  readonly signal?: string;
  /** ...or one under a token of the user. */
  readonly token?: string;
  /** The workflow of the jobs that a step of the kind `child` has started. */
  readonly workflow?: string;
  /** A signal has come for this open wait: the row has its payload as its value. */
  readonly arrivedAt?: Millis;
  /** The value went through the codec of the sender. Only of a signal: other values are those of the worker. */
  readonly encoded?: true;
  /** The end of a wait or of the backoff between two tries. */
  readonly until?: Millis;
  /** The next probe of a poll. */
  readonly nextAt?: Millis;
  /** JSON text of the value; absent for `undefined`. A longer one is in a record of its own, of {@link valuesKind}. */
  readonly value?: Json;
  /** Bytes of a value that is apart. */
  readonly bytes?: number;
  /** JSON text of the error of the last try. */
  readonly error?: Json;
  /** The step can be undone. */
  readonly undo?: true;
  /** The job that ran the step first, where another one has taken over its rows. */
  readonly origin?: JobId;
}

/** The row of the undo of a step has the name of the step behind this. */
export const undoPrefix = 'undo:';

/** Larger values have a record of their own, so that the rows of a job are read without them. Bytes. */
export const smallValueBytes = 1_024;

const rowPrefix = 'steps:';
const valuePrefix = 'step_values:';

/** The kind of the records that are the rows of a job. */
export function stepsKind(job: JobId): string {
  return rowPrefix + job;
}

/** The kind of the records with the longer values. */
export function valuesKind(job: JobId): string {
  return valuePrefix + job;
}

/** The kinds of the records of a job with steps begin so. A storage deletes the records with their job. */
const jobPrefixes = [rowPrefix, valuePrefix, 'mailbox:', 'mail:'] as const;

/** The kinds of all records of a job with steps. */
export function kindsOfSteps(job: JobId): readonly string[] {
  return jobPrefixes.map((prefix) => prefix + job);
}

/** The job whose record this is; null for any other record. */
export function jobOfSteps({ kind }: { readonly kind: string }): JobId | null {
  const prefix = jobPrefixes.find((start) => kind.startsWith(start));
  return prefix === undefined ? null : kind.slice(prefix.length);
}

/** Only the policy of a job with rows has it: a quote inside of a JSON string is escaped, so this is a name. */
export const stepsMember = '"steps":';

export function hasSteps({ policy }: Pick<JobRecord, 'policy'>): boolean {
  return policy?.includes(stepsMember) ?? false;
}

/** The text of a row in its record. Values are texts in this text, so they keep each character. */
export function rowText(row: StepRow): Json {
  return JSON.stringify(row);
}

export function readRow(text: Json): StepRow {
  return JSON.parse(text);
}

/**
 * Reports whether a job may have rows without a mark: a transaction of the user has recorded a step, and its worker
 * ended before it could report that. Then an execution ended without an answer, in a shutdown, by a timeout or by hand.
 */
export function mayHaveSteps(job: Pick<JobRecord, 'policy' | 'claim' | 'history'>): boolean {
  return (
    hasSteps(job) ||
    (job.claim > 1 && /"by":"server"|"reason":"shutdown"|"code":"timeout"|"kind":"discarded"/.test(job.history))
  );
}
