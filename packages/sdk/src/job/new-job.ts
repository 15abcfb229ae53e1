import { renderAsSent } from '@ojs-ts/core';
import type { Job } from './job.ts';
import { readJob } from './read-job.ts';
import type { WireRequest } from './wire.ts';

/**
 * A job that is as it was sent: the answer told only when the server made it. Its request is read again when somebody
 * asks for a field that needs it.
 */
export class NewJob {
  readonly request: WireRequest;
  readonly createdAt: number;
  #job: Job | undefined;

  /** @param createdAt in milliseconds. */
  constructor(request: WireRequest, createdAt: number) {
    this.request = request;
    this.createdAt = createdAt;
  }

  /** As the server shows it. */
  read(): Job {
    this.#job ??= readJob(JSON.parse(renderAsSent(this.request.text, this.createdAt)));
    return this.#job;
  }
}

/** The job, read. */
export function jobOf(job: Job | NewJob): Job {
  return job instanceof NewJob ? job.read() : job;
}
