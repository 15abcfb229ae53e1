import type { NamesOf } from '@ojs-ts/core';
import type { ReasonCode, WorkerStatus } from '@ojs-ts/core/explain';
import { isState } from '@ojs-ts/core/job';
import type { Operation } from '../../connection/operation.ts';
import { OJSAnswerError } from '../../errors.ts';
import { type CallOptions, callNames } from '../../job/options.ts';
import type { JobState } from '../../job/policies.ts';
import { booleanOf, compact, dateOf, eachOf, numberOf, objectOf, reader, textOf, textsOf } from '../../json.ts';
import { checkNames } from '../../options/check-names.ts';

/** Selects the job or queue to explain. */
export interface ExplainOptions extends CallOptions {
  /** The id of a step. The first argument is then the id of its workflow: a step that waits has no job yet. */
  step?: string | undefined;
}

const explainNames: NamesOf<ExplainOptions> = { ...callNames, step: true };

/** Why a job does not run, or what has become of it. */
export interface Explanation {
  /** Absent for a step of a workflow that has no job. */
  readonly jobId?: string;
  readonly workflowId?: string;
  /** Only if a step was asked for. */
  readonly step?: string;
  /** The state of the job, or of a step without a job. */
  readonly state: JobState | 'waiting' | 'failed';
  /** When the server looked, by its clock. */
  readonly checkedAt?: Date;
  /** The state and all reasons in one sentence. */
  readonly verdict: string;
  readonly reasons: readonly ExplainReason[];
  /** The earliest time at which the job may start; absent if that is not known, or if it has started or ended. */
  readonly nextStartAt?: Date;
}

/** One reason why a job does not run. */
export interface ExplainReason {
  readonly code: ReasonCode | (string & {});
  /** One sentence, with names, numbers and times. */
  readonly message: string;
  readonly since?: Date;
  /** When the reason ends by itself, as far as that is known. */
  readonly until?: Date;
  /** Jobs that hold the slots, or another job that matters. */
  readonly jobs?: readonly { readonly id: string; readonly workerId?: string; readonly since?: Date }[];
  readonly workers?: readonly ExplainWorker[];
  /** Keys of limits; the limit of a queue has the key `queue:NAME`. */
  readonly keys?: readonly string[];
  /** Other queues, with their available jobs. */
  readonly queues?: readonly { readonly name: string; readonly available: number }[];
  /** Steps that the step waits for. */
  readonly steps?: readonly { readonly id: string; readonly state: string; readonly jobId?: string }[];
  /** How many available jobs of the queue are before this one; absent if they were not counted. */
  readonly before?: number;
  /** There are more jobs, workers or steps than the lists have. */
  readonly partial?: boolean;
  /** The action that an operator can take. */
  readonly remedy?: string;
}

/** A worker in a reason. */
export interface ExplainWorker {
  readonly id: string;
  readonly status: WorkerStatus | (string & {});
  /** Its last heartbeat, or its last recorded fetch. */
  readonly lastSeenAt?: Date;
  /** The number of jobs in its last heartbeat, with those that it has fetched ahead. */
  readonly held?: number;
  /** The jobs that it runs at once. */
  readonly slots?: number;
}

export function* explain(id: string, options: ExplainOptions = {}): Operation<Explanation> {
  checkNames(options, explainNames);
  const { step } = options;
  const body = yield {
    call: { operation: 'job.explain', params: { id }, ...(step !== undefined && { query: { step } }) },
    about: { jobId: id },
  };
  const verdict = textOf(body.verdict);
  const { state } = body;
  if (verdict === undefined || !isExplained(state)) throw new OJSAnswerError('The answer holds no explanation.');
  return compact({
    jobId: textOf(body.job_id),
    workflowId: textOf(body.workflow_id),
    step: textOf(body.step),
    state,
    checkedAt: dateOf(body.checked_at),
    verdict,
    reasons: eachOf(body.reasons, objectOf(readReason)),
    nextStartAt: dateOf(body.next_start_at),
  });
}

function isExplained(state: unknown): state is Explanation['state'] {
  return isState(state) || state === 'waiting' || state === 'failed';
}

const text = (value: unknown) => textOf(value) ?? '';
const readJob = reader({ id: text, workerId: textOf, since: dateOf });
const readWorker = reader({ id: text, status: text, lastSeenAt: dateOf, held: numberOf, slots: numberOf });
const readQueue = reader({ name: text, available: (value: unknown) => numberOf(value) ?? 0 });
const readStep = reader({ id: text, state: text, jobId: textOf });
const readReason = reader({
  code: text,
  message: text,
  since: dateOf,
  until: dateOf,
  jobs: listOrNone(readJob),
  workers: listOrNone(readWorker),
  keys: textsOf,
  queues: listOrNone(readQueue),
  steps: listOrNone(readStep),
  before: numberOf,
  partial: booleanOf,
  remedy: textOf,
});

function listOrNone<T>(read: (raw: Readonly<Record<string, unknown>>) => T): (value: unknown) => T[] | undefined {
  return (value) => (Array.isArray(value) ? eachOf(value, objectOf(read)) : undefined);
}
