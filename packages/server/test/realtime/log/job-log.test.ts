import { join } from 'node:path';
import { manualClock } from '@ojs-ts/core';
import type { OperationName } from '@ojs-ts/core/operations';
import { describe, expect, test } from 'vitest';
import type { EngineOptions } from '../../../src/engine/options.ts';
import { openEmbedded } from '../../../src/index.ts';
import { temporaryDirectory } from '../../storage/sqlite/temporary.ts';
import { newId } from '../../support/ids.ts';
import { storages } from '../../support/storages.ts';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** An engine whose log is kept, by a clock that only the test moves. */
async function logged(url: string, options: Omit<EngineOptions, 'storage' | 'log'> = {}) {
  const clock = manualClock();
  const lines: Line[] = [];
  let told = () => {};
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, fields: { ...fields } });
    told();
  };
  const log = { trace: at('trace'), debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const embedded = await openEmbedded(url, { clock, upkeep: 'manual', log, ...options });
  const call = async <T>(operation: OperationName, body: object, params: Readonly<Record<string, string>> = {}) => {
    const { status, text } = await embedded.call({ operation, params, body: JSON.stringify(body) });
    if (status >= 300) throw new Error(`${operation}: ${status} ${text}`);
    return JSON.parse(text) as T;
  };
  const of = (category: string) => lines.filter(({ fields }) => fields.category === category);
  return {
    clock,
    embedded,
    call,
    lines,
    of,
    messages: (category: string) => of(category).map(({ level, message }) => `${level} ${message}`),
    async push(more: object = {}) {
      const id = newId();
      await call('job.enqueue', { id, type: 'a.b', args: [], ...more });
      return id;
    },
    fetch: (worker = 'w1') => call('worker.fetch', { queues: ['default'], worker_id: worker }),
    /** Resolves when a line of this message has come. */
    async until(message: string, count = 1) {
      while (lines.filter((line) => line.message === message).length < count)
        await new Promise<void>((resolve) => {
          told = resolve;
        });
    },
    [Symbol.asyncDispose]: () => embedded[Symbol.asyncDispose](),
  };
}

const retry = { max_attempts: 3, initial_interval: 'PT10S', jitter: false };

describe.each(storages)('the lines about jobs on $name', ({ name, url }) => {
  test('each change of a job has one, in order, and each failure one with its error', async () => {
    await using one = await logged(url(), { logJobs: 1 });
    const id = await one.push({ options: { retry } });
    await one.fetch();
    await one.call('worker.nack', { job_id: id, error: { code: 'oops', type: 'Oops', message: 'x'.repeat(5_000) } });
    one.clock.advance(10_000);
    await one.embedded.engine.upkeep.run();
    await one.fetch();
    await one.call('worker.ack', { job_id: id, result: 1 });
    await one.until('Job completed successfully');
    expect(one.messages('lifecycle')).toEqual([
      'info Job enqueued',
      'debug Job fetched by worker',
      'debug Job state changed',
      'debug Job fetched by worker',
      'info Job completed successfully',
    ]);
    expect(one.of('lifecycle').at(-1)?.fields).toMatchObject({
      job_id: id,
      job_type: 'a.b',
      queue: 'default',
      attempt: 2,
      state: 'completed',
      previous_state: 'active',
      worker_id: 'w1',
      duration_ms: 0,
    });
    expect(one.of('error')).toMatchObject([
      {
        level: 'warn',
        message: 'Job failed, will retry',
        fields: {
          job_id: id,
          attempt: 1,
          state: 'retryable',
          error: { type: 'Oops', code: 'oops', message: 'x'.repeat(1_000) },
          retry_delay_ms: 10_000,
        },
      },
    ]);
  });

  test('an execution that the server ends has a line that says why', async () => {
    await using one = await logged(url());
    const late = await one.push({ options: { retry, timeout_ms: 2_000 } });
    await one.fetch();
    one.clock.advance(2_500);
    await one.embedded.engine.upkeep.run();
    const lost = await one.push({ options: { retry: { max_attempts: 1 } } });
    await one.call('worker.fetch', { queues: ['default'], worker_id: 'w2', visibility_timeout_ms: 1_000 });
    one.clock.advance(1_000);
    await one.embedded.engine.upkeep.run();
    const again = await one.push({ options: { retry } });
    await one.call('worker.fetch', { queues: ['default'], worker_id: 'w2', visibility_timeout_ms: 1_000 });
    one.clock.advance(1_000);
    await one.embedded.engine.upkeep.run();
    expect(one.of('error').map(({ level, message, fields }) => [fields.job_id, level, message, fields.state])).toEqual([
      [late, 'error', 'Job execution timed out after 2.5s', 'retryable'],
      [lost, 'error', 'Job discarded after 1 attempts', 'discarded'],
      [again, 'error', 'Job lost, will retry', 'available'],
    ]);
    expect(one.of('lifecycle')).toEqual([]);
    expect(one.embedded.engine.subscriptions.followers).toBe(0);
  });

  test('of many jobs one in N has lines, and all of them; an end other than success always has its own', async () => {
    await using one = await logged(url(), { logJobs: 4 });
    const ids = await Promise.all(Array.from({ length: 40 }, () => one.push()));
    for (const _ of ids) await one.fetch();
    for (const id of ids) await one.call('worker.ack', { job_id: id });
    const cancelled = await Promise.all(Array.from({ length: 10 }, () => one.push()));
    for (const id of cancelled) await one.embedded.call({ operation: 'job.cancel', params: { id } });
    await one.until('Job cancelled', 10);
    const chosen = ids.filter((id) => Number.parseInt(id.slice(-8), 16) % 4 === 0);
    for (const message of ['Job enqueued', 'Job fetched by worker', 'Job completed successfully']) {
      const logged = one.lines.filter((line) => line.message === message).map(({ fields }) => fields.job_id);
      expect(logged.filter((id) => !cancelled.some((other) => other === id)).toSorted()).toEqual(chosen.toSorted());
    }
    expect(one.lines.filter(({ message }) => message === 'Job cancelled')).toHaveLength(10);
  });

  test.each(name === 'memory' ? [] : [0])('one of two servers writes them; after its end the other one', async () => {
    const shared = name === 'sqlite' ? `sqlite:${join(temporaryDirectory(), 'jobs.db')}` : url();
    const first = await logged(shared, { logJobs: 1 });
    await using second = await logged(shared, { logJobs: 1 });
    await second.push();
    await first.until('Job enqueued');
    await second.embedded.engine.jobLog?.tend();
    expect(second.of('lifecycle')).toEqual([]);
    await first.embedded[Symbol.asyncDispose]();
    await second.embedded.engine.jobLog?.tend();
    await second.push();
    await second.until('Job enqueued');
    expect(first.of('lifecycle')).toHaveLength(1);
    expect(second.of('lifecycle')).toHaveLength(1);
  });
});
