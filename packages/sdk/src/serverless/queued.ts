import { OJSAPIError } from '../errors.ts';
import { textOf } from '../json.ts';
import { itemAnswerOf } from '../worker/link.ts';
import { BadDelivery, type Delivery, parseDelivery, readDelivery } from './delivery.ts';
import type { PushOutcome, PushWorker, RunLimits } from './push-worker.ts';

/** What the queue is to do with a message. */
export type Verdict = { readonly kind: 'done' } | { readonly kind: 'again'; readonly delayMs?: number; readonly reason: string };

const done: Verdict = { kind: 'done' };

/**
 * Runs the job of a queue's message. A message is done once its outcome is known where it belongs: at the server if there is one, else in the queue itself.
 * A finished job whose ack is lost is never told as failed; its message comes again, and so may the job. Never rejects.
 */
export async function runQueued<R>(worker: PushWorker<R>, message: unknown, limits: RunLimits = {}): Promise<Verdict> {
  let delivery: Delivery;
  try {
    delivery = typeof message === 'string' ? parseDelivery(message) : readDelivery(message);
  } catch (error) {
    if (!(error instanceof BadDelivery)) throw error;
    worker.logger.error('A message of a queue holds no job; it goes back, and to where the queue keeps those that fail.', {
      reason: error.message,
    });
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
  worker.logger.warn('The job is discarded; its message is not tried again.', {
    job_id: job.id,
    job_type: job.type,
    error_type: error.type,
  });
  return done;
}

/** ACK and NACK of ojs-http-binding §10, with the retries of any call. */
async function byServer<R>(worker: PushWorker<R>, delivery: Delivery, outcome: Ended): Promise<Verdict> {
  try {
    await tell(worker, delivery, outcome);
    return done;
  } catch (error) {
    const { status, message } = itemAnswerOf(error);
    const fields = { job_id: delivery.job.id, job_type: delivery.job.type, status, reason: message };
    if (status === 404 || status === 409) {
      worker.logger.warn('The job is no longer ours; its outcome was dropped.', fields);
      return done;
    }
    worker.logger.error('The outcome of a job could not be delivered; its message goes back to the queue.', fields);
    return { kind: 'again', reason: message };
  }
}

async function tell<R>(worker: PushWorker<R>, { job, workerId }: Delivery, outcome: Ended): Promise<void> {
  const head = { worker_id: workerId ?? textOf(job.worker_id) ?? worker.workerId, job_id: job.id, x_lease: textOf(job.x_lease) };
  const send = (operation: 'worker.ack' | 'worker.nack', rest: object) =>
    worker.server?.call({ operation, body: JSON.stringify({ ...head, ...rest }) }, {}, { jobId: job.id });
  if (outcome.status === 'failed') {
    const { error, requeue, delayMs } = outcome;
    await send('worker.nack', { error, requeue, delay_ms: delayMs });
    return;
  }
  try {
    await send('worker.ack', { result: outcome.result });
  } catch (error) {
    if (outcome.result === undefined || !isRefused(error)) throw error;
    // The work is done, and doing it again would not help.
    worker.logger.error('The server refused the result of a job; the job is acked without it.', { job_id: job.id, reason: error.message });
    await send('worker.ack', {});
  }
}

function isRefused(error: unknown): error is OJSAPIError {
  return error instanceof OJSAPIError && (error.statusCode === 400 || error.statusCode === 413 || error.statusCode === 422);
}
