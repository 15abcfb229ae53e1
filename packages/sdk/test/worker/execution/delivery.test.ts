import { describe, expect, test } from 'vitest';
import { OJSError } from '../../../src/index.ts';
import { aborted, benchOfEachTest, gate, openBench } from '../../support/bench.ts';
import { refusal } from '../../support/faulty.ts';

const bench = benchOfEachTest();

const items = (name: 'acks' | 'nacks') =>
  bench.wire.bodies('worker.exchange').map((body) => (Array.isArray(body[name]) ? body[name] : []));
const hasAcks = (call: { readonly body?: string }) => call.body?.includes('"acks":[{') === true;

describe('turns', () => {
  test('outcomes of one turn share an exchange with the fetch for their slots', async () => {
    const jobs = await bench.client.enqueueBatch(
      Array.from({ length: 40 }, (_, n) => ({ type: 'test.job', args: [n] })),
    );
    const worker = bench.worker({ concurrency: 20 }).register('test.job', async () => {});
    await worker.runUntil(() => Promise.all(jobs.map((job) => job.wait())));
    const acks = items('acks')
      .map((list) => list.length)
      .filter((length) => length > 0);
    expect(acks.reduce((sum, length) => sum + length, 0)).toBe(40);
    expect(acks.length).toBeLessThanOrEqual(4);
    const carrying = bench.wire
      .bodies('worker.exchange')
      .find((body) => Array.isArray(body.acks) && body.acks.length > 0);
    expect(carrying).toMatchObject({ fetch: { count: 20, wait_ms: 0, visibility_timeout_ms: 30_000 } });
  });

  test('an idle worker keeps one long poll open; an outcome does not wait for it', async () => {
    const second = gate();
    const worker = bench
      .worker({ concurrency: 2 })
      .register('test.job', (context) => (context.args[0] === 1 ? second.opened : undefined));
    const running = worker.start();
    await worker.ready;
    const job = await bench.client.enqueue('test.job', [1]);
    await bench.wire.until(
      () =>
        bench.wire.bodies('worker.exchange').filter((body) => JSON.stringify(body.fetch)?.includes('"wait_ms":5000'))
          .length >= 2,
    );
    second.open();
    await job.wait();
    const last = bench.wire.bodies('worker.exchange').at(-1);
    expect(last).toMatchObject({ acks: [{ job_id: job.id, x_lease: expect.any(String) }] });
    expect(last?.fetch).toBeUndefined();
    await worker.stop();
    await running;
  });

  test('ready comes with the first answered fetch, on an empty queue too', async () => {
    const worker = bench.worker();
    const running = worker.start();
    await worker.ready;
    expect(worker.health()).toMatchObject({ ok: true, state: 'running', active: 0, lastFetchAt: expect.any(Date) });
    await worker.stop();
    await running;
  });

  test('a fetch whose answer was lost is repeated by its own id and brings the same claims', async () => {
    const jobs = await bench.client.enqueueBatch([1, 2].map((n) => ({ type: 'test.job', args: [n] })));
    bench.wire.spoil('worker.exchange', 'after');
    const attempts: number[] = [];
    const worker = bench.worker().register('test.job', (context) => void attempts.push(context.attempt));
    await worker.runUntil(() => Promise.all(jobs.map((job) => job.wait())));
    const [lost, again] = bench.wire.bodies('worker.exchange');
    expect(again).toEqual(lost);
    expect(attempts).toEqual([1, 1]);
  });
});

