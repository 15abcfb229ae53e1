import { State } from '@ojs-ts/core/job';
import { describe, expect, test } from 'vitest';
import { jobSeries } from '../../../src/binding/metrics/job-series.ts';
import { storeSeries } from '../../../src/binding/metrics/store-series.ts';
import { bench } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

describe.each(storages)('on $name', ({ url }) => {
  test('the age of a backlog is that of its oldest available job', async () => {
    await using b = await bench(url());
    await b.push({ queue: 'q' });
    b.clock.advance(60_000);
    await b.push({ queue: 'q' });
    await b.push({ queue: 'later', state: State.scheduled, runAt: b.clock.now() + 3_600_000 });
    b.clock.advance(2_500);
    const age = async () => {
      const reading = await b.engine.storeReadings.latest();
      const families = reading === null ? [] : storeSeries(reading);
      const { samples = [] } = families.find(({ name }) => name === 'ojs_queue_oldest_seconds') ?? {};
      return new Map([...samples].map((one) => [one.labels.queue, 'value' in one ? one.value : null]));
    };
    expect(await age()).toEqual(
      new Map([
        ['later', 0],
        ['q', 62.5],
      ]),
    );
    await b.fetch({ queues: ['q'], count: 2 });
    b.clock.advance(1_000);
    expect(await age()).toEqual(
      new Map([
        ['later', 0],
        ['q', 0],
      ]),
    );
  });

  test('counters and histograms of jobs that waited and ended in each way', async () => {
    await using b = await bench(url());
    const { engine, clock } = b;
    const run = async (waitMs: number, runMs: number, end: 'ack' | 'fail' | 'cancel') => {
      const id = await b.push({ type: 'a.b', queue: 'q' });
      clock.advance(waitMs);
      const [job] = await b.fetch({ queues: ['q'] });
      clock.advance(runMs);
      const claim = { id, claim: job?.claim ?? null, worker: null };
      if (end === 'ack') await engine.protocol.settle({ ...claim, kind: 'ack', result: null });
      else if (end === 'cancel') await engine.lifecycle.cancel(id, null);
      else {
        const failure = { code: 'x', type: 'Broken', message: 'no', retryable: false, names: [] };
        await engine.protocol.settle({ ...claim, kind: 'fail', failure });
      }
    };
    await run(500, 30_000, 'ack');
    await run(501, 30_001, 'ack');
    await run(5_000_000, 4, 'fail');
    await run(0, 0, 'cancel');
    const families = new Map(jobSeries(await engine.totals.read()).map((family) => [family.name, family]));
    const value = (name: string) => [...(families.get(name)?.samples ?? [])];
    const labels = { queue: 'q', type: 'a.b' };
    expect(value('ojs_job_enqueued_total')).toEqual([{ labels, value: 4 }]);
    expect(value('ojs_job_completed_total')).toEqual([{ labels, value: 2 }]);
    expect(value('ojs_job_failed_total')).toEqual([{ labels, value: 1 }]);
    expect(value('ojs_job_cancelled_total')).toEqual([{ labels, value: 1 }]);
    expect(value('ojs_job_retried_total')).toEqual([{ labels, value: 0 }]);
    expect(value('ojs_job_expired_total')).toEqual([{ labels, value: 0 }]);
    // Bounds 0.01 0.05 0.1 0.5 1 5 10 30 60 300 600 1800 3600, and all.
    expect(value('ojs_job_queue_time_seconds')).toEqual([
      { labels, cumulative: [1, 1, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4], sum: 5_001.001 },
    ]);
    // Bounds 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 30 60 120 300, and all.
    expect(value('ojs_job_duration_seconds')).toEqual([
      {
        labels: { ...labels, state: 'completed' },
        cumulative: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 2],
        sum: 60.001,
      },
      { labels: { ...labels, state: 'discarded' }, cumulative: Array(16).fill(1), sum: 0.004 },
      { labels: { ...labels, state: 'cancelled' }, cumulative: Array(16).fill(1), sum: 0 },
    ]);
  });
});
