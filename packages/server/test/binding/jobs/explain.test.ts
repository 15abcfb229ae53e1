import { type ManualClock, manualClock } from '@ojs-ts/core';
import type { OperationName } from '@ojs-ts/core/operations';
import { describe, expect, test } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { openEmbedded } from '../../../src/index.ts';
import { StoreUnwritable } from '../../../src/storage/unavailable.ts';
import { newId } from '../../support/ids.ts';
import { storages } from '../../support/storages.ts';

const start = Date.UTC(2026, 0, 1);
const second = 1_000;
const at = (seconds: number) => new Date(start + seconds * second).toISOString();
interface Explained {
  readonly job_id?: string;
  readonly state: string;
  readonly verdict: string;
  readonly reasons: readonly { readonly code: string; readonly message: string }[];
  readonly next_start_at: string | null;
}

interface Fetched {
  readonly id: string;
  readonly x_lease: string;
}

/** A server of its own by a clock that only the test moves, asked as a client asks. */
class Asked implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly embedded: Awaited<ReturnType<typeof openEmbedded>>;

  static async open(url: string): Promise<Asked> {
    const clock = manualClock(start);
    return new Asked(clock, await openEmbedded(url, { clock, upkeep: 'manual' }));
  }

  private constructor(clock: ManualClock, embedded: Asked['embedded']) {
    this.clock = clock;
    this.embedded = embedded;
  }

  async call<T>(operation: OperationName, body?: object, params: Readonly<Record<string, string>> = {}): Promise<T> {
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await this.embedded.call({ operation, params, ...text });
    if (answer.status >= 300) throw new Error(`${operation}: ${answer.status} ${answer.text}`);
    return JSON.parse(answer.text);
  }

  async push(options: object = {}, top: object = {}): Promise<string> {
    return (await this.call<{ job: { id: string } }>('job.enqueue', { type: 'a.b', args: [], options, ...top })).job.id;
  }

  async fetch(queue: string, worker = 'w1', count = 1): Promise<readonly Fetched[]> {
    const body = { queues: [queue], worker_id: worker, count, leases: true };
    return (await this.call<{ jobs: readonly Fetched[] }>('worker.fetch', body)).jobs;
  }

  /** A heartbeat that lists these jobs. */
  beat(worker: string, queues: readonly string[] | null, jobs: readonly Fetched[] = [], more: object = {}) {
    const leases = Object.fromEntries(jobs.map(({ id, x_lease }) => [id, x_lease]));
    const body = { worker_id: worker, ...(queues && { queues }), active_jobs: Object.keys(leases), leases, ...more };
    return this.call('worker.heartbeat', body);
  }

  async fail(queue: string, error: object, more: object = {}): Promise<void> {
    for (const { id, x_lease } of await this.fetch(queue))
      await this.call('worker.nack', { job_id: id, x_lease, error: { message: 'It broke', ...error }, ...more });
  }

  async explain(id: string, step?: string): Promise<Explained> {
    const query = step === undefined ? {} : { query: { step } };
    const { status, text } = await this.embedded.call({ operation: 'job.explain', params: { id }, ...query });
    expect([status, text]).toEqual([200, text]);
    return JSON.parse(text);
  }

  async codes(id: string, step?: string): Promise<readonly string[]> {
    return (await this.explain(id, step)).reasons.map(({ code }) => code);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.embedded[Symbol.asyncDispose]();
  }
}

