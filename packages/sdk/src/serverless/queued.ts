import { textOf } from '../json.ts';
import { failureFields } from '../worker/execution/failure-log.ts';
import { giveBackFor } from '../worker/execution/outcome.ts';
import { refusedResult } from '../worker/execution/result.ts';
import { itemAnswerOf } from '../worker/fetch/exchange.ts';
import { BadDelivery, type Delivery, parseDelivery, readDelivery } from './delivery.ts';
import type { PushOutcome, PushWorker, RunLimits } from './push-worker.ts';

/** Asks the queue to remove a message or to deliver it again. */
export type Verdict =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly delayMs?: number; readonly reason: string };

const done: Verdict = { kind: 'done' };

/**
 * Runs the job of a queue message. The message is done once its outcome is stored: by the server, or without one by the
 * queue itself. If the ack of a finished job is lost, the message comes again, and the job may run again; it is never
 * reported as failed. Never rejects.
 */
export async function runQueued<R>(worker: PushWorker<R>, message: unknown, limits: RunLimits = {}): Promise<Verdict> {
  let delivery: Delivery;
  try {
    delivery = typeof message === 'string' ? parseDelivery(message) : readDelivery(message);
  } catch (error) {
    if (!(error instanceof BadDelivery)) throw error;
    worker.logger.error(
      'message refused: it holds no job; the queue delivers it again, and in the end moves it to its dead letter queue',
      {
        reason: error.message,
      },
    );
    return { kind: 'again', reason: error.message };
  }
  const outcome = await worker.run(delivery, limits);
  if (outcome.status === 'superseded') return done;
  return worker.server === null ? byQueue(worker, delivery, outcome) : await byServer(worker, delivery, outcome);
}

type Ended = Exclude<PushOutcome, { status: 'superseded' }>;

function byQueue<R>(worker: PushWorker<R>, { job }: Delivery, outcome: Ended): Verdict {
  if (outcome.status === 'completed') return done;
  const { error, delayMs } = outcome;
  if (error.retryable) return { kind: 'again', reason: error.message, ...(delayMs !== undefined && { delayMs }) };
  worker.logger.warn('job discarded: its message is not tried again', {
    job_id: job.id,
    job_type: job.type,
    error_type: error.type,
  });
  return done;
}

/** Sends ACK or NACK (ojs-http-binding §10), with the retries of any call. */
async function byServer<R>(worker: PushWorker<R>, delivery: Delivery, outcome: Ended): Promise<Verdict> {
  try {
    await report(worker, delivery, outcome);
    return done;
  } catch (error) {
    const { status, message } = itemAnswerOf(error);
    const fields = { job_id: delivery.job.id, job_type: delivery.job.type, status, reason: message };
    if (status === 404 || status === 409) {
      worker.logger.warn('outcome dropped: the job no longer belongs to this worker', fields);
      return done;
    }
    worker.logger.error('outcome lost: it could not be delivered, and the message goes back to the queue', fields);
    return { kind: 'again', reason: message };
  }
}

async function report<R>(worker: PushWorker<R>, { job, workerId }: Delivery, outcome: Ended): Promise<void> {
  const head = {
    worker_id: workerId ?? textOf(job.worker_id) ?? worker.workerId,
    job_id: job.id,
    x_lease: textOf(job.x_lease),
  };
  const send = (operation: 'worker.ack' | 'worker.nack', rest: object) =>
    worker.server?.call({ operation, body: JSON.stringify({ ...head, ...rest }) }, {}, { jobId: job.id });
  if (outcome.status === 'failed') {
    const { error, requeue, delayMs } = outcome;
    await send('worker.nack', { error, requeue, delay_ms: delayMs });
    return;
  }
  const body = { result: outcome.result };
  try {
    await send('worker.ack', body);
  } catch (error) {
    const { status, message } = itemAnswerOf(error, JSON.stringify(body).length);
    if (outcome.result === undefined || ![400, 413, 422].includes(status)) throw error;
    const { failure } = giveBackFor(refusedResult(status, message));
    worker.logger.warn('job failed', {
      job_id: job.id,
      job_type: job.type,
      ...failureFields(failure, undefined, false),
    });
    await send('worker.nack', { error: failure });
  }
}
