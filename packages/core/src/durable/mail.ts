import type { StoredRecord } from '../records.ts';
import { ask, run, type Steps } from '../steps.ts';
import { latestOf } from '../time/clock.ts';
import { OpenMailbox, tokenKind } from './mailbox.ts';
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
