import type { Destination } from '../envelope/destination.ts';
import { queueLimitKey } from '../job/job.ts';
import { coversQueue, type Grant } from './roles.ts';

/**
 * Why a job would reach beyond the queues of the token that sends it, and what to do about it. Null where it does not.
 * A unique policy without `queue` finds, replaces and cancels jobs of other queues; numbers for a limit hold for every
 * job with its key.
 */
export function reachBeyond(
  grant: Pick<Grant, 'queues'>,
  { queue, limits, crossesQueues }: Destination,
): string | null {
  if (!coversQueue(grant, queue)) return `The call is about the queue ${queue}.`;
  if (crossesQueues)
    return `The unique policy of a job for the queue ${queue} counts jobs of every queue: add "queue" to unique.keys.`;
  const foreign = limits.find(({ key }) => key !== queueLimitKey(queue) && !isOwnKey(grant, key));
  if (foreign === undefined) return null;
  return (
    `The key ${foreign.key} in rate_limit may be that of other queues: ` +
    `begin it with a queue and a colon, as in ${queue}:${foreign.key}, or leave it out.`
  );
}

/** Names of queues have no colon. */
function isOwnKey(grant: Pick<Grant, 'queues'>, key: string): boolean {
  const colon = key.indexOf(':');
  return colon > 0 && coversQueue(grant, key.slice(0, colon));
}
