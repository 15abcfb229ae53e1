import { type Clock, latestOf, type Millis, utf8Length } from '@ojs-ts/core';
import { leftBy, markOf, type SentSuspension, type StepStore, suspend } from '@ojs-ts/core/durable';
import {
  type Failure,
  historyOf,
  type JobId,
  type JobRecord,
  type Json,
  minResultSizeLimit,
  outcomeOf,
  resultSizeLimit,
  State,
  type Transition,
} from '@ojs-ts/core/job';
import {
  allowedAttempts,
  completed,
  failed,
  isOwner,
  leaseLost,
  policyOf,
  requeued,
  retryPolicy,
  run,
  unhandled,
  wakeOf,
} from '@ojs-ts/core/lifecycle';
import type { Moved } from '../../storage/storage.ts';
import type { Batches } from '../batches.ts';
import type { EngineLog } from '../options.ts';
import { logFailure } from './failure-log.ts';

/** How a worker ends an execution. `claim` is the fence, `worker` the ownership, each if the worker sent it. */
export type Settlement = {
  readonly id: JobId;
  readonly claim: number | null;
  readonly worker: string | null;
} & (
  | { readonly kind: 'ack'; readonly result: Json | null }
  | { readonly kind: 'fail'; readonly failure: Failure }
  /** The worker has no handler for the type. It proposes the delay. */
  | { readonly kind: 'refuse'; readonly failure: Failure; readonly delayMs: number }
  /** Returned: the attempt does not count. With a delay the job is snoozed. */
  | { readonly kind: 'requeue'; readonly reason: string; readonly delayMs: number }
  /** The job waits in its durable steps: the attempt does not count. */
  | { readonly kind: 'suspend'; readonly sent: SentSuspension }
);

export type Outcome =
  | { readonly kind: 'completed'; readonly at: Millis }
  | {
      readonly kind: 'retryable';
      readonly attempt: number;
      readonly maxAttempts: number;
      readonly nextAt: Millis;
      readonly delayMs: number;
    }
  | { readonly kind: 'discarded'; readonly attempt: number; readonly maxAttempts: number; readonly at: Millis }
  | { readonly kind: 'requeued'; readonly attempt: number; readonly maxAttempts: number; readonly delayMs: number }
  /** The result is larger than its job allows: the job is still active. */
  | { readonly kind: 'too_large'; readonly size: number; readonly limit: number }
  /** The execution no longer belongs to this worker: nothing was changed. */
  | { readonly kind: 'conflict'; readonly job: JobRecord }
  | { readonly kind: 'missing' };

export type Ack = Settlement & { readonly kind: 'ack' };
type Failing = Settlement & { readonly kind: 'fail' | 'refuse' | 'requeue' };

/**
 * The most times that an end is decided again because the job has changed, before the caller hears that it lost the
 * job.
 */
const rounds = 5;

interface Parts {
  readonly batches: Batches;
  readonly steps: StepStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: EngineLog;
}

/** ACK and FAIL (ojs-core §7.3–7.4): fenced, and repeatable by the lease that ended the execution. */
export class Settlements {
  readonly #batches: Batches;
  readonly #steps: StepStore;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #log: EngineLog;

  constructor({ batches, steps, clock, random, log }: Parts) {
    this.#batches = batches;
    this.#steps = steps;
    this.#clock = clock;
    this.#random = random;
    this.#log = log;
  }

