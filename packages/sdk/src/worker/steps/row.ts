import { type StepKind, type StepState, stepKinds, stepStates } from '@ojs-ts/core/durable';
import { booleanOf, listOf, numberOf, oneOf, textOf, type Wire, wireOf } from '../../json.ts';
import type { Failure } from '../execution/outcome.ts';

/** The recorded outcome of a step, as the server sends it. */
export interface Row {
  readonly name: string;
  readonly kind: StepKind;
  readonly state: StepState;
  readonly number: number;
  /** Tries, or probes, that have ended. */
  readonly tries: number;
  /** When the wait ends, by the clock of the server. Milliseconds since 1970. */
  readonly until: number | undefined;
  /** When the next probe of a poll is due. */
  readonly nextAt: number | undefined;
  /** By the clock of the server, the wait is over. */
  readonly due: boolean;
  readonly value: unknown;
  /** True if the server keeps the value apart from the row. */
  readonly isApart: boolean;
  /** The payload of a signal went through the codec of its sender. */
  readonly isEncoded: boolean;
  readonly error: Wire | undefined;
  /** The workflow of the jobs that a step has started. */
  readonly workflow: string | undefined;
  /** The step can be undone. */
  readonly undo: boolean;
  /** The job that ran the step first, where its rows were taken over. */
  readonly origin: string | undefined;
  /** Only in a list of steps. Milliseconds since 1970. */
  readonly startedAt: number | undefined;
}

/** A row to record. Absent members are not sent. */
export interface StepWrite {
  readonly name: string;
  readonly kind: StepKind;
  readonly state: StepState;
  readonly number: number;
  readonly value?: unknown;
  readonly error?: Failure;
  readonly tries?: number;
  /** The end of a wait, counted from the latest time of the server. */
  readonly ms?: number;
  /** The end of a wait as a date, RFC 3339. */
  readonly until?: string;
  /** The time until the next probe of a poll. */
  readonly next_ms?: number;
  /** The mailbox of a wait for a signal: one of the job, or one under a token. Default: that with the name of the step. */
  readonly signal?: string;
  readonly token?: string;
  /** The workflow of a step that has started jobs. */
  readonly workflow?: string;
  /** The step can be undone. */
  readonly undo?: true;
}

/** A try that failed with tries left. */
export interface FailedTry {
  readonly name: string;
  readonly number: number;
  readonly tries: number;
  readonly error: Failure;
  readonly retry: { readonly ms: number };
}

const kindOf = oneOf(...stepKinds);
const stateOf = oneOf(...stepStates);

export function readRow(raw: unknown): Row | undefined {
  const row = wireOf(raw);
  const name = textOf(row?.name);
  const [kind, state] = [kindOf(row?.kind), stateOf(row?.state)];
  if (row === undefined || name === undefined || kind === undefined || state === undefined) return undefined;
  return {
    name,
    kind,
    state,
    number: numberOf(row.number) ?? 0,
    tries: numberOf(row.tries) ?? 0,
    until: timeOf(row.until),
    nextAt: timeOf(row.next_at),
    due: booleanOf(row.due) ?? false,
    value: row.value,
    isApart: row.value === undefined && numberOf(row.bytes) !== undefined,
    isEncoded: booleanOf(row.encoded) ?? false,
    error: wireOf(row.error),
    workflow: textOf(row.workflow),
    undo: booleanOf(row.undo) ?? false,
    origin: textOf(row.origin),
    startedAt: timeOf(row.started_at),
  };
}

export function readRows(raw: unknown): readonly Row[] {
  return listOf(raw)
    .map(readRow)
    .filter((row) => row !== undefined);
}

function timeOf(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
