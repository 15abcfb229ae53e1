import { type Answer, type Call, isObject, readTime } from '@ojs-ts/core';
import { claimOf } from '@ojs-ts/core/job';
import { states } from './states.ts';

type Wire = Readonly<Record<string, unknown>>;

interface AnsweredJob {
  readonly id: string;
  readonly lease?: string;
  readonly [member: string]: unknown;
}

interface Answered {
  readonly outcome: 'done' | 'refused' | 'unknown';
  readonly jobs?: readonly AnsweredJob[];
  readonly [member: string]: unknown;
}

/** One call of the history that a request carries. */
export interface Part {
  readonly op: string;
  readonly members: object;
  /** Reads an answer with a status below 500. */
  readonly answered: (answer: Answer) => Answered;
}

/**
 * What a request of the HTTP binding says in the words of the history; nothing for calls that change nothing.
 * @param now when the request is sent.
 */
export function partsOf({ operation, params = {}, body }: Call, now: number): readonly Part[] {
  const sent = read(body);
  const job = params.id ?? '';
  switch (operation) {
    case 'job.enqueue':
      return [enqueued([sent], now, (answer) => [single(sent, answer)])];
    case 'job.enqueueBatch':
      return [enqueued(objects(sent.jobs), now, (answer) => batched(objects(sent.jobs), answer))];
    case 'bulk.enqueue':
      return [enqueued(objects(sent.jobs), now, (answer) => bulk(objects(sent.jobs), answer))];
    case 'worker.fetch':
      return [fetched(sent)];
    case 'worker.exchange':
      return [
        ...objects(sent.acks).map((item, index) => settled('ack', item, index)),
        ...objects(sent.nacks).map((item, index) => settled('nack', item, index)),
        ...(isObject(sent.fetch) ? [fetched(sent.fetch)] : []),
      ];
    case 'worker.heartbeat':
      return [renewed(sent), ...(sent.state === 'terminate' ? [plain('release', { worker: sent.worker_id })] : [])];
    case 'worker.deregister':
    case 'worker.remove': {
      const release = plain('release', { worker: params.id ?? sent.worker_id });
      // A copy of the request may have removed the worker that this one no longer found.
      return [{ ...release, answered: ({ status }) => ({ outcome: status === 404 ? 'unknown' : outcomeOf(status) }) }];
    }
    case 'job.cancel':
      return [plain('cancel', { job })];
    case 'job.discard':
      return [plain('discard', { job })];
    case 'job.activate':
      return [plain('activate', { job })];
    case 'deadLetter.retry':
      return [plain('retry', { job })];
    case 'bulk.cancel':
      return manyOf('cancel', sent.job_ids);
    case 'bulk.retry':
      return manyOf('retry', sent.job_ids);
    case 'bulk.delete':
      // A copy of the request may have removed what this one no longer found.
      return [{ op: 'remove', members: { jobs: texts(sent.job_ids) }, answered: () => ({ outcome: 'unknown' }) }];
    case 'queue.pause':
      return [plain('pause', { queue: params.name })];
    case 'queue.resume':
      return [plain('resume', { queue: params.name })];
    default:
      return [];
  }
}

export function leaseName(job: string, lease: unknown): string {
  return `${job} ${String(lease)}`;
}

/** The last text that was read: an exchange is read once for each of its parts. */
let last: { readonly text: string; readonly value: Wire } = { text: '{}', value: {} };

function read(text: string | undefined): Wire {
  if (text === undefined || text === '') return {};
  if (text !== last.text) {
    const value: unknown = JSON.parse(text);
    last = { text, value: isObject(value) ? value : {} };
  }
  return last.value;
}

