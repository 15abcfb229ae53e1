import { type JobId, type JobRecord, OjsFault, type ReadEnvelope, State, stateName, updatedInPlace } from '@ojs-ts/core';
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
export class Refused extends OjsFault {
  readonly existing: JobRecord;

  constructor(message: string, details: Readonly<Record<string, unknown>>, existing: JobRecord) {
    super('duplicate', message, details);
    this.existing = existing;
  }
}

/** PUSH (ojs-core §7.1), all or none. @throws Refused */
export function push(table: Table, envelopes: readonly ReadEnvelope[]): Pushed {
  const undo = table.savepoint();
  const items: PushedItem[] = [];
  let [created, there]: [number, JobRecord | null] = [0, null];
  try {
    for (const [index, { job, onConflict }] of envelopes.entries()) {
      const inserted = table.insert(job);
      const item = inserted.kind === 'duplicate' ? settle(table, envelopes[index], inserted, onConflict, index) : itemOf(inserted);
      items.push(item);
      if (inserted.kind === 'inserted') created += 1;
      if (inserted.kind === 'already') there ??= inserted.job;
    }
    if (created > 0 && there !== null)
      throw duplicate(
        there.id,
        items.findIndex(({ job }) => job.id === there?.id),
        'there already',
        there,
      );
    return { items, isRepeated: there !== null };
  } catch (error) {
    undo();
    throw error;
  }
}

function itemOf(inserted: Exclude<Inserted, { readonly kind: 'duplicate' }>): PushedItem {
  return { kind: 'created', job: inserted.job, replaced: inserted.kind === 'inserted' ? inserted.replaced : [] };
}

function settle(
  table: Table,
  envelope: ReadEnvelope | undefined,
  { by, existing }: Extract<Inserted, { readonly kind: 'duplicate' }>,
  onConflict: ReadEnvelope['onConflict'],
  index: number,
): PushedItem {
  if (by === 'id') throw duplicate(existing.id, index, 'there already', existing);
  if (onConflict === 'ignore') return { kind: 'deduplicated', job: existing, updated: false };
  if (onConflict === 'replace_except_schedule' && existing.state === State.scheduled && envelope !== undefined) {
    return { kind: 'deduplicated', job: table.move(updatedInPlace(existing, envelope.job)), updated: true };
  }
  const { id, state, uniqueKey } = existing;
  throw new Refused(
    `Job ${id} has the same unique key and is ${stateName(state)}; nothing was enqueued.`,
    { existing_job_id: id, existing_job_state: stateName(state), unique_key: uniqueKey, uniqueness_key: uniqueKey, index },
    existing,
  );
}

export function duplicate(id: JobId, index: number, where: string, existing: JobRecord): Refused {
  const details = { existing_job_id: id, index, existing_job_state: stateName(existing.state) };
  return new Refused(`A job with id ${id} is ${where}; nothing was enqueued.`, details, existing);
}
