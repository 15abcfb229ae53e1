import { type ClockedServer, serveClocked } from '../../support/clocked.ts';
import { call } from '../../support/request.ts';

export interface Row {
  readonly name: string;
  readonly kind: string;
  readonly state: string;
  readonly number: number;
  readonly value?: unknown;
  readonly bytes?: number;
  readonly due?: true;
  readonly until?: string;
  readonly tries?: number;
  readonly error?: unknown;
}

export interface Fetched {
  readonly id: string;
  readonly x_lease: string;
  readonly attempt: number;
  readonly x_steps?: { readonly rows: readonly Row[]; readonly more?: true };
  readonly x_alone_ms?: number;
}

export interface Item {
  readonly job_id: string;
  readonly status: number;
  readonly steps?: readonly (Row & { readonly recorded?: true })[];
  readonly error?: { readonly code: string; readonly message: string };
}

interface StepPage {
  readonly steps: readonly Row[];
  readonly next: number | null;
  readonly mail?: readonly object[];
}

export type Answer = Readonly<Record<string, unknown>>;

/** A server, and the calls of one worker with durable steps. */
export class DurableWorker {
  readonly url: string;
  readonly worker: string;

  constructor(url: string, worker = 'w1') {
    this.url = url;
    this.worker = worker;
  }

  async enqueue(body: object = {}): Promise<string> {
    const { body: answer } = await call<{ id: string }>(this.url, '/jobs', { type: 'a.b', args: [1], ...body });
    return answer.id;
  }

  async fetch(body: object = {}): Promise<readonly Fetched[]> {
    const asked = { queues: ['default'], worker_id: this.worker, leases: true, steps: true, count: 10, ...body };
    return (await call<{ jobs: readonly Fetched[] }>(this.url, '/workers/fetch', asked)).body.jobs;
  }

  async take(body: object = {}): Promise<Fetched> {
    const [job] = await this.fetch(body);
    if (job === undefined) throw new Error('The fetch got no job.');
    return job;
  }

  async record(job: Pick<Fetched, 'id' | 'x_lease'>, ...steps: readonly object[]): Promise<Item> {
    const [item] = await this.recordAll([{ job_id: job.id, x_lease: job.x_lease, steps }]);
    if (item === undefined) throw new Error('The answer has no item.');
    return item;
  }

  async recordAll(items: readonly object[]): Promise<readonly Item[]> {
    const { status, body } = await call<{ items: readonly Item[] }>(this.url, '/workers/steps', {
      worker_id: this.worker,
      items,
    });
    if (status !== 200) throw new Error(JSON.stringify(body));
    return body.items;
  }

  suspend(job: Pick<Fetched, 'id' | 'x_lease'>, more: object) {
    const { id: job_id, x_lease } = job;
    return call(this.url, '/workers/nack', { worker_id: this.worker, job_id, x_lease, requeue: true, ...more });
  }

  end(job: Pick<Fetched, 'id' | 'x_lease'>, kind: 'ack' | 'nack' = 'ack', more: object = {}) {
    const { id: job_id, x_lease } = job;
    return call(this.url, `/workers/${kind}`, { worker_id: this.worker, job_id, x_lease, ...more });
  }

  async job(id: string): Promise<Answer> {
    return (await call<{ job: Answer }>(this.url, `/jobs/${id}`)).body.job;
  }

  async steps(id: string, query = ''): Promise<StepPage> {
    return (await call<StepPage>(this.url, `/jobs/${id}/steps${query}`)).body;
  }
}

export async function durableServer(storage: string): Promise<DurableServer> {
  const server = await serveClocked(storage);
  return Object.assign(server, { w: new DurableWorker(server.url) });
}

export type DurableServer = ClockedServer & { readonly w: DurableWorker };

export const done = (name: string, number: number, value?: unknown, more: object = {}) => ({
  ...{ name, kind: 'run', state: 'done', number, ...(value !== undefined && { value }) },
  ...more,
});
export const sleeping = (name: string, number: number, ms: number) => ({
  name,
  kind: 'sleep',
  state: 'open',
  number,
  ms,
});