describe('outcomes', () => {
  // A fault of other SDKs: an ack that failed three times became a nack, and the handler ran twice.
  test.each(['before', 'after'] as const)(
    'an ack cut %s the commit is sent again, and never turns into a nack',
    async (moment) => {
      for (let n = 0; n < 4; n++) bench.wire.spoil('worker.exchange', moment, hasAcks);
      let runs = 0;
      const job = await bench.client.enqueue('test.job', []);
      const worker = bench.worker().register('test.job', () => ++runs);
      expect(await worker.runUntil(() => job.wait())).toBe(1);
      await worker.stop();
      expect(runs).toBe(1);
      expect(items('nacks').flat()).toEqual([]);
      const acks = items('acks').filter((list) => list.length > 0);
      expect(acks).toHaveLength(5);
      expect(new Set(acks.map((list) => JSON.stringify(list))).size).toBe(1);
    },
  );

  test('an outcome that the server could not store is sent again; heartbeats list the job until then', async () => {
    const job = await bench.client.enqueue('test.job', []);
    const beaten = gate();
    const worker = bench.worker({ heartbeatInterval: 10 });
    bench.wire.spoil(
      'worker.exchange',
      async () => {
        const from = bench.wire.of('worker.heartbeat').length;
        await bench.wire.until(() =>
          bench.wire
            .bodies('worker.heartbeat')
            .slice(from)
            .some((body) => JSON.stringify(body.active_jobs)?.includes(job.id)),
        );
        beaten.open();
        return {
          status: 200,
          text: JSON.stringify({ acks: [{ job_id: job.id, status: 503 }], nacks: [], jobs: [] }),
          headers: {},
        };
      },
      hasAcks,
    );
    worker.register('test.job', () => 'x');
    expect(await worker.runUntil(() => job.wait())).toBe('x');
    await beaten.opened;
  });

  test.each([404, 409])('%i for an outcome: dropped, logged, not repeated', async (status) => {
    const job = await bench.client.enqueue('test.job', []);
    const answer = {
      acks: [{ job_id: job.id, status, error: { code: 'conflict', message: 'no longer yours' } }],
      nacks: [],
      jobs: [],
    };
    bench.wire.spoil('worker.exchange', { status: 200, text: JSON.stringify(answer), headers: {} }, hasAcks);
    const worker = bench.worker().register('test.job', () => {});
    const running = worker.start();
    await bench.wire.until(() => items('acks').flat().length === 1);
    await worker.stop();
    await running;
    expect(items('acks').flat()).toHaveLength(1);
    expect(items('nacks').flat()).toEqual([]);
    expect(bench.logger.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('no longer belong') }),
    );
  });

  test.each([400, 404, 405, 409, 413, 415, 422])(
    'a page with status %i, from a proxy before a server that restarts, passes: the ack goes again',
    async (status) => {
      const pages = ['<html>no</html>', '', '{"error":"Not Found","message":"no route"}', '{"code":404}', '[]'];
      for (const page of pages) bench.wire.spoil('worker.exchange', refusal(status, page), hasAcks);
      bench.wire.spoil('worker.fetch', refusal(status, '<html>no</html>'));
      for (const page of pages) bench.wire.spoil('worker.fetch', refusal(status, page));
      const job = await bench.client.enqueue('test.job', []);
      const worker = bench.worker().register('test.job', () => 'x');
      expect(await worker.runUntil(() => job.wait())).toBe('x');
      expect(
        new Set(
          items('acks')
            .flat()
            .map((item) => JSON.stringify(item)),
        ).size,
      ).toBe(1);
      expect(items('nacks').flat()).toEqual([]);
      expect([...bench.wire.of('worker.ack'), ...bench.wire.of('worker.nack')]).toEqual([]);
      expect(bench.logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
    },
  );

  test('a first fetch that a proxy answers with a page is tried again, by exchange', async () => {
    for (const status of [404, 405, 400]) bench.wire.spoil('worker.exchange', refusal(status, '<html>no</html>'));
    for (let n = 0; n < 2; n++) bench.wire.spoil('worker.fetch', refusal(404, '<html>no</html>'));
    const worker = bench.worker().register('test.job', () => 'x');
    const job = await bench.client.enqueue('test.job', []);
    expect(await worker.runUntil(() => job.wait())).toBe('x');
    expect(bench.wire.of('worker.ack')).toEqual([]);
    expect(items('acks').flat()).toHaveLength(1);
  });

  test.each(['NOT_FOUND', 'conflict'])(
    'an exchange refused with %s for its one job drops the outcome',
    async (code) => {
      const job = await bench.client.enqueue('test.job', []);
      const body = { error: { code, message: 'no longer yours', details: { job_id: job.id } } };
      for (let n = 0; n < 2; n++)
        bench.wire.spoil('worker.exchange', refusal(code === 'conflict' ? 409 : 404, body), hasAcks);
      const worker = bench.worker().register('test.job', () => {});
      const running = worker.start();
      await bench.wire.until(() => items('acks').flat().length === 2);
      await worker.stop();
      await running;
      expect(items('acks').flat()).toHaveLength(2);
      expect(items('nacks').flat()).toEqual([]);
      expect(bench.wire.of('worker.ack')).toEqual([]);
      expect(bench.logger.lines).toContainEqual(
        expect.objectContaining({ level: 'warn', message: expect.stringContaining('no longer belong') }),
      );
    },
  );

  test.each([400, 413, 422])(
    'a result that the server refuses with %i fails the job, once and for good',
    async (status) => {
      const job = await bench.client.enqueue('test.job', [], { retry: { maxAttempts: 3 } });
      const answer = {
        acks: [{ job_id: job.id, status, error: { code: 'invalid_request', message: 'no' } }],
        nacks: [],
        jobs: [],
      };
      bench.wire.spoil('worker.exchange', refusal(200, answer), hasAcks);
      const worker = bench.worker().register('test.job', () => 'x');
      await worker.runUntil(() => job.wait().catch(() => {}));
      expect(items('acks').flat()).toMatchObject([{ job_id: job.id, result: 'x' }]);
      expect(items('nacks').flat()).toHaveLength(1);
      const type = status === 413 ? 'result_too_large' : 'invalid_result';
      expect(await job.refresh()).toMatchObject({
        state: 'discarded',
        attempt: 1,
        error: { type, message: expect.stringContaining(`${status}: no.`) },
      });
    },
  );

  test('a refused ack without a result and a refused nack are given up', async () => {
    const job = await bench.client.enqueue('test.job', []);
    const refused = { job_id: job.id, status: 422, error: { code: 'invalid_request', message: 'no' } };
    bench.wire.spoil('worker.exchange', refusal(200, { acks: [refused], nacks: [], jobs: [] }), hasAcks);
    const worker = bench.worker().register('test.job', () => {});
    const running = worker.start();
    await expect.poll(() => bench.logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    await worker.stop();
    await running;
    expect(items('acks').flat()).toHaveLength(1);
    expect(items('nacks').flat()).toEqual([]);
    expect(bench.logger.lines.find(({ level }) => level === 'error')).toMatchObject({
      message: expect.stringContaining('outcome refused'),
      fields: { job_id: job.id, status: 422, reason: 'no' },
    });
  });

  test('a proxy that limits requests refuses a large result for good; what was sent beside it arrives', async () => {
    const large = (call: { readonly body?: string }) => (call.body?.length ?? 0) > 100_000;
    for (let n = 0; n < 20; n++)
      bench.wire.spoil('worker.exchange', refusal(413, '<html>Request Entity Too Large</html>'), large);
    const jobs = await bench.client.enqueueBatch([1, 2].map((n) => ({ type: 'test.job', args: [n] })));
    const worker = bench.worker().register('test.job', ({ args: [n] }) => (n === 1 ? 'x'.repeat(200_000) : 'small'));
    const [first, second] = await worker.runUntil(() => Promise.allSettled(jobs.map((job) => job.wait())));
    expect(second).toMatchObject({ status: 'fulfilled', value: 'small' });
    expect(first).toMatchObject({
      reason: { errors: [{ type: 'result_too_large', message: expect.stringContaining('A proxy on the way') }] },
    });
    expect(bench.wire.of('worker.exchange').filter(large).length).toBeLessThanOrEqual(2);
  });

  test('an ack is sent until the server answers, also after the lease: the job does not run again', async () => {
    // As after an outage of its store, the server has taken nothing back when the ack arrives.
    await using own = await openBench({ upkeep: 'manual' });
    const job = await own.client.enqueue('test.job', []);
    let isAway = false;
    let runs = 0;
    for (const operation of ['worker.exchange', 'worker.fetch', 'worker.heartbeat']) {
      for (let n = 0; n < 500; n++) own.wire.spoil(operation, 'before', () => isAway);
    }
    const worker = own.worker({ visibilityTimeoutMs: 150, heartbeatInterval: 20 }).register('test.job', () => {
      isAway = true;
      runs += 1;
      return 'x';
    });
    const running = worker.start();
    const acks = () => own.wire.of('worker.exchange').filter(hasAcks).length;
    await own.wire.until(() => acks() > 0);
    const from = performance.now();
    await own.wire.until(() => performance.now() - from > 300);
    const before = acks();
    await own.wire.until(() => acks() > before);
    isAway = false;
    // Before anybody looks at the job: a look takes back what is overdue.
    await own.wire.until(() =>
      own.wire.answers.some(({ call, answer }) => hasAcks(call) && answer.text.includes('"acks":[200]')),
    );
    expect(await job.wait()).toBe('x');
    expect(runs).toBe(1);
    await worker.stop();
    await running;
  });

  test('an outcome that cannot be delivered is given up at the end with an error in the log', async () => {
    const job = await bench.client.enqueue('test.job', []);
    for (let n = 0; n < 50; n++) bench.wire.spoil('worker.exchange', 'before', hasAcks);
    for (let n = 0; n < 50; n++) bench.wire.spoil('worker.heartbeat', 'before');
    const worker = bench.worker({ visibilityTimeoutMs: 150 }).register('test.job', () => {});
    const running = worker.start();
    await bench.wire.until(() => items('acks').flat().length > 0);
    await worker.stop({ timeout: 0 });
    await running;
    expect(bench.logger.lines).toContainEqual(
      expect.objectContaining({ level: 'error', fields: expect.objectContaining({ job_id: job.id, outcome: 'ack' }) }),
    );
  });
});

