import { ProtocolError } from '@ojs-ts/core';
import {
  namedRow,
  type SentSuspension,
  type StepKind,
  type StepState,
  stepLimits,
  stepsKind,
  suspend,
  valuesKind,
} from '@ojs-ts/core/durable';
import {
  fetchedSteps,
  idsOf,
  listMailboxes,
  listSteps,
  type Refuse,
  type Request,
  readSuspension,
  recordAll,
  sendSignals,
  undoJob,
  wakeJob,
} from '@ojs-ts/core/handlers';
import type { JobRecord, Json } from '@ojs-ts/core/job';
import { atOnce, run } from '@ojs-ts/core/lifecycle';
import { Fields, renderError } from '@ojs-ts/core/requests';
import { compact } from '../../json.ts';
import type { Answers, Host } from './host.ts';
import type { Table } from './table.ts';

/** A recorded step of a job, in a test. */
export interface FakeStep {
  readonly name: string;
  readonly kind: StepKind;
  readonly state: StepState;
  /** The place among the steps of the job, in the order of their ends. */
  readonly number: number;
  readonly tries?: number;
  readonly value?: unknown;
  /** The error of the last try. */
  readonly error?: unknown;
  /** The end of a wait. */
  readonly until?: Date;
}

export const stepAnswers: Answers = {
  'worker.steps': (host, request) => run(recordAll(host, request, refusalOf(request))),
  'job.steps': (host, request) => run(listSteps(host, request, true)),
  'signal.send': (host, request) => run(sendSignals(host, request, refusalOf(request))),
  'signal.list': (host, request) => run(listMailboxes(host, request)),
  'job.wake': (host, request) => run(wakeJob(host, request)),
  'job.undo': (host, request) => run(undoJob(host, request, idsOf(request, host.clock, 'undo'))),
};

function refusalOf(request: Request): Refuse {
  return (error) => {
    if (!(error instanceof ProtocolError)) throw error;
    return { status: error.kind.status, text: renderError(error, request) };
  };
}

/** Suspends a job by the nack of its execution. False for any other nack. */
export function suspendBy({ steps }: Host, { id, claim, worker }: JobRecord, nack: Json): boolean {
  const sent: SentSuspension | null = readSuspension(new Fields(Fields.parse(nack)), () => nack);
  if (sent === null) return false;
  atOnce(run(suspend(steps, { id, claim, worker }, sent)));
  return true;
}

/** `x_steps` of a job, as its worker gets it; null for a job without rows. */
export function fetched({ steps }: Host, job: JobRecord): Json | null {
  return atOnce(run(fetchedSteps(steps, [job]))).get(job.id) ?? null;
}

export function stepsOf({ records }: Table, id: string): readonly FakeStep[] {
  const values = new Map(records.scan(valuesKind(id), { limit: stepLimits.steps }).map(({ key, body }) => [key, body]));
  const rows = records.scan(stepsKind(id), { limit: stepLimits.steps }).map(namedRow);
  return rows
    .sort((a, b) => a.row.number - b.row.number)
    .map(({ name, row: { kind, state, number, tries, until, value, error } }) => {
      const end = until === undefined ? undefined : new Date(until);
      const read = { value: parsed(value ?? values.get(name)), error: parsed(error) };
      return compact({ name, kind, state, number, tries, ...read, until: end });
    });
}

function parsed(text: Json | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}
