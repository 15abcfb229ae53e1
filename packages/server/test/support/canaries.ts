import { Documents } from '../../src/engine/documents.ts';
import type { RunningServer } from '../../src/index.ts';
import { newId } from './ids.ts';
import { call } from './request.ts';

export interface Canaries {
  readonly queue: string;
  readonly available: string;
  readonly pending: string;
  readonly scheduled: string;
  readonly active: string;
  readonly retryable: string;
  readonly completed: string;
  readonly cancelled: string;
  readonly deadLetter: string;
  /** A queue without jobs. */
  readonly emptyQueue: string;
  readonly workflow: string;
  readonly cron: string;
  readonly limit: string;
  /** A type with a schema of version 1. */
  readonly schema: string;
  /** A bulk operation in the queue that has changed nothing, and is done. */
  readonly bulk: string;
}

/** Names of nothing, for what does not depend on them. */
export const nowhere: Canaries = {
  queue: '',
  available: '',
  pending: '',
  scheduled: '',
  active: '',
  retryable: '',
  completed: '',
  cancelled: '',
  deadLetter: '',
  emptyQueue: '',
  workflow: '',
  cron: '',
  limit: '',
  schema: '',
  bulk: '',
};

/** Longer than any test: nothing of it may run out by itself. In seconds. */
const long = 86_400;

/**
 * One job in each state and one of everything else, so that whatever a request should not do has something to be done
 * to.
 */
export async function plantCanaries(url: string): Promise<Canaries> {
  const queue = 'canary';
  const make = async <T = object>(path: string, body: object, method = 'POST'): Promise<T> => {
    const made = await call<T>(url, path, body, { method });
    if (made.status >= 300) throw new Error(`${path} planted no canary: ${made.status} ${JSON.stringify(made.body)}`);
    return made.body;
  };
  const enqueue = async (options: object = {}) => {
    const id = newId();
    await make('/jobs', {
      id,
      type: 'canary.job',
      args: ['sing'],
      options: { queue, heartbeat_timeout: long, ...options },
    });
    return id;
  };
  const start = async (options: object = {}) => {
    const id = await enqueue(options);
    await call(url, '/workers/fetch', { queues: [queue], worker_id: 'keeper' });
    return id;
  };
  const error = { code: 'oops', message: 'not now' };
  const completed = await start();
  await call(url, '/workers/ack', { job_id: completed, result: { sung: true } });
  const retryable = await start({ retry: { initial_interval: 'PT1H', max_interval: 'PT1H', jitter: false } });
  await call(url, '/workers/nack', { job_id: retryable, error });
  const deadLetter = await start({ retry: { max_attempts: 1, on_exhaustion: 'dead_letter' } });
  await call(url, '/workers/nack', { job_id: deadLetter, error });
  const active = await start();
  const cron = 'canary-cron';
  await make('/cron', { name: cron, cron: '0 0 29 2 *', type: 'canary.cron', args: ['sing'] });
  const limit = 'canary-limit';
  await make(`/rate-limits/${limit}`, { concurrency: 5 }, 'PUT');
  const schema = 'canary.schema';
  await make('/schemas', { type: schema, version: 1, schema: { type: 'array' } });
  const emptyQueue = 'canary-empty';
  await make('/queues', { name: emptyQueue });
  const step = { type: 'canary.step', args: [], options: { queue: 'canary-workflow' } };
  const { workflow } = await make<{ readonly workflow: { readonly id: string } }>('/workflows', {
    type: 'chain',
    steps: [step, step],
  });
  const cancelled = await enqueue();
  await call(url, `/jobs/${cancelled}`, undefined, { method: 'DELETE' });
  await call(url, '/workers/heartbeat', { worker_id: 'keeper', active_jobs: [active] });
  await make('/workers/progress', { job_id: active, worker_id: 'keeper', percentage: 10, checkpoint: { line: 1 } });
  const operation = { action: 'cancel', filter: { queue, type: 'nothing' }, confirm: true };
  const { id: bulk } = await make<{ readonly id: string }>('/admin/bulk', operation);
  for (let state = ''; state !== 'done'; )
    state = (await call<{ state: string }>(url, `/admin/bulk/${bulk}`)).body.state;
  return {
    queue,
    bulk,
    available: await enqueue(),
    pending: await enqueue({ pending: true }),
    scheduled: await enqueue({ delay_until: '2099-01-01T00:00:00Z' }),
    active,
    retryable,
    completed,
    cancelled,
    deadLetter,
    emptyQueue,
    workflow: workflow.id,
    cron,
    limit,
    schema,
  };
}

/** Kinds of documents that an operation can write: schemas, the times of overrides, the mode, answers under keys. */
const bulk = ['enqueue', 'cancel', 'retry', 'delete'].flatMap((name) => [`bulk.${name}`, `bulk.${name}.reply`]);
const kinds = ['schema', 'schema.index', 'limit.override', 'maintenance', 'bulk.open', 'bulk.ended', ...bulk];

/** Everything that the store holds, as it would be read by anybody. */
export async function snapshot({ engine }: RunningServer): Promise<Readonly<Record<string, unknown>>> {
  const { jobs, registry, workflows, records } = engine.storage;
  const documents = new Documents(records);
  const found = await workflows.list({ states: null, limit: 1_000 });
  return {
    jobs: await jobs.list({ states: 0xff, limit: 1_000 }),
    queues: await registry.queues(),
    workers: await registry.workers(),
    limits: await registry.limits({ limit: 1_000 }),
    workflows: found.items,
    nodes: await Promise.all(found.items.map(({ id }) => workflows.nodes(id, -1, 1_000))),
    crons: await engine.crons.list(),
    documents: await Promise.all(kinds.map((kind) => documents.list(kind))),
    events: await engine.storage.events(0, 10_000),
  };
}
