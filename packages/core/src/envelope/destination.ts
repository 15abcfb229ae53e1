import { ProtocolError } from '../errors.ts';
import type { JobId, Json, NewJob } from '../job/job.ts';
import type { Millis } from '../time/clock.ts';
import { requestOf } from '../workflow/defaults.ts';
import { readNodeSpec } from '../workflow/spec.ts';
import type { NewNode, NewWorkflow } from '../workflow/types.ts';
import { type ReadEnvelope, readEnvelope } from './envelope.ts';

/** The queue of a job that does not exist yet, and what of other jobs it may touch. */
export type Destination = Pick<NewJob, 'queue' | 'limits'> & Pick<ReadEnvelope, 'crossesQueues'>;

/** The destination of a workflow node's job; null for a join, and if this version cannot read the node. */
export function nodeDestination(
  workflow: Pick<NewWorkflow, 'spec'>,
  { spec, job }: Pick<NewNode, 'spec' | 'job'>,
  now: Millis,
): Destination | null {
  const read = readNodeSpec(spec);
  return read.role === 'job' ? destinationOf(requestOf(workflow, read), now, job ?? '') : null;
}

/** The destination of a cron's runs; null if this version cannot read its template. */
export function cronDestination(spec: Json, now: Millis): Destination | null {
  const { enqueue }: { readonly enqueue?: Json } = JSON.parse(spec);
  return enqueue === undefined ? null : destinationOf(enqueue, now, '');
}

function destinationOf(request: Json, now: Millis, id: JobId): Destination | null {
  try {
    const { job, crossesQueues } = readEnvelope(request, now, () => id);
    return { queue: job.queue, limits: job.limits, crossesQueues };
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
