import { describe, expect, test } from 'vitest';
import { words } from '../../../../core/test/support/text.ts';
import { serveClocked } from '../../support/clocked.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

interface History {
  readonly period: string;
  readonly data: readonly Readonly<Record<string, unknown>>[];
}

describe.each(storages)('statistics of the admin API, $name (ojs-admin-api §10)', (storage) => {
  async function open() {
    const server = await serveClocked(storage.url());
    const { url, bench } = server;
    /** A job that waits a second and runs for two. */
    const work = async (queue: string, fails = false) => {
      await call(url, '/jobs', { type: 'a.b', args: [], options: { queue, retry: { max_attempts: 1 } } });
      bench.clock.advance(1_000);
      const { body } = await call<{ jobs: { id: string }[] }>(url, '/workers/fetch', { queues: [queue] });
      bench.clock.advance(2_000);
      const job_id = body.jobs[0]?.id;
      await (fails
        ? call(url, '/workers/nack', { job_id, error: { type: 'X', message: 'x' } })
        : call(url, '/workers/ack', { job_id }));
    };
    const history = async (query: string) => (await call<History>(url, `/admin/stats/history?${query}`)).body;
    return { url, bench, work, history, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  }

  test('sums over all queues, and the workers', async () => {
    await using server = await open();
    const { url, bench, work } = server;
    await work('a');
    await work('b');
    await work('b', true);
    await call(url, '/jobs', { type: 'a.b', args: [], options: { queue: 'a', pending: true } });
    await call(url, '/workers/heartbeat', { worker_id: 'w1', active_jobs: [], state: 'quiet' });
    await call(url, '/queues/b/pause', {});
    bench.clock.advance(51_000);
    expect((await call(url, '/admin/stats')).body).toEqual({
      queues: 2,
      paused_queues: 1,
      workers: 1,
      workers_by_state: { total: 1, running: 0, quiet: 0, terminate: 0, stale: 1 },
      jobs: {
        available: 0,
        active: 0,
        scheduled: 0,
        retryable: 0,
        pending: 1,
        completed: 2,
        discarded: 1,
        cancelled: 0,
        dead_letter: 0,
      },
      oldest_available_at: null,
      // Over the last full minute, which has begun and ended by now.
      throughput: { processed_per_minute: 2, failed_per_minute: 1 },
      // Three waits of a second are in the bucket from 800 to 1,000 ms, two runs in that from 1,500 to 2,000.
      latency_ms: { p50: 900, p95: 990, p99: 998 },
      duration_ms: { p50: 1_750, p95: 1_975, p99: 1_995 },
      completed_last_hour: 2,
      failed_last_hour: 1,
      uptime_seconds: 60,
    });
  });

  test('the history adds minutes up by period and queue, with the empty ones', async () => {
    await using server = await open();
    const { bench, work, history } = server;
    await work('a');
    await work('b', true);
    bench.clock.set(Date.parse('2026-01-01T00:07:00Z'));
    await work('a');
    const from = 'since=2026-01-01T00:00:00Z';
    const zero = { retried: 0, discarded: 0, cancelled: 0, expired: 0 };
    const empty = { processed: 0, failed: 0, enqueued: 0, started: 0, ...zero };
    const none = {
      ...{ latency_mean_ms: null, latency_p50_ms: null, latency_p95_ms: null, latency_p99_ms: null },
      ...{ duration_mean_ms: null, duration_p50_ms: null, duration_p95_ms: null, duration_p99_ms: null },
    };
    const measured = {
      ...{ latency_mean_ms: 1_000, latency_p50_ms: 900, latency_p95_ms: 990, latency_p99_ms: 998 },
      ...{ duration_mean_ms: 2_000, duration_p50_ms: 1_750, duration_p95_ms: 1_975, duration_p99_ms: 1_995 },
    };
    expect(await history(`${from}&period=5m`)).toEqual({
      period: '5m',
      data: [
        {
          timestamp: '2026-01-01T00:00:00.000Z',
          processed: 1,
          failed: 1,
          enqueued: 2,
          started: 2,
          ...zero,
          discarded: 1,
          ...measured,
        },
        { timestamp: '2026-01-01T00:05:00.000Z', ...empty, processed: 1, enqueued: 1, started: 1, ...measured },
      ],
    });
    const minutes = await history(`${from}&period=1m&queue=b`);
    expect(minutes.data).toHaveLength(8);
    expect(minutes.data[0]).toMatchObject({ processed: 0, failed: 1, enqueued: 1, duration_mean_ms: null });
    expect(minutes.data[7]).toEqual({ timestamp: '2026-01-01T00:07:00.000Z', ...empty, ...none });
    const typed = await Promise.all(['a.b', 'c.d'].map((type) => history(`${from}&period=1d&type=${type}`)));
    expect(typed.map(({ data }) => data[0]?.processed)).toEqual([2, 0]);
    const day = await history(`${from}&period=1d`);
    expect(day.data).toMatchObject([{ processed: 2, failed: 1 }]);
    const until = await history(`${from}&until=2026-01-01T00:05:00Z`);
    expect(until.data).toMatchObject([{ processed: 1, failed: 1 }]);
    expect((await history('')).data).toHaveLength(13);
    // Empty parameters count as absent.
    expect(await history('period=&queue=&type=&since=&until=')).toEqual(await history(''));
  });

  test('a history of too many points, or of none, is refused', async () => {
    await using server = await open();
    const wrong = words(`
      period=2m queue=A type=A since=yesterday since=2026-01-02T00:00:00Z since=2025-12-30T00:00:00Z&period=1m
      since=2026-01-01T00:00:00Z&until=2026-01-01T00:00:00Z
    `);
    for (const query of wrong)
      expectRefusal(await send(server.url, { path: `/ojs/v1/admin/stats/history?${query}` }), 400, 'invalid_request');
  });
});
