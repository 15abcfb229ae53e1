import type { Inserted } from './admission.ts';
import { type JobId, type JobRecord, type NewJob, recordOf } from './job/job.ts';
import { State } from './job/states.ts';
import type { JobStore } from './job-store.ts';
import { updatedInPlace } from './lifecycle/decide.ts';
import type { UniquePolicy } from './lifecycle/unique/unique.ts';
import { ask, every, type Steps } from './steps.ts';

export interface PushItem {
  readonly job: NewJob;
  /** The effect of its unique policy on a duplicate; null without a policy. */
  readonly onConflict: UniquePolicy['onConflict'] | null;
}

export type PushedItem =
  | { readonly kind: 'created'; readonly job: JobRecord; readonly replaced: readonly JobId[] }
  /** Nothing was created. The job holds the unique key; if `updated`, it has the new args and meta. */
  | { readonly kind: 'deduplicated'; readonly job: JobRecord; readonly updated: boolean };

export type PushRefusal = Extract<Inserted, { readonly kind: 'duplicate' | 'full' | 'paused' }>;

export type Pushed =
  | { readonly kind: 'pushed'; readonly items: readonly PushedItem[] }
  /** Every admitted job of the call exists already, with the same content: a repeated call. */
  | { readonly kind: 'repeated'; readonly items: readonly PushedItem[] }
  /** Nothing was inserted, because of the item at `index`. */
  | { readonly kind: 'refused'; readonly index: number; readonly why: PushRefusal };

/** How often the key is looked up again if a scheduled job starts before its update. */
const rounds = 5;

/** A job that is not inserted: the scheduled holder of its key gets its args and meta. */
interface Update {
  readonly item: PushItem;
  readonly index: number;
  readonly existing: JobRecord;
}

/**
 * PUSH (ojs-core §7.1), all or none. Duplicates that a policy ignores are left out and answered with the job that holds
 * their key, also within a batch. Jobs are changed in place after all others are inserted, so a refused batch changes
 * nothing.
 * @param first what the store answered to the insert of all of them, where it was asked already.
 */
export function* push(
  store: JobStore,
  items: readonly PushItem[],
  round = 0,
  first?: readonly Inserted[],
): Steps<Pushed> {
  const outcomes = new Map<number, PushedItem>();
  const updates: Update[] = [];
  let left = items.map((item, index) => ({ item, index }));
  let repeated = false;
  let inserted = first;
  while (left.length > 0) {
    const answers: readonly Inserted[] = inserted ?? (yield* ask(store.insert(left.map(({ item }) => item.job))));
    inserted = undefined;
    const atOnce = left.length === items.length ? pushedAtOnce(items, answers) : null;
    if (atOnce !== null) return atOnce;
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
  const refused = updates.length === 0 ? null : yield* update(store, updates, outcomes, round);
  if (refused) return refused;
  return { kind: repeated ? 'repeated' : 'pushed', items: items.flatMap((_, index) => outcomes.get(index) ?? []) };
}

/**
 * Reports whether the request and the time of the call define the whole job: it is new, and waits as sent. Relative
 * times count from a moment that only the server knows.
 */
export function isAsSent(item: PushedItem): boolean {
  return (
    item.kind === 'created' &&
    item.replaced.length === 0 &&
    item.job.state === State.available &&
    item.job.claim === 0 &&
    item.job.history === '' &&
    !item.job.policy?.includes('"resolved":')
  );
}

/** The outcome of a push whose insert needs no second look, as almost every one; null for all others. */
export function pushedAtOnce(items: readonly PushItem[], answers: readonly Inserted[]): Pushed | null {
  if (answers.length !== items.length) return null;
  let repeated = true;
  for (const { kind } of answers) {
    if (kind !== 'inserted' && kind !== 'already') return null;
    repeated &&= kind === 'already';
  }
  return {
    kind: repeated ? 'repeated' : 'pushed',
    items: items.map((item, index) => created(item, answers[index])),
  };
}

function created({ job }: PushItem, answer: Inserted | undefined): PushedItem {
  return {
    kind: 'created',
    job: answer?.kind === 'already' ? answer.job : recordOf(job),
    replaced: answer?.kind === 'inserted' ? answer.replaced : [],
  };
}

/** The effect of a policy on a job that was not admitted. */
function settle({ onConflict }: PushItem, answer: PushRefusal): 'ignored' | 'updates' | 'refused' {
  if (answer.kind !== 'duplicate' || answer.by !== 'unique') return 'refused';
  if (onConflict === 'ignore') return 'ignored';
  return onConflict === 'replace_except_schedule' && answer.existing.state === State.scheduled ? 'updates' : 'refused';
}

/**
 * If several jobs change the same one, the last one wins. Returns a refusal if the only job of a call cannot be
 * inserted.
 */
function* update(
  store: JobStore,
  updates: readonly Update[],
  outcomes: Map<number, PushedItem>,
  round: number,
): Steps<Pushed | null> {
  const replaced = new Set(
    [...outcomes.values()].flatMap((outcome) => (outcome.kind === 'created' ? outcome.replaced : [])),
  );
  const last = new Map(updates.map((one) => [one.existing.id, one]));
  const isAlone = outcomes.size === 0 && updates.length === 1;
  const updated = yield* updateInPlace(store, [...last.values()]);
  const byId = new Map<JobId, PushedItem | null>();
  for (const [id, { item, index }] of last) {
    const job = updated.get(id);
    if (job !== undefined) {
      byId.set(id, { kind: 'deduplicated', job, updated: true });
      continue;
    }
    // The job has started since, unless a later job of this call has replaced it.
    const again = replaced.has(id) || round >= rounds ? null : yield* push(store, [item], round + 1);
    if (again?.kind === 'refused' && isAlone) return { ...again, index };
    byId.set(id, again === null || again.kind === 'refused' ? null : (again.items[0] ?? null));
  }
  for (const { index, existing } of updates) {
    const item = byId.get(existing.id) ?? null;
    const isLast = last.get(existing.id)?.index === index;
    if (item !== null && (isLast || item.kind === 'deduplicated')) outcomes.set(index, item);
    else {
      const now = item === null ? yield* ask(store.get(existing.id)) : item.job;
      outcomes.set(index, { kind: 'deduplicated', job: now ?? existing, updated: false });
    }
  }
  // The job may belong to this call.
  for (const [index, outcome] of outcomes) {
    const changed = byId.get(outcome.job.id);
    if (outcome.kind === 'created' && changed?.kind === 'deduplicated')
      outcomes.set(index, { ...outcome, job: changed.job });
  }
  return null;
}

/** The jobs after the updates, without those that are no longer scheduled. */
function* updateInPlace(store: JobStore, updates: readonly Update[]): Steps<ReadonlyMap<JobId, JobRecord>> {
  const jobs = yield* ask(every(updates.map(({ existing }) => store.get(existing.id))));
  const transitions = updates.flatMap(({ item }, at) => {
    const job = jobs[at];
    return job?.state === State.scheduled ? [updatedInPlace(job, item.job)] : [];
  });
  const moved = yield* ask(every(transitions.map((transition) => store.transition(transition))));
  const ids = transitions.flatMap(({ id }, at) => {
    const kind = moved[at]?.kind;
    return kind === 'moved' || kind === 'already' ? [id] : [];
  });
  const after = yield* ask(every(ids.map((id) => store.get(id))));
  return new Map(after.flatMap((job) => (job === null ? [] : [[job.id, job] as const])));
}
