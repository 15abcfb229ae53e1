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

/** As often as a server looks a key up again. */
const rounds = 5;

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
  for (let round = 0; ; round++) {
    const left = envelopes.filter((envelope) => !settled.has(envelope));
    const undo = table.savepoint();
    const answers = verdicts(left.map(({ job }) => table.insert(job)));
    if (answers.every(({ kind }) => kind !== 'duplicate')) {
      left.forEach((envelope, at) => {
        const answer = answers[at];
        if (answer !== undefined && answer.kind !== 'duplicate') settled.set(envelope, itemOf(answer));
      });
      const items = envelopes.flatMap((envelope) => settled.get(envelope) ?? []);
      return { items, isRepeated: left.length > 0 && answers.every(({ kind }) => kind === 'already') };
    }
    undo();
    const isLast = round >= rounds + envelopes.length;
    for (const [at, envelope] of left.entries()) {
      const answer = answers[at];
      if (answer?.kind !== 'duplicate') continue;
      // As it is without this call, which may have replaced it.
      const existing = table.jobs.get(answer.existing.id) ?? answer.existing;
      const item = settle(table, envelope, { ...answer, existing }, envelopes.indexOf(envelope), isLast);
      if (item !== null) settled.set(envelope, item);
    }
  }
}

/** A group of which only a part is there is not the call that made it. */
function verdicts(answers: readonly Inserted[]): readonly Inserted[] {
  if (answers.every(({ kind }) => kind === 'already')) return answers;
  return answers.map((answer) => (answer.kind === 'already' ? { kind: 'duplicate', by: 'id', existing: answer.job } : answer));
}

function itemOf(inserted: Exclude<Inserted, { readonly kind: 'duplicate' }>): PushedItem {
  return { kind: 'created', job: inserted.job, replaced: inserted.kind === 'inserted' ? inserted.replaced : [] };
}

/** Null: it is to be tried again, because the job in its way is of the same call and not there yet. */
function settle(
  table: Table,
  { job, onConflict }: ReadEnvelope,
  { by, existing }: Extract<Inserted, { readonly kind: 'duplicate' }>,
  index: number,
  isLast: boolean,
): PushedItem | null {
  if (by === 'id') throw duplicate(existing.id, index, 'there already', existing);
  if (!isLast && onConflict === 'ignore') return { kind: 'deduplicated', job: existing, updated: false };
  if (!isLast && onConflict === 'replace_except_schedule' && existing.state === State.scheduled) {
    if (!table.jobs.has(existing.id)) return null;
    return { kind: 'deduplicated', job: table.move(updatedInPlace(existing, job)), updated: true };
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
