import {
  type JobId,
  type JobRecord,
  type NewJob,
  recordOf,
  State,
  type UniquePolicy,
  updatedInPlace,
} from '@ojs-ts/core';
import type { Inserted } from '../../storage/storage.ts';
import type { Batches } from '../batches.ts';

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

/** A scheduled job that is to be updated may start meanwhile; then the key is looked up again, so often at most. */
const rounds = 5;

/** A job that is not inserted: the scheduled one that holds its key gets its args and meta instead. */
interface Update {
  readonly item: PushItem;
  readonly index: number;
  readonly existing: JobRecord;
}

/**
 * PUSH (ojs-core §7.1), all or none. Duplicates that a policy ignores are left out and answered with the job that holds their key, within a
 * batch too. Jobs are changed in place once all others are in, so that a batch that is refused has changed nothing.
 */
export async function push(batches: Batches, items: readonly PushItem[], round = 0): Promise<Pushed> {
  const outcomes = new Map<number, PushedItem>();
  const updates: Update[] = [];
  let left = items.map((item, index) => ({ item, index }));
  let repeated = false;
  while (left.length > 0) {
    const answers = await batches.insert(left.map(({ item }) => item.job));
    const refusals = left.flatMap(({ item, index }, at) => {
      const answer = answers[at];
      return answer?.kind === 'duplicate' || answer?.kind === 'full' || answer?.kind === 'paused'
        ? [{ item, index, answer }]
        : [];
    });
    if (refusals.length === 0) {
      for (const [at, { item, index }] of left.entries()) outcomes.set(index, created(item, answers[at]));
      repeated = answers.every(({ kind }) => kind === 'already');
      break;
    }
    const settled = refusals.map(({ item, answer }) => settle(item, answer));
    const refused = refusals.find((_, at) => settled[at] === 'refused');
    if (refused) return { kind: 'refused', index: refused.index, why: refused.answer };
    refusals.forEach(({ item, index, answer }, at) => {
      if (answer.kind !== 'duplicate') return;
      if (settled[at] === 'ignored')
        outcomes.set(index, { kind: 'deduplicated', job: answer.existing, updated: false });
      else updates.push({ item, index, existing: answer.existing });
    });
    const gone = new Set(refusals.map(({ index }) => index));
    left = left.filter(({ index }) => !gone.has(index));
  }
  const refused = await update(batches, updates, outcomes, round);
  if (refused) return refused;
  return { kind: repeated ? 'repeated' : 'pushed', items: items.flatMap((_, index) => outcomes.get(index) ?? []) };
}

function created({ job }: PushItem, answer: Inserted | undefined): PushedItem {
  return {
    kind: 'created',
    job: answer?.kind === 'already' ? answer.job : recordOf(job),
    replaced: answer?.kind === 'inserted' ? answer.replaced : [],
  };
}

/** What a policy makes of a job that was not let in. */
function settle({ onConflict }: PushItem, answer: Refused): 'ignored' | 'updates' | 'refused' {
  if (answer.kind !== 'duplicate' || answer.by !== 'unique') return 'refused';
  if (onConflict === 'ignore') return 'ignored';
  return onConflict === 'replace_except_schedule' && answer.existing.state === State.scheduled ? 'updates' : 'refused';
}

/** Of several jobs that change the same one, the last one counts. Answers a refusal where the one job of a call cannot be inserted after all. */
async function update(
  batches: Batches,
  updates: readonly Update[],
  outcomes: Map<number, PushedItem>,
  round: number,
): Promise<Pushed | null> {
  if (updates.length === 0) return null;
  const replaced = new Set(
    [...outcomes.values()].flatMap((outcome) => (outcome.kind === 'created' ? outcome.replaced : [])),
  );
  const last = new Map(updates.map((one) => [one.existing.id, one]));
  const isAlone = outcomes.size === 0 && updates.length === 1;
  const settled = await Promise.all(
    Array.from(last.values(), async ({ item, existing: { id } }) => {
      const after = await updateOne(batches, item, id);
      if (after !== null) return { kind: 'deduplicated', job: after, updated: true } as const;
      // It started meanwhile, unless a later job of this call has taken its place.
      const again = replaced.has(id) || round >= rounds ? null : await push(batches, [item], round + 1);
      if (again?.kind === 'refused' && isAlone) return again;
      return (again?.kind === 'refused' ? null : again?.items[0]) ?? null;
    }),
  );
  const byId = new Map([...last.keys()].map((id, at) => [id, settled[at] ?? null]));
  for (const { index, existing } of updates) {
    const item = byId.get(existing.id) ?? null;
    if (item?.kind === 'refused') return { ...item, index };
    const isLast = last.get(existing.id)?.index === index;
    if (item !== null && (isLast || item.kind === 'deduplicated')) outcomes.set(index, item);
    else
      outcomes.set(index, {
        kind: 'deduplicated',
        job: item?.job ?? (await batches.get(existing.id)) ?? existing,
        updated: false,
      });
  }
  // The job may be one of this call.
  for (const [index, outcome] of outcomes) {
    const changed = byId.get(outcome.job.id);
    if (outcome.kind === 'created' && changed?.kind === 'deduplicated')
      outcomes.set(index, { ...outcome, job: changed.job });
  }
  return null;
}

/** The job as it is then; null where it is not scheduled any more. */
async function updateOne(batches: Batches, { job }: PushItem, id: JobId): Promise<JobRecord | null> {
  const existing = await batches.get(id);
  if (existing?.state !== State.scheduled) return null;
  const moved = await batches.transition(updatedInPlace(existing, job));
  if (moved.kind === 'missing' || moved.kind === 'refused') return null;
  return (await batches.get(id)) ?? existing;
}
