import {
  type JobId,
  type JobRecord,
  ProtocolError,
  type ReadEnvelope,
  State,
  stateName,
  updatedInPlace,
} from '@ojs-ts/core';
import type { Inserted, Table } from './table.ts';

export type PushedItem =
  | { readonly kind: 'created'; readonly job: JobRecord; readonly replaced: readonly JobId[] }
  /** Nothing was created: the job that holds the unique key, with new args and meta where it was `updated`. */
  | { readonly kind: 'deduplicated'; readonly job: JobRecord; readonly updated: boolean };

export interface Pushed {
  readonly items: readonly PushedItem[];
  /** Everything that was let in is there already: a repeated call. */
  readonly isRepeated: boolean;
}

/** A job that was not let in; nothing was. */
export class Refused extends ProtocolError {
  readonly existing: JobRecord;

  constructor(message: string, details: Readonly<Record<string, unknown>>, existing: JobRecord) {
    super('duplicate', message, details);
    this.existing = existing;
  }
}

/** PUSH (ojs-core §7.1), all or none, in the rounds of a server: duplicates that a policy settles are left out, and the others are tried again. @throws Refused */
export function push(table: Table, envelopes: readonly ReadEnvelope[]): Pushed {
  const undo = table.savepoint();
  try {
    return inRounds(table, envelopes);
  } catch (error) {
    undo();
    throw error;
  }
}

function inRounds(table: Table, envelopes: readonly ReadEnvelope[]): Pushed {
  const settled = new Map<ReadEnvelope, PushedItem>();
  /** The scheduled jobs that these change once the others are in. */
  const updates = new Map<ReadEnvelope, JobId>();
  for (;;) {
    const left = envelopes.filter((envelope) => !settled.has(envelope) && !updates.has(envelope));
    const undo = table.savepoint();
    const answers = verdicts(left.map(({ job }) => table.insert(job)));
    if (answers.every(({ kind }) => kind !== 'duplicate')) {
      left.forEach((envelope, at) => {
        const answer = answers[at];
        if (answer !== undefined && answer.kind !== 'duplicate') settled.set(envelope, itemOf(answer));
      });
      for (const [envelope, id] of updates) update(table, envelope, id, settled);
      const items = envelopes.flatMap((envelope) => settled.get(envelope) ?? []);
      return { items, isRepeated: left.length > 0 && answers.every(({ kind }) => kind === 'already') };
    }
    undo();
    for (const [at, envelope] of left.entries()) {
      const answer = answers[at];
      if (answer?.kind !== 'duplicate') continue;
      // As it is without this call, which may have replaced it.
      const existing = table.jobs.get(answer.existing.id) ?? answer.existing;
      if (settle(envelope, { ...answer, existing }, envelopes.indexOf(envelope)) === 'updates')
        updates.set(envelope, existing.id);
      else settled.set(envelope, { kind: 'deduplicated', job: existing, updated: false });
    }
  }
}

/** A job that another one of the same call has replaced is left as it is. */
function update(table: Table, envelope: ReadEnvelope, id: JobId, settled: Map<ReadEnvelope, PushedItem>): void {
  const existing = table.get(id);
  const updated = existing.state === State.scheduled;
  const job = updated ? table.move(updatedInPlace(existing, envelope.job)) : existing;
  // The answers are given at the end of the call, and the job may be one of it.
  if (updated) for (const [other, item] of settled) if (item.job.id === id) settled.set(other, { ...item, job });
  settled.set(envelope, { kind: 'deduplicated', job, updated });
}

/** A group of which only a part is there is not the call that made it. */
function verdicts(answers: readonly Inserted[]): readonly Inserted[] {
  if (answers.every(({ kind }) => kind === 'already')) return answers;
  return answers.map((answer) =>
    answer.kind === 'already' ? { kind: 'duplicate', by: 'id', existing: answer.job } : answer,
  );
}

function itemOf(inserted: Exclude<Inserted, { readonly kind: 'duplicate' }>): PushedItem {
  return { kind: 'created', job: inserted.job, replaced: inserted.kind === 'inserted' ? inserted.replaced : [] };
}

/** What a policy makes of a job that was not let in. @throws Refused where none settles it */
function settle(
  { onConflict }: ReadEnvelope,
  { by, existing }: Extract<Inserted, { readonly kind: 'duplicate' }>,
  index: number,
): 'ignored' | 'updates' {
  if (by === 'id') throw duplicate(existing.id, index, 'there already', existing);
  if (onConflict === 'ignore') return 'ignored';
  if (onConflict === 'replace_except_schedule' && existing.state === State.scheduled) return 'updates';
  const { id, state, uniqueKey } = existing;
  throw new Refused(
    `Job ${id} has the same unique key and is ${stateName(state)}; nothing was enqueued.`,
    {
      existing_job_id: id,
      existing_job_state: stateName(state),
      unique_key: uniqueKey,
      uniqueness_key: uniqueKey,
      index,
    },
    existing,
  );
}

export function duplicate(id: JobId, index: number, where: string, existing: JobRecord): Refused {
  const details = { existing_job_id: id, index, existing_job_state: stateName(existing.state) };
  return new Refused(`A job with id ${id} is ${where}; nothing was enqueued.`, details, existing);
}