describe('leases', () => {
  test('a cancelled job: isCancelled, the signal aborted with its reason, neither ack nor nack, the slot free once the handler has ended', async () => {
    const job = await bench.client.enqueue('test.job', []);
    const began = gate();
    const reason = gate<unknown>();
    const release = gate();
    const worker = bench.worker({ heartbeatInterval: 15, concurrency: 1 });
    worker.register('test.job', async (context) => {
      began.open();
      reason.open(await aborted(context.signal));
      expect(context.isCancelled).toBe(true);
      await release.opened;
      return 'ignored';
    });
    const running = worker.start();
    await began.opened;
    await bench.client.cancelJob(job.id);
    expect(await reason.opened).toBeInstanceOf(OJSError);
    expect(worker.health().active).toBe(1);
    release.open();
    const next = await bench.client.enqueue('test.job', []);
    await bench.wire.until(() => bench.wire.answers.some(({ answer }) => answer.text.includes(next.id)));
    await bench.client.cancelJob(next.id);
    await worker.stop();
    await running;
    expect([...items('acks').flat(), ...items('nacks').flat()]).toEqual([]);
    expect(await job.refresh()).toMatchObject({ state: 'cancelled' });
  });

  test('a job that a heartbeat does not extend has lost its lease', async () => {
    await bench.client.enqueue('test.job', []);
    const lost = gate<unknown>();
    const worker = bench
      .worker({ heartbeatInterval: 15 })
      .register('test.job', async (context) => lost.open(await aborted(context.signal)));
    bench.wire.spoil(
      'worker.heartbeat',
      refusal(200, { state: 'running', directive: '', jobs_extended: [], jobs_cancelled: [] }),
      (call) => call.body?.includes('"active_job_count":1') === true,
    );
    const running = worker.start();
    expect(await lost.opened).toMatchObject({ name: 'OJSError', message: expect.stringContaining('lease was lost') });
    await worker.stop();
    await running;
    expect(items('acks').flat()).toEqual([]);
  });

  test('heartbeats: at once and idle, with every held job and its lease, never two at a time, none lost by a failure, the last one says terminate', async () => {
    const began = gate();
    const release = gate();
    const job = await bench.client.enqueue('test.job', []);
    bench.wire.spoil('worker.heartbeat', 'before');
    const worker = bench.worker({ heartbeatInterval: 15, labels: ['blue'] }).register('test.job', () => {
      began.open();
      return release.opened;
    });
    const running = worker.start();
    await began.opened;
    await bench.wire.until(() => bench.wire.bodies('worker.heartbeat').some((body) => body.active_job_count === 1));
    expect(worker.state).toBe('running');
    release.open();
    await job.wait();
    await worker.stop();
    await running;
    const beats = bench.wire.bodies('worker.heartbeat');
    const full = beats.find((body) => body.active_job_count === 1);
    expect(full).toMatchObject({
      worker_id: worker.workerId,
      state: 'running',
      active_jobs: [job.id],
      active_job_ids: [job.id],
      leases: { [job.id]: expect.any(String) },
      visibility_timeout_ms: 30_000,
      queues: ['default'],
      concurrency: 10,
      labels: ['blue'],
      hostname: expect.any(String),
      pid: process.pid,
    });
    expect(beats.at(-1)).toMatchObject({ state: 'terminate', active_jobs: [] });
  });
});