function objects(value: unknown): readonly Wire[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function outcomeOf(status: number): Answered['outcome'] {
  if (status < 300) return 'done';
  return status < 500 ? 'refused' : 'unknown';
}

function plain(op: string, members: object): Part {
  return { op, members, answered: ({ status }) => ({ outcome: outcomeOf(status) }) };
}

/** Each job has its own outcome, which the history cannot tell apart from none: some may have been refused. */
function manyOf(op: string, ids: unknown): readonly Part[] {
  return texts(ids).map((job) => ({ op, members: { job }, answered: () => ({ outcome: 'unknown' }) }));
}

/** What the workload knows of a job stands in its args, under `told`. */
function askedOf(job: Wire, now: number): Wire {
  const options = isObject(job.options) ? job.options : {};
  const [first] = Array.isArray(job.args) ? job.args : [];
  const told = isObject(first) && isObject(first.told) ? first.told : {};
  return {
    id: job.id,
    queue: job.queue ?? options.queue ?? 'default',
    ...(typeof options.priority === 'number' && { priority: options.priority }),
    ...dueIn(options, now),
    ...told,
  };
}

/** A duration counts from the call at the earliest. A time is one of the caller's clock, which may be wrong. */
function dueIn({ pending, delay_until: delay }: Wire, now: number): { readonly dueAt?: number } {
  if (pending === true) return { dueAt: Number.MAX_SAFE_INTEGER };
  if (typeof delay !== 'string') return {};
  return { dueAt: (delay.startsWith('+') ? readTime(delay, now) : null) ?? now };
}

function enqueued(jobs: readonly Wire[], now: number, answeredJobs: (answer: Answer) => readonly AnsweredJob[]): Part {
  return {
    op: 'enqueue',
    members: { jobs: jobs.map((job) => askedOf(job, now)) },
    answered: (answer) => {
      const answers = answeredJobs(answer);
      return answers.length === 0 ? { outcome: outcomeOf(answer.status) } : { outcome: 'done', jobs: answers };
    },
  };
}

function single(asked: Wire, { status, text }: Answer): AnsweredJob {
  const answer = read(text);
  const id = String(asked.id);
  if (status < 300) return made(id, answer, answer);
  const existing = existingOf(answer);
  return existing === undefined ? { id, status: 'refused' } : { id, status: 'duplicate', existing };
}

function batched(asked: readonly Wire[], { status, text }: Answer): readonly AnsweredJob[] {
  const answers = status < 300 ? objects(read(text).jobs) : [];
  return answers.map((answer, index) => made(String(asked[index]?.id), answer, answer));
}

function bulk(asked: readonly Wire[], { text }: Answer): readonly AnsweredJob[] {
  return objects(read(text).items).flatMap((item) => {
    const id = String(asked[Number(item.index)]?.id);
    const job = isObject(item.job) ? item.job : {};
    const existing = existingOf(item) ?? String(job.id);
    // The items of a bulk call have no keys: one that is there already is a duplicate of itself.
    if (item.status === 'created' || existing === id) return [made(id, job, item)];
    if (item.status === 'deduplicated' || item.status === 'duplicate') return [{ id, status: 'duplicate', existing }];
    const status = isObject(item.error) ? Number(item.error.status ?? 400) : 400;
    // What failed in the store may have taken effect.
    return status >= 500 || isPassing(item.error) ? [] : [{ id, status: 'refused' }];
  });
}

function isPassing(error: unknown): boolean {
  return isObject(error) && error.retryable === true;
}

function made(id: string, job: Wire, answer: Wire): AnsweredJob {
  const inner = isObject(job.job) ? job.job : job;
  if (answer.deduplicated === true) return { id, status: 'duplicate', existing: String(inner.id) };
  const replaced = texts(answer.replaced);
  return replaced.length > 0 ? { id, status: 'replaced', replaced } : { id, status: 'created' };
}

function existingOf(answer: Wire): string | undefined {
  const error = isObject(answer.error) ? answer.error : {};
  const details = isObject(error.details) ? error.details : {};
  return typeof details.existing_job_id === 'string' ? details.existing_job_id : undefined;
}

function fetched(fetch: Wire): Part {
  const leaseMs = fetch.visibility_timeout_ms;
  return {
    op: 'fetch',
    members: { queues: texts(fetch.queues), request: fetch.request_id },
    answered: ({ status, text }) => ({
      outcome: outcomeOf(status),
      jobs: objects(read(text).jobs).map((job) => ({
        id: String(job.id),
        queue: String(job.queue),
        lease: leaseName(String(job.id), job.x_lease),
        attempt: Number(job.attempt),
        ...claimIn(job.x_lease),
        ...(typeof leaseMs === 'number' && { leaseMs }),
      })),
    }),
  };
}

function claimIn(lease: unknown): { readonly claim?: number } {
  const claim = typeof lease === 'string' ? claimOf(lease) : null;
  return claim === null ? {} : { claim };
}

function settled(op: 'ack' | 'nack', item: Wire, index: number): Part {
  const job = String(item.job_id);
  const members = {
    job,
    lease: leaseName(job, item.x_lease),
    ...(op === 'ack' && item.result !== undefined && { result: JSON.stringify(item.result) }),
    ...(op === 'nack' && {
      // A job that is given back has no backoff of its own.
      ...(item.requeue === true && { counted: false, delayMs: item.delay_ms ?? 0 }),
    }),
  };
  return {
    op,
    members,
    answered: ({ status, text }) => {
      if (status >= 300) return { outcome: outcomeOf(status) };
      const answers = read(text)[`${op}s`];
      const answer: unknown = Array.isArray(answers) ? answers[index] : undefined;
      // A short answer is the status alone.
      if (typeof answer === 'number') return { outcome: outcomeOf(answer) };
      if (!isObject(answer)) return { outcome: 'unknown' };
      const state = states.get(String(answer.state));
      const outcome = outcomeOf(Number(answer.status));
      return { outcome, ...(op === 'nack' && outcome === 'done' && state !== undefined && { state }) };
    },
  };
}

function renewed(beat: Wire): Part {
  const leases = isObject(beat.leases) ? beat.leases : {};
  return {
    op: 'renew',
    members: {
      leases: Object.entries(leases).map(([job, lease]) => leaseName(job, lease)),
      fetches: texts(beat.open_fetches),
    },
    answered: ({ status, text }) => ({
      outcome: outcomeOf(status),
      leases: texts(read(text).jobs_extended).flatMap((job) => (job in leases ? [leaseName(job, leases[job])] : [])),
    }),
  };
}
