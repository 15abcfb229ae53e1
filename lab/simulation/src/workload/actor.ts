import type { EnqueueOptions } from '@ojs-ts/sdk';
import type { Context } from '../context.ts';
import type { ClientProcess } from '../nodes/client.ts';
import { pick } from '../world/random.ts';
import type { Order } from './handler.ts';

/** A client with a piece of work to do. */
export interface Actor {
  readonly context: Context;
  readonly process: ClientProcess;
  /** The numbers that the scenario drew for this piece. */
  readonly roll: readonly number[];
}

/** Does a piece of work. What it throws was refused, or lost to a fault. */
export type Work = (actor: Actor) => Promise<void>;

export const queues = ['plain', 'limited', 'flow'];

const initialMs = 200;

/**
 * The policy of most jobs: enough attempts that a storm of lost leases does not use them up. Its backoff has no chance,
 * so that the history can say how long it is at least.
 */
export function retryPolicy({ parameters }: Context, maxAttempts = parameters.storm ? 25 : 12) {
  const longestMs = parameters.storm ? 500 : 2_000;
  const policy = { maxAttempts, initialInterval: initialMs, maxInterval: longestMs, jitter: false };
  const backoffMs = Array.from({ length: 6 }, (_, index) => Math.min(longestMs, initialMs * 2 ** index));
  return { policy, told: { maxAttempts, backoffMs } };
}

/** A few handlers take about as long as a lease, the others up to 300 ms. */
export function holdOf({ parameters }: Context, roll: number, length: number): number {
  return Math.floor(roll < parameters.long ? 1.5 * parameters.leaseMs * length : 300 * length);
}

export function rollAt(roll: readonly number[], index: number): number {
  return roll[index] ?? 0;
}

export function oneOf<T>(list: readonly T[], roll: readonly number[], index: number): T {
  return pick(list, rollAt(roll, index));
}

/** Enqueues a job of `job.plain`, and notes it for operators and the judge. */
export async function enqueue(
  { context, process }: Actor,
  order: Order,
  options: EnqueueOptions,
  maxAttempts?: number,
): Promise<string> {
  const { policy, told } = retryPolicy(context, maxAttempts);
  const retry = { ...policy, ...options.retry };
  const args = [{ ...order, told: { retry: told, ...order.told } }];
  const { id } = await process.client.enqueue('job.plain', args, { ...options, retry });
  context.made.push(id);
  context.world.note(`enqueued ${id}`);
  return id;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
