import { ProtocolError } from '../errors.ts';
import type { JobId, JobRecord, Transition } from '../job/job.ts';
import { State, stateName, Terminal } from '../job/states.ts';
import { missingJob } from '../job-store.ts';
import { isIn } from '../lifecycle/change.ts';
import { ask, type Steps } from '../steps.ts';
import { latestOf, type Millis } from '../time/clock.ts';
import { checkPayload, mailboxKey, mailboxOf, mailLimits, type OpenMailbox, openMailbox } from './mailbox.ts';
import { marking, waitsOf } from './marks.ts';
import { arrived, type Payload, type Written } from './merge.ts';
import { busy, changeOf, joined, recordRounds, rowIn } from './record.ts';
import { hasSteps, isMailed, stepsKind } from './row.ts';
import type { StepStore } from './store.ts';
import { isWaitingIn } from './waiting.ts';

/** A signal to a mailbox of a job, or to a token of the user. */
export interface Signal {
  readonly to:
    | { readonly job: JobId; readonly name: string }
    | { readonly token: string; readonly queue?: string | undefined; readonly lifeMs?: Millis | undefined };
  /** The same id counts once in a mailbox. */
  readonly id: string;
  readonly payload: Payload;
}

/** `woken`: a suspended job waited for it; `kept`: it is in the mailbox; `repeated`: its id was there before. */
export const signalOutcomes = ['woken', 'kept', 'repeated'] as const;

export interface Sent {
  readonly outcome: (typeof signalOutcomes)[number];
  /** The job that waits, or whose mailbox it is; null for a token without a waiter. */
  readonly job: JobRecord | null;
}

/**
 * Sends a signal, in one commit with a check of its mailbox.
 * @param may refuses a job that the sender has no right to.
 * @throws ProtocolError `not_found`, `job_ended`, `mailbox_full`, `step_too_large`
 */
export function* sendSignal(store: StepStore, signal: Signal, may: (job: JobRecord) => void): Steps<Sent> {
  const { to, id, payload } = signal;
  checkPayload(payload.text);
  for (let round = 0; round < recordRounds; round++) {
    const isOwn = 'job' in to;
    const box = yield* openMailbox(store, mailboxKey(isOwn ? to : { job: '', name: '', token: to.token }));
    const owner = isOwn ? to.job : box.waiter?.job;
    const job = owner === undefined ? null : yield* ask(store.job(owner));
    if (job !== null) may(job);
    else if (isOwn) throw missingJob(to.job);
    // The id of a repeated call is known even where the job has ended since.
    if (box.knows(id)) return { outcome: 'repeated', job };
    if (job !== null && isIn(job.state, Terminal)) throw ended(job, isOwn ? null : to.token);
    const now = latestOf(store.clock);
    if (!isOwn && job === null && box.waiter !== undefined) {
      // The waiter ended so long ago that it was deleted, and its mail with it.
      box.drop(() => true);
      box.waiter = undefined;
    }
    // So that its mail is deleted with it, and that no worker without durable steps gets it.
    if (job !== null && !hasSteps(job)) yield* ask(store.transition(marking(job, {})));
    const step = job === null ? null : waitingStep(job, isOwn ? null : box, isOwn ? to.name : null);
    const woken = job === null || step === null ? null : yield* wake(store, { job, step, box, id, payload, now });
    if (woken === null) keep(box, signal, now);
    const change = box.change(now);
    if ((yield* ask(store.commit(woken === null ? change : woken(change)))) !== true) continue;
    return { outcome: woken === null ? 'kept' : 'woken', job };
  }
  throw busy('job' in to ? to.job : null);
}

/** The name of the step in which a suspended job waits for this mailbox. */
function waitingStep(job: JobRecord, box: OpenMailbox | null, signal: string | null): string | null {
  if (box !== null) return box.waiter?.step ?? null;
  const wait = waitsOf(job)?.find((one) => isMailed(one.kind) && one.token === undefined && mailboxOf(one) === signal);
  return wait?.name ?? null;
}

type Change = ReturnType<OpenMailbox['change']>;

interface Wake {
  readonly job: JobRecord;
  readonly step: string;
  readonly box: OpenMailbox;
  readonly id: string;
  readonly payload: Payload;
  readonly now: Millis;
}

/** The commit that gives the payload to the waiting row; null if the job does not wait in it any more. */
function* wake(
  store: StepStore,
  { job, step, box, id, payload, now }: Wake,
): Steps<((change: Change) => Parameters<StepStore['commit']>[0]) | null> {
  const [found = null] = yield* ask(store.records([{ kind: stepsKind(job.id), key: step }]));
  const row = rowIn(found);
  if (!isWaitingIn(job, step, row)) return null;
  box.noteRead(id, now);
  box.waiter = undefined;
  const written: Written = arrived(step, row, payload, now);
  const { claims: _, ...rows } = changeOf({ id: job.id, claim: job.claim, worker: null }, [written], [found], now);
  return (change) => ({ ...joined([rows, change]), ends: [awake(job, now)] });
}

function keep(box: OpenMailbox, { id, to, payload }: Signal, now: Millis): void {
  const { encoded } = payload;
  const ofToken = 'token' in to && {
    until: now + (to.lifeMs ?? mailLimits.tokenMs),
    ...(to.queue !== undefined && { queue: to.queue }),
  };
  box.keep({ id, at: now, ...(encoded && { encoded }), ...ofToken }, payload.text);
}

/** Starts a suspended job. If it has moved since, its next call about the wait finds the payload. */
export function awake(job: JobRecord, now: Millis): Transition {
  return { id: job.id, from: State.retryable, claim: job.claim, to: State.available, runAt: now, events: [] };
}

function ended({ id, state }: JobRecord, token: string | null): ProtocolError {
  const whose = token === null ? '' : `, which waited for the token ${JSON.stringify(token)}`;
  const message = `The job ${id}${whose} is ${stateName(state)}; a job that has ended reads no signals.`;
  return new ProtocolError('job_ended', message, { job_id: id, current_state: stateName(state) });
}
