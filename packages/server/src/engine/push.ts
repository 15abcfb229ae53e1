import { type JobRecord, type NewJob, recordOf, State, type UniquePolicy, updatedInPlace } from '@ojs-ts/core';
import type { Inserted } from '../storage/storage.ts';
import type { Batches } from './batches.ts';

export interface PushItem {
  readonly job: NewJob;
  /** What its unique policy does about a duplicate; null where it has none. */
  readonly onConflict: UniquePolicy['onConflict'] | null;
}

export type PushedItem =
  | { readonly kind: 'created'; readonly job: JobRecord; readonly replaced: readonly string[] }
  /** Nothing was created: the job that holds the unique key, with new args and meta where it was `updated`. */
  | { readonly kind: 'deduplicated'; readonly job: JobRecord; readonly updated: boolean };

export type Refused = Extract<Inserted, { readonly kind: 'duplicate' | 'full' | 'paused' }>;

export type Pushed =
  | { readonly kind: 'pushed'; readonly items: readonly PushedItem[] }
  /** Every job of the call that its policies let in is there already, with the same content: a repeated call. */
  | { readonly kind: 'repeated'; readonly items: readonly PushedItem[] }
  /** Nothing was inserted, because of the item at `index`. */
  | { readonly kind: 'refused'; readonly index: number; readonly why: Refused };

/** A scheduled job that is to be updated may start meanwhile; then the key is looked up again. */
const rounds = 5;

/**
 * PUSH (ojs-core §7.1, X37), all or none. Duplicates that a policy ignores are left out and answered with the job that holds their key, within a
 * batch too (digest §17).
 */
export async function push(batches: Batches, items: readonly PushItem[]): Promise<Pushed> {
  const outcomes: (PushedItem | null)[] = items.map(() => null);
  let repeated = true;
  for (let round = 0; ; round++) {
    const left = items.flatMap((item, index) => (outcomes[index] === null ? [{ ...item, index }] : []));
    const answers = left.length === 0 ? [] : await batches.insert(left.map(({ job }) => job));
    const refusals = left.flatMap((item, at) => {
      const answer = answers[at];
      return answer?.kind === 'duplicate' || answer?.kind === 'full' || answer?.kind === 'paused' ? [{ item, answer }] : [];
    });
    if (refusals.length === 0) {
      left.forEach((item, at) => {
        const answer = answers[at];
        if (answer?.kind === 'inserted') repeated = false;
        outcomes[item.index] = {
          kind: 'created',
          job: answer?.kind === 'already' ? answer.job : recordOf(item.job),
          replaced: answer?.kind === 'inserted' ? answer.replaced : [],
        };
      });
      const done = outcomes.filter((outcome) => outcome !== null);
      return { kind: repeated && left.length > 0 ? 'repeated' : 'pushed', items: done };
    }
    for (const { item, answer } of refusals) {
      const settled =
        round < rounds + items.length && answer.kind === 'duplicate' && answer.by === 'unique'
          ? await settle(batches, item, answer.existing)
          : 'refuse';
      if (settled === 'refuse') return { kind: 'refused', index: item.index, why: answer };
      if (settled !== 'again') outcomes[item.index] = settled;
    }
  }
}

async function settle(batches: Batches, { job, onConflict }: PushItem, existing: JobRecord): Promise<PushedItem | 'refuse' | 'again'> {
  if (onConflict === 'ignore') return { kind: 'deduplicated', job: existing, updated: false };
  if (onConflict !== 'replace_except_schedule' || existing.state !== State.scheduled) return 'refuse';
  const moved = await batches.transition(updatedInPlace(existing, job));
  if (moved.kind === 'missing') return 'again';
  const after = await batches.get(existing.id);
  if (after === null || moved.kind === 'refused') return 'again';
  return { kind: 'deduplicated', job: after, updated: true };
}
