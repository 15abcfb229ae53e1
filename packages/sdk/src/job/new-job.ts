import { defaultTimeoutMs } from '@ojs-ts/core/job';
import { defaultRetry } from '@ojs-ts/core/lifecycle';
import { parseWire, type Wire, wireOf } from '../json.ts';
import type { Job } from './job.ts';
import { readJob } from './read-job.ts';
import type { PlainRequest } from './wire.ts';

/**
 * A job without options that the server kept as sent: the answer says only when it was made. Its request is read again
 * on first use of a field that needs it.
 */
export class NewJob {
  readonly request: PlainRequest;
  readonly createdAt: number;
  #job: Job | undefined;

  /** @param createdAt in milliseconds. */
  constructor(request: PlainRequest, createdAt: number) {
    this.request = request;
    this.createdAt = createdAt;
  }

  /** As the server shows it. */
  read(): Job {
    this.#job ??= readJob(envelopeOf(this));
    return this.#job;
  }
}

function envelopeOf({ request, createdAt }: NewJob): Wire {
  const { id, type, args, meta = {}, options } = parseWire(request.text) ?? {};
  const { tags } = wireOf(options) ?? {};
  const at = new Date(createdAt).toISOString();
  return {
    specversion: '1.0',
    ...{ id, type, queue: request.queue, args, meta },
    max_attempts: defaultRetry.maxAttempts,
    timeout_ms: defaultTimeoutMs,
    ...(tags !== undefined && { tags }),
    created_at: at,
    enqueued_at: at,
    state: 'available',
    priority: request.plain.priority,
    attempt: 0,
  };
}

/** The job, read. */
export function jobOf(job: Job | NewJob): Job {
  return job instanceof NewJob ? job.read() : job;
}
