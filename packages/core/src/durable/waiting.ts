import { ProtocolError } from '../errors.ts';
import type { JobRecord } from '../job/job.ts';
import { State, Terminal } from '../job/states.ts';
import { isIn } from '../lifecycle/change.ts';
import type { RecordChange, RecordKey } from '../records.ts';
import { ask, type Steps } from '../steps.ts';
import type { Millis } from '../time/clock.ts';
import { mailboxKey, type OpenMailbox, openMailbox } from './mailbox.ts';
import { waitsOf } from './marks.ts';
import { arrived, ended, type Merged, type Written } from './merge.ts';
import { isMailed, type StepRow } from './row.ts';
import type { StepStore } from './store.ts';

/** The mailboxes that one commit changes, by their names. */
type Boxes = Map<string, OpenMailbox>;

interface Looked {
  readonly merged: readonly Merged[];
  /** Parts of the commit. */
  readonly changes: readonly Required<Pick<RecordChange, 'checks' | 'puts' | 'deletes'>>[];
}

/**
 * Looks for mail for the waits among these rows, in their commit: a wait takes the oldest signal, and a wait without
 * mail is written into its mailbox, so that a signal behind it finds it.
 * @param ends true for the record of a worker that runs: it gets the payload as an outcome. In a suspension the wait
 * stays open with its payload.
 * @throws ProtocolError `token_taken`
 */
export function* lookForMail(
  store: StepStore,
  job: JobRecord,
  merged: readonly Merged[],
  { now, ends }: { readonly now: Millis; readonly ends: boolean },
): Steps<Looked> {
  const boxes: Boxes = new Map();
  const after: Merged[] = [];
  for (const one of merged) after.push(looks(one) ? yield* look(store, { job, boxes, now, ends }, one) : one);
  return { merged: after, changes: [...boxes.values()].map((box) => box.change(now)) };
}

/** A wait that begins, continues or is over, and whose signal has not come. */
function looks({ kind, row }: Merged): boolean {
  if (!isMailed(row.kind) || row.arrivedAt !== undefined) return false;
  return row.state === 'open' || (kind === 'written' && row.state === 'expired');
}

interface Look {
  readonly job: JobRecord;
  readonly boxes: Boxes;
  readonly now: Millis;
  readonly ends: boolean;
}

function* look(store: StepStore, { job, boxes, now, ends }: Look, one: Merged): Steps<Merged> {
  const { name, row } = one;
  const key = mailboxKey({ job: job.id, name, ...row });
  const box = boxes.get(nameOf(key)) ?? (yield* openMailbox(store, key));
  boxes.set(nameOf(key), box);
  if (row.token !== undefined) yield* freeToken(store, job, name, box);
  const letter = box.oldest(job.queue, now);
  if (letter === null) {
    const isWaiter = row.token !== undefined && row.state === 'open';
    box.waiter = isWaiter ? { job: job.id, step: name } : undefined;
    return one;
  }
  const payload = yield* box.payloadOf(store, letter);
  box.take(letter, now);
  box.waiter = undefined;
  const written: Written = { ...arrived(name, row, payload, now), isNew: one.kind === 'written' && one.isNew };
  return ends ? { ...written, row: ended(written.row, now), isNews: true } : written;
}

/** Takes the token from a waiter that does not wait any more. Mail from before its end is dropped. */
function* freeToken(store: StepStore, job: JobRecord, step: string, box: OpenMailbox): Steps<void> {
  const { waiter } = box;
  if (waiter === undefined || (waiter.job === job.id && waiter.step === step)) return;
  const owner = waiter.job === job.id ? job : yield* ask(store.job(waiter.job));
  if (owner !== null && !isIn(owner.state, Terminal)) {
    const waits = waitsOf(owner);
    const isLeft = waits !== null && !waits.some(({ name }) => name === waiter.step);
    if (!isLeft) throw taken(box.key, waiter.job);
    return;
  }
  box.drop(() => true);
}

function taken({ key }: RecordKey, owner: string): ProtocolError {
  const message = `The job ${owner} waits for the token ${JSON.stringify(key)}, which can have one waiter.`;
  return new ProtocolError('token_taken', message, { job_id: owner, token: key });
}

/** Reports whether the job waits, suspended, in the open row of this step. */
export function isWaitingIn(job: JobRecord, step: string, row: StepRow | null): row is StepRow {
  if (job.state !== State.retryable || row?.state !== 'open' || row.arrivedAt !== undefined) return false;
  return waitsOf(job)?.some(({ name }) => name === step) ?? false;
}

function nameOf({ kind, key }: RecordKey): string {
  return `${kind}/${key}`;
}