describe.each(storages)('why a job does not run, $name', (storage) => {
  const it = testWith(() => Asked.open(storage.url()));

  it('a paused queue, and the workers of a queue: none, quiet, dead, unlisted, live', async (a) => {
    const id = await a.push({ queue: 'mail' });
    a.clock.advance(second);
    await a.call('queue.pause', {}, { name: 'mail' });
    a.clock.advance(second);
    expect(await a.explain(id)).toMatchObject({
      state: 'available',
      verdict: 'The job is available: its queue is paused, and no live worker is known to read its queue.',
      reasons: [
        {
          code: 'queue_paused',
          message: `Queue mail is paused since ${at(1)}.`,
          since: at(1),
          remedy: 'Resume the queue.',
        },
        { code: 'no_worker', message: 'No live worker is known to read queue mail.' },
      ],
      next_start_at: null,
    });
    await a.call('queue.resume', {}, { name: 'mail' });
    await a.beat('gone', ['mail']);
    a.clock.advance(30 * second);
    await a.beat('quiet', ['other', 'mail'], [], { state: 'quiet' });
    await a.beat('elsewhere', ['other']);
    await a.beat('silent', null);
    expect(await a.explain(id)).toMatchObject({
      reasons: [
        {
          code: 'no_worker',
          message:
            'No live worker is known to read queue mail: 1 dead, 1 quiet; the queues of 1 live worker are not known.',
          workers: [
            { id: 'gone', status: 'dead', last_seen_at: at(2) },
            { id: 'quiet', status: 'quiet', last_seen_at: at(32) },
          ],
        },
      ],
    });
    await a.beat('fresh', ['mail'], [], { concurrency: 2 });
    expect(await a.explain(id)).toMatchObject({
      verdict: 'The job is available: nothing holds it back.',
      reasons: [{ code: 'ready', workers: [{ id: 'fresh', status: 'live', held: 0, slots: 2 }] }],
      next_start_at: at(32),
    });
  });

  it('a worker that only fetches counts by its fetches', async (a) => {
    expect(await a.fetch('mail', 'simple')).toEqual([]);
    const id = await a.push({ queue: 'mail' });
    expect(await a.explain(id)).toMatchObject({ reasons: [{ code: 'ready', workers: [{ id: 'simple' }] }] });
    a.clock.advance(120 * second);
    expect(await a.explain(id)).toMatchObject({
      reasons: [{ code: 'no_worker', workers: [{ id: 'simple', status: 'unknown', last_seen_at: at(0) }] }],
    });
  });

  it('the slots of the workers, other queues of theirs, and the jobs before', async (a) => {
    const [first, id] = [await a.push({ queue: 'mail' }), await a.push({ queue: 'mail' })];
    const jobs = await a.fetch('mail');
    await a.beat('w1', ['high', 'mail'], jobs, { concurrency: 1 });
    expect(await a.explain(id)).toMatchObject({
      reasons: [
        { code: 'workers_busy', workers: [{ id: 'w1', held: 1, slots: 1 }], jobs: [{ id: first, worker_id: 'w1' }] },
      ],
      next_start_at: null,
    });
    await a.beat('w1', ['high', 'mail'], jobs, { concurrency: 2 });
    expect(await a.codes(id)).toEqual(['ready']);
    await a.push({ queue: 'high' });
    expect(await a.explain(id)).toMatchObject({
      reasons: [{ code: 'other_queues_first', queues: [{ name: 'high', available: 1 }] }],
      next_start_at: at(0),
    });
    await a.call('queue.pause', {}, { name: 'high' });
    await a.push({ queue: 'mail', priority: 9 });
    await a.push({ queue: 'mail' });
    expect(await a.explain(id)).toMatchObject({
      reasons: [
        { code: 'jobs_before', message: 'By priority and time of entry, 1 job of queue mail is before this one.' },
      ],
    });
    const many = Array.from({ length: 200 }, () => ({ type: 'a.b', args: [], options: { queue: 'mail' } }));
    await a.call('job.enqueueBatch', { jobs: many });
    expect((await a.explain(id)).reasons[0]?.message).toBe(
      'Queue mail has 203 available jobs; how many are before this one was not counted.',
    );
  });

  it('the limit of a queue, those of keys with their holders, rates and stops', async (a) => {
    await a.beat('w9', ['mail', 'sms', 'many'], [], { concurrency: 100 });
    await a.call('queue.configure', { concurrency: 1 }, { name: 'mail' });
    const [held, id] = [await a.push({ queue: 'mail' }), await a.push({ queue: 'mail' })];
    await a.fetch('mail');
    expect(await a.explain(id)).toMatchObject({
      verdict: 'The job is available: a limit allows no more executions at once.',
      reasons: [
        {
          code: 'concurrency_full',
          message: 'Queue mail runs 1 job of at most 1.',
          keys: ['queue:mail'],
          jobs: [{ id: held, worker_id: 'w1', since: at(0) }],
        },
      ],
      next_start_at: null,
    });
    await a.call('queue.configure', { concurrency: 0 }, { name: 'mail' });
    expect(await a.codes(id)).toEqual(['limit_stopped']);

    const both = { key: 'tenant:7', concurrency: 1, rate: { limit: 1, period: 'PT1M' } };
    const other = await a.push({ queue: 'many', rate_limit: both });
    const limited = await a.push({ queue: 'sms', rate_limit: both });
    const [job] = await a.fetch('many', 'w2');
    a.clock.advance(second);
    expect(await a.explain(limited)).toMatchObject({
      reasons: [
        { code: 'concurrency_full', keys: ['tenant:7'], jobs: [{ id: other, worker_id: 'w2', since: at(0) }] },
        { code: 'rate_reached', message: `The rate of limit tenant:7 allows the next start at ${at(60)}.` },
      ],
      next_start_at: null,
    });
    await a.call('worker.ack', { job_id: job?.id, x_lease: job?.x_lease });
    expect(await a.explain(limited)).toMatchObject({
      reasons: [{ code: 'rate_reached', until: at(60) }],
      next_start_at: at(60),
    });
    await a.call('limit.override', { concurrency: 0 }, { key: 'tenant:7' });
    expect(await a.codes(limited)).toEqual(['limit_stopped']);
    await a.call('limit.restore', undefined, { key: 'tenant:7' });
    a.clock.advance(60 * second);
    await a.beat('w9', ['sms'], [], { concurrency: 100 });
    expect(await a.explain(limited)).toMatchObject({ reasons: [{ code: 'ready' }], next_start_at: at(61) });
  });

  it('a run of a cron waits for the earlier one', async (a) => {
    await a.beat('w9', ['crons'], [], { concurrency: 9 });
    const job = { type: 'a.b', args: [], options: { queue: 'crons' } };
    await a.call('cron.register', { name: 'report', cron: '@daily', overlap_policy: 'enqueue', ...job });
    const trigger = async () =>
      (await a.call<{ job_id: string }>('cron.trigger', undefined, { name: 'report' })).job_id;
    const [first, id] = [await trigger(), await trigger()];
    await a.fetch('crons');
    expect(await a.explain(id)).toMatchObject({
      reasons: [{ code: 'concurrency_full', message: 'Cron report runs 1 job of at most 1.', jobs: [{ id: first }] }],
    });
  });

  it('an active job: its worker runs it, has lost it, is silent, or sends no heartbeats', async (a) => {
    const id = await a.push({ queue: 'mail' });
    const jobs = await a.fetch('mail');
    expect(await a.explain(id)).toMatchObject({
      state: 'active',
      reasons: [{ code: 'running', workers: [{ id: 'w1', status: 'unknown', last_seen_at: null }], since: at(0) }],
      next_start_at: null,
    });
    await a.beat('w1', ['mail'], jobs);
    expect(await a.explain(id)).toMatchObject({
      reasons: [
        {
          code: 'running',
          message: expect.stringMatching(/^Worker w1 runs attempt 1 of 3 since .*, unless a heartbeat extends it\.$/),
          workers: [{ id: 'w1', status: 'live', last_seen_at: at(0), held: 1 }],
        },
      ],
    });
    a.clock.advance(30 * second);
    expect(await a.explain(id)).toMatchObject({
      reasons: [{ code: 'worker_silent', since: at(0), until: at(30), workers: [{ id: 'w1', status: 'dead' }] }],
      next_start_at: at(30),
    });
    await a.embedded.engine.upkeep.run();
    expect((await a.explain(id)).state).toBe('available');

    await a.beat('w2', ['mail']);
    await a.fetch('mail', 'w2');
    await a.embedded.engine.upkeep.run();
    for (let round = 0; round < 3; round++) {
      a.clock.advance(second);
      await a.beat('w2', ['mail']);
    }
    expect(await a.codes(id)).toEqual(['lost_answer']);
    await a.embedded.engine.upkeep.run();
    expect((await a.explain(id)).state).toBe('available');
  });

  it('steps of a workflow: waiting, started, skipped, refused, cancelled', async (a) => {
    const create = async (body: object) =>
      (await a.call<{ workflow: { id: string } }>('workflow.create', body)).workflow.id;
    const step = (id: string, more: object = {}) => ({
      id,
      type: `${id}.job`,
      args: [],
      options: { queue: id, ...more },
    });
    const chain = await create({ type: 'chain', steps: [step('pay'), step('ship')] });
    const pay = await a.explain(chain, 'pay');
    expect(pay).toMatchObject({ step: 'pay', workflow_id: chain, state: 'available' });
    expect(await a.explain(chain, 'ship')).toMatchObject({
      step: 'ship',
      workflow_id: chain,
      state: 'waiting',
      verdict: 'Step ship is waiting: it waits for other steps.',
      reasons: [{ code: 'step_waits', steps: [{ id: 'pay', state: 'available', job_id: pay.job_id }] }],
    });
    await a.fetch('pay');
    expect(await a.explain(chain, 'ship')).toMatchObject({ reasons: [{ steps: [{ state: 'active' }] }] });
    await a.call('job.discard', {}, { id: pay.job_id ?? '' });
    expect(await a.codes(chain, 'ship')).toEqual(['step_skipped']);

    const unique = { keys: ['type'] };
    const holder = await a.push({ queue: 'one', unique }, { type: 'one.job' });
    const group = await create({ type: 'group', jobs: [step('one', { unique }), step('two')] });
    expect(await a.explain(group, 'one')).toMatchObject({
      state: 'failed',
      reasons: [{ code: 'unique', jobs: [{ id: holder }] }],
    });
    const { job_id: two = '' } = await a.explain(group, 'two');
    const ended = await create({ type: 'chain', steps: [step('first'), step('last')] });
    const { job_id: first = '' } = await a.explain(ended, 'first');
    await a.call('workflow.cancel', undefined, { id: ended });
    expect(await a.codes(first)).toEqual(['workflow_cancelled']);
    expect(await a.codes(ended, 'last')).toEqual(['workflow_cancelled']);
    expect(await a.explain(two)).toMatchObject({ job_id: two, workflow_id: group });
  });

  it('an unknown job, workflow or step is not_found', async (a) => {
    const workflow = newId();
    await a.call('workflow.create', { id: workflow, type: 'chain', steps: [{ type: 'a.b', args: [] }] });
    const refused = async (id: string, step?: string) => {
      const query = step === undefined ? {} : { query: { step } };
      const { status, text } = await a.embedded.call({ operation: 'job.explain', params: { id }, ...query });
      return [status, JSON.parse(text).error.code];
    };
    for (const id of [newId(), 'nonsense', workflow]) expect(await refused(id)).toEqual([404, 'not_found']);
    expect(await refused(newId(), '0')).toEqual([404, 'not_found']);
    expect(await refused(workflow, 'nothing')).toEqual([404, 'not_found']);
    expect(await refused(workflow, '')).toEqual([400, 'invalid_request']);
    expect((await a.explain(workflow, '0')).state).toBe('available');
  });
});

test('a storage that takes no writes holds every job back', async () => {
  await using a = await Asked.open('memory:');
  const id = await a.push();
  a.embedded.engine.storeHealth.noticed(new StoreUnwritable('full', 'The disk is full.'));
  expect((await a.explain(id)).reasons[0]).toMatchObject({
    code: 'storage_refuses_writes',
    message: 'The storage takes no writes: The disk is full.',
  });
});
