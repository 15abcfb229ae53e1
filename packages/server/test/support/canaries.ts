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
}

/** One job in each state, so that whatever a request should not do has something to be done to. */
export async function plantCanaries(url: string): Promise<Canaries> {
  const queue = 'canary';
  const enqueue = async (options: object = {}) => {
    const id = newId();
    const { status } = await call(url, '/jobs', { id, type: 'canary.job', args: ['sing'], options: { queue, ...options } });
    if (status !== 201) throw new Error(`The canary was not enqueued: ${status}`);
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
  const cancelled = await enqueue();
  await call(url, `/jobs/${cancelled}`, undefined, { method: 'DELETE' });
  await call(url, '/workers/heartbeat', { worker_id: 'keeper', active_jobs: [active] });
  return {
    queue,
    available: await enqueue(),
    pending: await enqueue({ pending: true }),
    scheduled: await enqueue({ delay_until: '2099-01-01T00:00:00Z' }),
    active,
    retryable,
    completed,
    cancelled,
    deadLetter,
  };
}

/** Everything that the store holds, as it would be read by anybody. */
export async function snapshot({ engine }: RunningServer): Promise<unknown> {
  const { jobs, registry } = engine.storage;
  return {
    jobs: await jobs.list({ states: 0xff, limit: 1_000 }),
    queues: await registry.queues(),
    workers: await registry.workers(),
    events: await engine.storage.events(0, 10_000),
  };
}