  async settle(settlement: Settlement): Promise<Outcome> {
    if (settlement.kind === 'suspend') return this.#suspend(settlement);
    const outcome = await (settlement.kind === 'ack' ? this.#ack(settlement) : this.#fail(settlement));
    const left = outcome.kind === 'conflict' ? leftBy(outcome.job, settlement.claim) : null;
    if (left !== null) await this.#batches.transition(left);
    return outcome;
  }

  async #suspend(settlement: Settlement & { readonly kind: 'suspend' }): Promise<Outcome> {
    const { job, transition } = await run(suspend(this.#steps, settlement, settlement.sent));
    const maxAttempts = allowedAttempts(retryPolicy(policyOf(job).retry));
    const now = latestOf(this.#clock);
    if (transition?.to === State.discarded) {
      logFailure(this.#log, job, transition);
      return { kind: 'discarded', attempt: job.attempt, maxAttempts, at: now };
    }
    if (transition !== null && settlement.sent.tries.length > 0) logFailure(this.#log, job, transition);
    const waits =
      markOf(transition?.policy === undefined ? job : { policy: transition.policy })?.suspended?.waits ?? [];
    const nextAt = transition?.runAt ?? wakeOf(job, waits, now);
    const attempt = transition?.attempt ?? Math.max(0, job.attempt - (job.state === State.active ? 1 : 0));
    return { kind: 'retryable', attempt, maxAttempts, nextAt, delayMs: Math.max(0, nextAt - now) };
  }

  /** Undoes claims; their attempts do not count. */
  async giveBack(jobs: readonly JobRecord[], reason: 'undelivered' | 'deregistered'): Promise<void> {
    await Promise.all(jobs.map((job) => this.#batches.transition(requeued(job, reason, this.#clock.now(), 'server'))));
  }

  /** Ends all claims of a dead worker (ojs-core §8). */
  async takeBack(jobs: readonly JobRecord[], poisonAfter: number): Promise<void> {
    await Promise.all(
      jobs.map(async (job) => {
        const death = { beside: jobs.length - 1 };
        const transition = leaseLost(job, 'worker_death', this.#clock.now(), poisonAfter, death);
        const moved = await this.#batches.transition(transition);
        if (moved.kind === 'moved') logFailure(this.#log, job, transition);
      }),
    );
  }

  /** Settles each one, in one call to the store. */
  async acknowledge(acks: readonly Ack[]): Promise<readonly PromiseSettledResult<Outcome>[]> {
    if (acks.some(mayBeTooLarge)) return Promise.allSettled(acks.map((ack) => this.#ack(ack)));
    return this.#batches.transitionAll(acks.map(completed), outcomeOfAck);
  }

  async #ack(ack: Ack): Promise<Outcome> {
    const refused = mayBeTooLarge(ack) && ack.result !== null ? await this.#tooLarge(ack, ack.result) : null;
    if (refused !== null) return refused;
    const moved = await this.#batches.transition(completed(ack));
    return outcomeOfAck(moved, moved.at);
  }

  /** The job's limit on its result never changes, so it may be read before the end is written. */
  async #tooLarge(settlement: Settlement, result: Json): Promise<Outcome | null> {
    const size = utf8Length(result);
    if (size <= minResultSizeLimit) return null;
    const job = await this.#batches.read(settlement.id);
    const limit = job && resultSizeLimit(job);
    return job && limit !== null && size > limit && isOwner(job, settlement)
      ? { kind: 'too_large', size, limit }
      : null;
  }

  async #fail(settlement: Failing): Promise<Outcome> {
    for (let round = 0; ; round++) {
      const job = await this.#batches.read(settlement.id);
      if (job === null) return { kind: 'missing' };
      if (!isOwner(job, settlement) || round === rounds) return ended(job, settlement) ?? { kind: 'conflict', job };
      const transition = this.#decide(job, settlement);
      const moved = await this.#batches.transition(transition);
      if (moved.kind === 'moved') {
        if (settlement.kind !== 'requeue' && transition.events.length > 0) logFailure(this.#log, job, transition);
        const finishedAt = transition.to === State.discarded ? moved.at : null;
        const after = { ...job, state: transition.to, history: transition.history ?? job.history, finishedAt };
        return ended(after, { ...settlement, claim: job.claim }) ?? { kind: 'conflict', job };
      }
    }
  }

  #decide(job: JobRecord, settlement: Failing): Transition {
    // Its backoff or delay counts from here.
    const now = latestOf(this.#clock);
    if (settlement.kind === 'fail') return failed(job, settlement.failure, now, this.#random);
    if (settlement.kind === 'refuse') return unhandled(job, settlement.failure, settlement.delayMs, now);
    return requeued(job, settlement.reason, now, 'worker', settlement.delayMs);
  }
}

/** A character has at most three bytes. */
function mayBeTooLarge({ result }: Ack): boolean {
  return result !== null && result.length * 3 > minResultSizeLimit;
}

function outcomeOfAck(moved: Moved, at: Millis): Outcome {
  if (moved.kind === 'moved') return { kind: 'completed', at };
  if (moved.kind === 'already') return { kind: 'completed', at: moved.job.finishedAt ?? at };
  return moved.kind === 'missing' ? { kind: 'missing' } : { kind: 'conflict', job: moved.job };
}

/** How the worker itself ended the execution of this claim, in the same words each time; null if it did not. */
function ended(job: JobRecord, { claim, kind }: Settlement): Outcome | null {
  if (claim === null) return null;
  const expected = kind === 'requeue' ? 'requeued' : 'failed';
  if (outcomeOf(job, claim) !== expected) return null;
  const entry = historyOf(job).findLast((one) => 'claim' in one && one.claim === claim);
  const maxAttempts = allowedAttempts(retryPolicy(policyOf(job).retry));
  if (entry?.kind === 'requeued')
    return { kind: 'requeued', attempt: Math.max(0, entry.attempt - 1), maxAttempts, delayMs: entry.delayMs ?? 0 };
  if (entry?.kind !== 'failed') return null;
  const { attempt, at, retryDelayMs } = entry;
  if (retryDelayMs === undefined) return { kind: 'discarded', attempt, maxAttempts, at: job.finishedAt ?? at };
  return { kind: 'retryable', attempt, maxAttempts, nextAt: at + retryDelayMs, delayMs: retryDelayMs };
}
