import { expectedJobType, isJobType, isObject } from '@ojs-ts/core';
import { textOf, type Wire } from '../json.ts';

/** A job that was delivered to a function (ojs-serverless §2.2). */
export interface Delivery {
  readonly job: Wire & { readonly id: string };
  readonly workerId: string | undefined;
  /** Identifies this delivery attempt. If absent, the job's own fence takes its place. */
  readonly deliveryId: string | undefined;
}

/** Answers the sender why a body is not a delivery. */
export class BadDelivery extends Error {
  override readonly name = 'BadDelivery';
}

/**
 * Reads the text of a body.
 * @throws {BadDelivery}
 */
export function parseDelivery(text: string): Delivery {
  try {
    return readDelivery(JSON.parse(text));
  } catch (error) {
    if (error instanceof BadDelivery) throw error;
    throw new BadDelivery('The body is no JSON.');
  }
}

/**
 * Reads `{job, worker_id, delivery_id}`, or the bare envelope that queues carry (ojs-serverless §4.1, §5.1).
 * @throws {BadDelivery}
 */
export function readDelivery(body: unknown): Delivery {
  if (!isObject(body))
    throw new BadDelivery(
      'The body is no JSON object: expected {"job": {…}, "worker_id": …, "delivery_id": …} or a job.',
    );
  const job = body.job === undefined ? body : body.job;
  const at = body.job === undefined ? '' : 'job.';
  if (!isObject(job)) throw new BadDelivery('job: expected an object.');
  if (!hasId(job)) throw new BadDelivery(`${at}id: expected a text.`);
  if (!isJobType(job.type)) throw new BadDelivery(`${at}type: expected ${expectedJobType}.`);
  if (!Array.isArray(job.args)) throw new BadDelivery(`${at}args: expected an array.`);
  return { job, workerId: textOf(body.worker_id), deliveryId: textOf(body.delivery_id) };
}

function hasId(job: Wire): job is Wire & { id: string } {
  return typeof job.id === 'string' && job.id !== '';
}
