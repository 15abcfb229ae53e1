import type { JobId, Json } from '../job/job.ts';
import type { StoredRecord } from '../records.ts';
import { ask, run, type Steps } from '../steps.ts';
import { latestOf, type Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { mailboxKey, OpenMailbox, ownSignals, tokenKind } from './mailbox.ts';
import type { StepStore } from './store.ts';

/** Mailboxes that one pass of upkeep looks at. */
const page = 500;

/**
 * Removes expired mail under tokens, and empty mailboxes. Mail of a job is deleted with its job.
 * @param from the end of the pass before.
 * @returns the end of this pass; undefined to begin again.
 */
export function* sweepMail(store: StepStore, from: string | undefined): Steps<string | undefined> {
  const found = yield* ask(store.scan(tokenKind, { ...(from !== undefined && { from }), limit: page }));
  // All of them start at once, so that they share reads and commits.
  yield* ask(Promise.all(found.map((record) => run(sweep(store, record)))));
  return found.length < page ? undefined : found.at(-1)?.key;
}

/** A mailbox that has changed since it was read is left to the next pass. */
function* sweep(store: StepStore, record: StoredRecord): Steps<void> {
  const { kind, key } = record;
  const box = new OpenMailbox({ kind, key }, record);
  const isWaiterGone = box.waiter !== undefined && (yield* ask(store.job(box.waiter.job))) === null;
  const change = box.swept(isWaiterGone, latestOf(store.clock));
  if (change !== null) yield* ask(store.commit(change));
}

/** The mailboxes of a job that have unread mail, as items of a list: the first 500 by name, without those of children. */
export function* unreadMail(store: StepStore, job: JobId): Steps<readonly Json[]> {
  const { kind } = mailboxKey({ job, name: '' });
  const found = yield* ask(store.scan(kind, { limit: page }));
  const now = latestOf(store.clock);
  return found.flatMap((record) => {
    const { key } = record;
    const box = new OpenMailbox({ kind, key }, record);
    const isShown = !key.startsWith(ownSignals) && box.unread(now).length > 0;
    return isShown ? [`{"name":${JSON.stringify(key)},${unreadOf(box, now)}}`] : [];
  });
}

/** A mailbox under a token, as an item of a list. */
export function tokenMailbox({ kind, key, ...record }: StoredRecord, now: Millis): Json {
  const box = new OpenMailbox({ kind, key }, { kind, key, ...record });
  const { waiter } = box;
  const whose = waiter === undefined ? '' : `,"job_id":"${waiter.job}","step":${JSON.stringify(waiter.step)}`;
  return `{"token":${JSON.stringify(key)},${unreadOf(box, now)}${whose}}`;
}

function unreadOf(box: OpenMailbox, now: Millis): string {
  const letters = box.unread(now);
  const [oldest] = letters;
  return `"unread":${letters.length}${oldest === undefined ? '' : `,"oldest_at":"${formatTimestamp(oldest.at)}"`}`;
}
