import { elements, members } from '@ojs-ts/core';
import {
  dueOf,
  type Merged,
  type Merging,
  mergedStep,
  mergedTry,
  type SentStep,
  type StepKind,
  type StepRow,
  type StepState,
  stepLimits,
  stepsKind,
} from '@ojs-ts/core/durable';
import { idOf, readSteps, readSuspension } from '@ojs-ts/core/handlers';
import { type JobRecord, type Json, State } from '@ojs-ts/core/job';
import { requeued } from '@ojs-ts/core/lifecycle';
import { Fields, json } from '@ojs-ts/core/requests';
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
  'worker.steps': (host, { body }) => {
    const fields = new Fields(Fields.parse(body));
    const texts = elements(members(body ?? '{}').get('items') ?? '[]');
    const items = fields.items('items', stepLimits.items).map((item, index) => {
      const id = String(item.raw('job_id'));
      const steps = readSteps(item, () => texts[index] ?? '{}');
      const job = host.storage.get(id);
      fields.done();
      if (job === null) return refused(id, 404, 'There is no such job.');
      const isHeld = job.state === State.active && host.leases.of(job) === item.raw('x_lease');
      if (!isHeld) return refused(id, 409, 'The job no longer belongs to this execution.');
      return { job_id: id, status: 200, steps: steps.map((sent) => keep(host.storage, job, step(sent), sent.name)) };
    });
    return json({ items });
  },
  'job.steps': (host, request) => {
    const { id } = host.known(idOf(request));
    const { names, after = '0' } = request.query;
    const wanted: unknown = names === undefined ? null : JSON.parse(names);
    const isWanted = (name: string) => !Array.isArray(wanted) || wanted.includes(name);
    const rows = wireRows(host.storage, id).filter(({ name, number }) => isWanted(name) && number > Number(after));
    return json({ steps: rows, next: null });
  },
};

/** Suspends a job by the nack of its execution. False for any other nack. */
export function suspend({ storage }: Host, job: JobRecord, nack: Json): boolean {
  const suspension = readSuspension(new Fields(Fields.parse(nack)), () => nack);
  if (suspension === null) return false;
  const { waits, steps, tries } = suspension;
  for (const sent of steps) keep(storage, job, step(sent), sent.name);
  for (const sent of tries) keep(storage, job, (existing, at) => mergedTry(sent, existing, at), sent.name);
  const named = new Set([...waits, ...tries].map(({ name }) => name));
  const ends = rowsOf(storage, job.id).flatMap(([name, row]) => (named.has(name) ? (dueOf(row) ?? []) : []));
  storage.transition(requeued(job, 'waiting', storage.now, 'worker', Math.max(0, Math.min(...ends) - storage.now)));
  return true;
}

/** The rows of a job as its worker gets them, in the order of their numbers. */
export function wireRows(storage: Table, id: string) {
  const at = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());
  return rowsOf(storage, id).map(([name, { kind, state, number, tries, until, nextAt, value, error }]) => {
    const end = dueOf({ until, nextAt });
    const due = state === 'open' && end !== null && end <= storage.now ? true : undefined;
    const read = { value: parsed(value), error: parsed(error) };
    return compact({ name, kind, state, number, tries, until: at(until), next_at: at(nextAt), due, ...read });
  });
}

export function stepsOf(storage: Table, id: string): readonly FakeStep[] {
  return rowsOf(storage, id).map(([name, { kind, state, number, tries, until, value, error }]) => {
    const end = until === undefined ? undefined : new Date(until);
    return compact({ name, kind, state, number, tries, value: parsed(value), error: parsed(error), until: end });
  });
}

function refused(id: string, status: number, message: string) {
  return { job_id: id, status, error: { code: status === 404 ? 'not_found' : 'conflict', message } };
}

/** Keeps the row, unless an earlier outcome stays. */
function keep(storage: Table, job: JobRecord, merge: (existing: StepRow | null, at: Merging) => Merged, name: string) {
  const { now } = storage;
  const before = rowsOf(storage, job.id).find(([other]) => other === name)?.[1] ?? null;
  const merged = merge(before, { now, claim: job.claim });
  const { state, number, value, error } = merged.row;
  if (merged.kind === 'kept') return { name, state, value: parsed(value), error: parsed(error), recorded: true };
  // Every value is in its row, however long it is.
  const row = merged.apart === null ? merged.row : { ...merged.row, value: merged.apart };
  const stored = { version: number, createdAt: now, updatedAt: now, body: JSON.stringify(row) };
  storage.records.commit([{ puts: [{ kind: stepsKind(job.id), key: name, ...stored }] }], now);
  return { name, state };
}

const step = (sent: SentStep) => (existing: StepRow | null, at: Merging) => mergedStep(sent, existing, at);

function rowsOf(storage: Table, id: string): readonly (readonly [string, StepRow])[] {
  const records = storage.records.scan(stepsKind(id), { limit: stepLimits.steps });
  const rows = records.map(({ key, body }): readonly [string, StepRow] => [key, JSON.parse(body)]);
  return rows.sort(([, a], [, b]) => a.number - b.number);
}

function parsed(text: Json | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}
