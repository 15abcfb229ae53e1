import { defaultTimeoutMs } from '@ojs-ts/core/job';
import { defaultRetry } from '@ojs-ts/core/lifecycle';
import type { JsonArray, Meta, Wire } from '../json.ts';
import {
  type EnqueueOutcome,
  type JobHandle as Handle,
  handleOf,
  JobActions,
  type JobCalls,
  withArgs,
} from './handle.ts';
import type { Job, JobErrorEntry } from './job.ts';
import { NewJob } from './new-job.ts';

const data = { configurable: true, enumerable: true, writable: true };

/** How a new handle logs: as any other. */
const Shown = class JobHandle {};

/** A new job without options. Its args, meta and envelope are read from its request on first use. */
const NewActions = class JobHandle extends JobActions<JsonArray, unknown> {
  declare readonly args: JsonArray;
  declare readonly meta: Meta;
  declare readonly raw: Wire;
  readonly id: string;
  readonly type: string;
  readonly state = 'available';
  readonly queue: string;
  readonly priority: number;
  readonly tags: readonly string[];
  readonly attempt = 0;
  readonly timeoutMs = defaultTimeoutMs;
  readonly errors: readonly JobErrorEntry[] = [];
  readonly createdAt: Date;
  readonly enqueuedAt: Date;
  readonly maxAttempts = defaultRetry.maxAttempts;
  readonly #job: NewJob;
  // Fields of their own, not of the class: a copy of the handle has them, and a comparison sees them.
  static readonly #read = (name: 'args' | 'meta' | 'raw') => ({
    configurable: true,
    enumerable: true,
    get(this: JobHandle) {
      return this.#job.read()[name];
    },
    // Middleware may put plain args in the place of encoded ones.
    set(this: JobHandle, value: unknown) {
      Object.defineProperty(this, name, { ...data, value });
    },
  });
  static readonly #args = JobHandle.#read('args');
  static readonly #meta = JobHandle.#read('meta');
  static readonly #raw = JobHandle.#read('raw');

  constructor(calls: JobCalls, outcome: EnqueueOutcome, job: NewJob) {
    const { id, queue, plain } = job.request;
    const { type, priority, tags } = plain;
    super(calls, id, outcome);
    this.#job = job;
    this.id = id;
    this.type = type;
    this.queue = queue;
    Object.defineProperty(this, 'args', JobHandle.#args);
    Object.defineProperty(this, 'meta', JobHandle.#meta);
    this.priority = priority;
    this.tags = [...tags];
    this.createdAt = new Date(job.createdAt);
    this.enqueuedAt = new Date(job.createdAt);
    Object.defineProperty(this, 'raw', JobHandle.#raw);
  }

  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return Object.assign(new Shown(), this);
  }
};

/** The handle of a job that was sent. @param args in place of those that were sent. */
export function sentHandle(
  job: Job | NewJob,
  outcome: EnqueueOutcome,
  calls: JobCalls,
  args: JsonArray | undefined,
): Handle {
  if (!(job instanceof NewJob)) return handleOf(withArgs(job, args), outcome, calls);
  const handle = new NewActions(calls, outcome, job);
  return args === undefined ? handle : Object.defineProperty(handle, 'args', { ...data, value: args });
}
