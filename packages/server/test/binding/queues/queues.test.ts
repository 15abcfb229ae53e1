import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newId } from '../../support/ids.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { serveAll } from '../../support/server.ts';
import { storages } from '../../support/storages.ts';

describe.each(storages)('queues on $name', (storage) => {
  const server = serveAll({ storage: storage.url() });

  const newQueue = () => `q-${newId()}`;
  const configure = (queue: string, body: object, path = 'queues') =>
    call(server.url, `/${path}/${queue}/config`, body, { method: 'PUT' });
  const config = async (queue: string) =>
    (await call<{ config: object }>(server.url, `/queues/${queue}/config`)).body.config;
  const remove = (queue: string, body?: object) => call(server.url, `/queues/${queue}`, body, { method: 'DELETE' });
  const push = (queue: string) =>
    call<{ job: { id: string } }>(server.url, '/jobs', { type: 'a.b', args: [], options: { queue } });

  test('a change of a misspelled queue warns with the nearest one, or is refused', async () => {
    const queue = newQueue();
    await push(queue);
    const wrong = (end: string) => `${queue.slice(0, -1)}${end}`;
    const changes = [
      ['pause', '', {}],
      ['resume', '', {}],
      ['config', 'PUT', { concurrency: 3 }],
    ] as const;
    for (const [at, [path, method, body]] of changes.entries()) {
      const name = wrong(`${at}z`);
      const change = (create: string) =>
        call(server.url, `/queues/${name}/${path}${create}`, body, { ...(method !== '' && { method }) });
      expect(await change('?create=false')).toMatchObject({
        status: 404,
        body: { error: { message: `There is no queue ${name}, and nothing was changed. Did you mean ${queue}?` } },
      });
      expect((await call(server.url, `/queues/${name}`)).status).toBe(404);
      expect(await change('')).toMatchObject({ status: 200, body: { warnings: [{ suggestion: queue }] } });
      expect((await change('?create=false')).body).not.toHaveProperty('warnings');
      expect((await change('?create=maybe')).status).toBe(200);
      await remove(name);
    }
    expect((await call(server.url, '/queues/nobody-ever/pause?create=maybe', {})).status).toBe(400);
  });

  describe('configuration', () => {
    test('of a queue that has none is the server’s', async () => {
      const queue = newQueue();
      const defaults = {
        max_size: null,
        overflow_policy: 'reject',
        backpressure: { max_depth: null, strategy: 'reject', warning_threshold: 0.8 },
        concurrency: null,
        rate_limit: null,
        retention: { completed: 'PT168H', discarded: 'PT720H', cancelled: 'PT168H' },
      };
      expect(await call(server.url, `/queues/${queue}/config`)).toMatchObject({
        status: 200,
        body: { queue, config: defaults, ...defaults },
      });
    });

    test('is changed field by field, under both paths and both names', async () => {
      const queue = newQueue();
      expect(
        (
          await configure(
            queue,
            { backpressure: { max_depth: 10, strategy: 'warn', warning_threshold: 0.5 } },
            'admin/queues',
          )
        ).status,
      ).toBe(200);
      await configure(queue, { concurrency: 3, rate_limit: { limit: 100, period: 'PT1M' } });
      const expected = {
        max_size: 10,
        overflow_policy: 'warn',
        backpressure: { max_depth: 10, strategy: 'warn', warning_threshold: 0.5 },
        concurrency: 3,
        rate_limit: { limit: 100, period: 'PT1M' },
      };
      expect(await config(queue)).toMatchObject(expected);
      expect(await call(server.url, `/admin/queues/${queue}/config`)).toMatchObject({ body: { config: expected } });
      await configure(queue, { max_size: 20, overflow_policy: 'reject', rate_limit: null });
      expect(await config(queue)).toMatchObject({
        backpressure: { max_depth: 20, strategy: 'reject' },
        concurrency: 3,
        rate_limit: null,
      });
      await configure(queue, { max_size: null, concurrency: null });
      expect(await config(queue)).toMatchObject({
        max_size: null,
        concurrency: null,
        backpressure: { warning_threshold: 0.5 },
      });
    });

    test('can be sent back as it was read', async () => {
      const queue = newQueue();
      await configure(queue, { max_size: 5, concurrency: 2, rate_limit: { limit: 1, period: 'PT1S' } });
      const before = await config(queue);
      expect((await configure(queue, before)).status).toBe(200);
      expect((await configure(queue, { config: before })).status).toBe(200);
      expect(await config(queue)).toEqual(before);
    });

    test.each<readonly [string, object]>([
      ['block', { backpressure: { max_depth: 1, strategy: 'block' } }],
      ['drop_oldest', { backpressure: { max_depth: 1, strategy: 'drop_oldest' } }],
      ['drop_oldest by its other name', { max_size: 1, overflow_policy: 'drop_oldest' }],
      ['a bound in bytes', { backpressure: { max_size_bytes: 1 } }],
      ['a retention of its own', { retention: { completed: 'P1D' } }],
      ['a dead letter of its own', { dead_letter_queue: 'dead' }],
      ['a default timeout', { default_timeout: 5 }],
      ['allowed types', { allowed_job_types: ['a.*'] }],
    ])('refuses %s as unsupported, and changes nothing', async (_, body) => {
      const queue = newQueue();
      const response = await send(server.url, {
        method: 'PUT',
        path: `/ojs/v1/queues/${queue}/config`,
        body: JSON.stringify({ concurrency: 5, ...body }),
      });
      expectRefusal(response, 422, 'unsupported');
      expect(await config(queue)).toMatchObject({ concurrency: null });
      expect((await call(server.url, `/queues/${queue}`)).status).toBe(404);
    });

    test.each<readonly [string, object, string]>([
      ['a depth below 0', { backpressure: { max_depth: -1 } }, '$.backpressure.max_depth'],
      ['a size that is no number', { max_size: 'many' }, '$.max_size'],
      ['an unknown strategy', { backpressure: { strategy: 'panic' } }, '$.backpressure.strategy'],
      ['an unknown policy', { overflow_policy: 'panic' }, '$.overflow_policy'],
      ['a threshold of 80', { backpressure: { warning_threshold: 80 } }, '$.backpressure.warning_threshold'],
      ['a concurrency below 0', { concurrency: -1 }, '$.concurrency'],
      ['a rate without a period', { rate_limit: { limit: 5 } }, '$.rate_limit.period'],
      ['a rate of nothing', { rate_limit: { limit: 0, period: 'PT1S' } }, '$.rate_limit.limit'],
      ['bounds that are no object', { backpressure: 5 }, '$.backpressure'],
      ['a retention that is no duration', { retention: { completed: 'a week' } }, '$.retention.completed'],
    ])('refuses %s', async (_, body, path) => {
      const answer = await configure(newQueue(), body);
      expect(answer).toMatchObject({
        status: 400,
        body: { error: { code: 'invalid_request', details: { validation_errors: [{ path }] } } },
      });
    });

    test('refuses an invalid name and an invalid body', async () => {
      expect((await configure('_default', { concurrency: 1 })).status).toBe(400);
      expect((await call(server.url, '/queues/q/config', undefined, { method: 'PUT' })).status).toBe(400);
    });
  });

  describe('a queue', () => {
    test('is shown in every shape that is in use', async () => {
      const name = newQueue();
      await push(name);
      await push(name);
      await call(server.url, '/workers/fetch', { queues: [name] });
      const counts = { available: 1, active: 1, scheduled: 0, retryable: 0, completed: 0, discarded: 0, cancelled: 0 };
      const { status, body } = await call(server.url, `/queues/${name}`);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        // ojs-queue-config §9.3
        name,
        state: 'active',
        config: { concurrency: null },
        stats: { depth: 1, available: 1, active: 1, retryable: 0, scheduled: 0, completed_today: 0, failed_today: 0 },
        created_at: expect.any(String),
        // EXT-MT-004
        queue: { name, ...counts },
        // ojs-admin-api §6.2
        counts,
        configuration: { concurrency: null },
        paused: false,
      });
      await call(server.url, `/queues/${name}/pause`, {});
      expect(await call(server.url, `/queues/${name}`)).toMatchObject({
        body: { state: 'paused', status: 'paused', paused: true },
      });
      expect((await call(server.url, `/queues/${newQueue()}`)).status).toBe(404);
    });

    test('is deleted only without jobs', async () => {
      const name = newQueue();
      await configure(name, { concurrency: 1 });
      const { body } = await push(name);
      expect(await remove(name)).toMatchObject({
        status: 409,
        body: { error: { code: 'conflict', details: { counts: { available: 1 } } } },
      });
      await call(server.url, `/jobs/${body.job.id}`, undefined, { method: 'DELETE' });
      // A finished job is still somebody's to look at.
      expect((await remove(name)).status).toBe(409);
      const empty = newQueue();
      await configure(empty, { concurrency: 0, max_size: 1 });
      expect((await remove(empty, { strategy: 'discard' })).status).toBe(422);
      expect((await call(server.url, `/queues/${empty}?strategy=move`, undefined, { method: 'DELETE' })).status).toBe(
        422,
      );
      expect(await remove(empty, { strategy: 'reject' })).toMatchObject({
        status: 200,
        body: { queue: empty, strategy: 'reject', state: 'deleted', jobs_affected: 0 },
      });
      expect((await remove(empty)).status).toBe(404);
      // Its configuration and its limits went with it.
      await push(empty);
      expect(await config(empty)).toMatchObject({ max_size: null, concurrency: null });
      expect(
        (await call<{ jobs: unknown[] }>(server.url, '/workers/fetch', { queues: [empty] })).body.jobs,
      ).toHaveLength(1);
    });
  });

  test('any JSON for any setting is answered, and never by a fault of the server', async () => {
    const names =
      `config backpressure max_depth strategy warning_threshold max_size overflow_policy concurrency rate_limit rate limit period throttle
      retention completed expires_at key max_per_second schema version type job_type uri mode validation items pattern $ref name`.split(
        /\s+/,
      );
    const words = fc.constantFrom(
      ...'reject warn strict PT1S second 1.0.0 a.b urn:x:y array 2099-01-01T00:00:00Z #'.split(' '),
    );
    const numbers = fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(0, 1, 0.5),
    );
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        words,
        numbers,
        fc.constantFrom(null, true, '', '__proto__'),
        fc.array(tie('value'), { maxLength: 2 }),
        fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 5 }),
      ),
    }));
    const body = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 6 });
    const targets = [
      'PUT /queues/q/config',
      'PUT /admin/queues/q/rate-limit',
      'PUT /rate-limits/k',
      'PUT /admin/schemas/a.b/1',
      'POST /schemas',
      'POST /queues',
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...targets), body, async (target, sent) => {
        const [method = '', path = ''] = target.split(' ');
        const { status, body: answer } = await call(server.url, path, sent, { method });
        expect(status, JSON.stringify(answer)).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
    expect((await call(server.url, '/queues/q/config')).status).toBe(200);
    expect((await call(server.url, '/jobs', { type: 'c.d', args: [] })).status).toBe(201);
  });

  test('stats have every shape at once (X20, C-22, T:EXT-BP-004, T:L4-STATS-001)', async () => {
    const name = newQueue();
    for (let index = 0; index < 4; index++) await push(name);
    const { body } = await call<{ jobs: { id: string }[] }>(server.url, '/workers/fetch', { queues: [name], count: 2 });
    const [done, failed] = body.jobs;
    await call(server.url, '/workers/ack', { job_id: done?.id });
    await call(server.url, '/workers/nack', {
      job_id: failed?.id,
      error: { code: 'x', message: 'x', retryable: false },
    });
    const counts = {
      available: 2,
      active: 0,
      scheduled: 0,
      retryable: 0,
      pending: 0,
      completed: 1,
      discarded: 1,
      cancelled: 0,
    };
    const sums = {
      completed_last_hour: 1,
      failed_last_hour: 1,
      completed_today: expect.any(Number),
      failed_today: expect.any(Number),
    };
    const read = async () =>
      (await call<{ stats: Readonly<Record<string, number>> }>(server.url, `/queues/${name}/stats`)).body;
    // Sums may be a second old.
    await expect.poll(async () => (await read()).stats.completed_last_hour).toBe(1);
    const stats = await read();
    expect(stats).toMatchObject({
      queue: { name, ...counts, paused: false },
      status: 'active',
      stats: { queue: name, depth: 2, max_depth: null, ...counts, ...sums },
      name,
      ...counts,
      computed_at: expect.any(String),
    });
    expect(stats.stats.throughput_per_second).toBeGreaterThan(0);
    expect(stats.stats.avg_wait_ms).toBeGreaterThanOrEqual(0);
    expect(stats.stats.avg_duration_ms).toBeGreaterThanOrEqual(0);
    const unknown = newQueue();
    expect(await call(server.url, `/queues/${unknown}/stats`)).toMatchObject({
      status: 200,
      body: { queue: { name: unknown, available: 0 }, stats: { depth: 0, completed_last_hour: 0 } },
    });
  });
});
