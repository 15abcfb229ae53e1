import type { Answer } from '@ojs-ts/core';
import { describe, expect, test, vi } from 'vitest';
import { OJSAuthenticationError, OJSError, OJSPermissionError, type Worker } from '../../src/index.ts';
import { aborted, benchOfEachTest, gate } from '../support/bench.ts';
import { refusal } from '../support/faulty.ts';

const bench = benchOfEachTest();

const direct = (worker: Worker, directive: 'running' | 'quiet' | 'terminate') =>
  bench.embedded.engine.storage.registry.direct(worker.workerId, directive);
const beats = () => bench.wire.bodies('worker.heartbeat');
const nacks = () =>
  bench.wire.bodies('worker.exchange').flatMap((body) => (Array.isArray(body.nacks) ? body.nacks : []));
const beatSays = (state: string) => bench.wire.until(() => beats().some((body) => body.state === state));

describe('the end of a worker', () => {
  test('stop() waits for the handler, acks, and leaves the worker idle; both calls resolve, start() too', async () => {
    const job = await bench.client.enqueue('test.job', []);
    const began = gate();
    const release = gate();
    const worker = bench.worker({ heartbeatInterval: 10 }).register('test.job', async () => {
      began.open();
      await release.opened;
      return 'done';
    });
    expect(worker.state).toBe('idle');
    const running = worker.start();
    await began.opened;
    const stopped = Promise.all([worker.stop(), worker.stop()]);
    expect(worker.state).toBe('terminate');
    const other = await bench.client.enqueue('test.job', []);
    // Heartbeats go on through the drain.
    const before = beats().length;
    await bench.wire.until(
      () =>
        beats()
          .slice(before)
          .filter((body) => body.state === 'terminate' && body.active_job_count === 1).length >= 2,
    );
    release.open();
    await stopped;
    await running;
    expect(worker.state).toBe('idle');
    expect(worker.health()).toMatchObject({ ok: false, state: 'idle', active: 0 });
    expect(await job.refresh()).toMatchObject({ state: 'completed', result: 'done' });
    expect(await other.refresh()).toMatchObject({ state: 'available', attempt: 0 });
    expect(beats().at(-1)).toMatchObject({ state: 'terminate', active_job_count: 0 });
    const after = bench.wire.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(bench.wire.calls).toHaveLength(after);
  });

  test('at the end of the grace period the signal aborts and the job goes back uncounted as shutdown', async () => {
    const job = await bench.client.enqueue('test.job', []);
    const began = gate();
    const reason = gate<unknown>();
    const worker = bench.worker({ shutdownTimeout: 20 }).register('test.job', async (context) => {
      began.open();
      reason.open(await aborted(context.signal));
      return 'too late';
    });
    const running = worker.start();
    await began.opened;
    await worker.stop();
    await running;
    expect(await reason.opened).toBeInstanceOf(OJSError);
    expect(nacks()).toMatchObject([
      { job_id: job.id, requeue: true, error: { code: 'shutdown', type: 'shutdown', retryable: true } },
    ]);
    expect(await job.refresh()).toMatchObject({ state: 'available', attempt: 0 });
  });

  test('an outcome that cannot be delivered holds stop() up for 10 s after the grace period, not for the whole lease', async () => {
    await bench.client.enqueue('test.job', []);
    let spoiled = 0;
    const spoil = () =>
      bench.wire.spoil(
        'worker.exchange',
        async () => {
          spoiled++;
          spoil();
          throw new Error('cut');
        },
        (call) => call.body?.includes('"acks":[{') === true,
      );
    spoil();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const worker = bench.worker({ visibilityTimeout: '1h' }).register('test.job', () => {});
      const running = worker.start();
      await bench.wire.until(() => spoiled > 0);
      let ended = false;
      const stopped = worker.stop({ timeout: 2_000 }).then(() => {
        ended = true;
      });
      await vi.advanceTimersByTimeAsync(11_900);
      expect(ended).toBe(false);
      expect(spoiled).toBeGreaterThan(5);
      await vi.advanceTimersByTimeAsync(200);
      await Promise.all([stopped, running]);
    } finally {
      vi.useRealTimers();
    }
    expect(bench.logger.lines).toContainEqual(
      expect.objectContaining({ level: 'error', message: expect.stringContaining('could not be delivered') }),
    );
  });

  test('a second stop() with a shorter timeout makes the end come sooner', async () => {
    await bench.client.enqueue('test.job', []);
    const began = gate();
    const worker = bench.worker().register('test.job', () => {
      began.open();
      return new Promise(() => {});
    });
    const running = worker.start();
    await began.opened;
    void worker.stop();
    await worker.stop({ timeout: 0 });
    await running;
    expect(nacks()).toHaveLength(1);
  });

  test('jobs that a fetch brings after stop() go back to their queue', async () => {
    const asked = gate();
    const release = gate();
    const worker = bench.worker().register('test.job', () => {
      throw new Error('must not run');
    });
    bench.wire.spoil('worker.exchange', async (call) => {
      const answer = await bench.embedded.call(call);
      asked.open();
      await release.opened;
      return answer;
    });
    const job = await bench.client.enqueue('test.job', []);
    const running = worker.start();
    await asked.opened;
    const stopped = worker.stop();
    release.open();
    await stopped;
    await running;
    expect(await job.refresh()).toMatchObject({ state: 'available', attempt: 0, errors: [] });
  });

  test('a job that a broken fetch claimed goes back, also when the connection is cut as it is asked for', async () => {
    const { client, wire, embedded } = bench;
    const worker = bench.worker();
    worker.register('test.job', () => {});
    const claimed = gate<Answer>();
    wire.spoil(
      'worker.exchange',
      async (call) => {
        claimed.open(await embedded.call(call));
        return new Promise(() => {});
      },
      ({ body = '' }) => body.includes('"wait_ms":5000'),
    );
    const running = worker.start();
    await worker.ready;
    const job = await client.enqueue('test.job', []);
    expect((await claimed.opened).text).toContain(job.id);
    expect((await job.refresh()).state).toBe('active');
    wire.spoil('worker.exchange', 'before');
    await worker.stop();
    await running;
    expect(await job.refresh()).toMatchObject({ state: 'available', attempt: 0 });
  });

  test('an aborted signal ends start() like SIGTERM, also one that is aborted before', async () => {
    const controller = new AbortController();
    const worker = bench.worker();
    const running = worker.start({ signal: controller.signal });
    await worker.ready;
    controller.abort();
    await running;
    expect(worker.state).toBe('idle');
    await bench.worker().start({ signal: AbortSignal.abort() });
  });

  test('a worker starts once; stop() before start() ends it', async () => {
    const worker = bench.worker();
    const running = worker.start();
    await expect(worker.start()).rejects.toThrow(/starts once/);
    await worker.stop();
    await running;
    await expect(worker.start()).rejects.toThrow(/Make a new one/);
    const unused = bench.worker();
    await unused.stop();
    await expect(unused.start()).rejects.toThrow(OJSError);
    await expect(unused.ready).rejects.toThrow(OJSError);
  });

  test('runUntil gives what the work gives, and ends the worker either way', async () => {
    const one = bench.worker();
    expect(await one.runUntil(Promise.resolve(5))).toBe(5);
    expect(one.state).toBe('idle');
    const two = bench.worker();
    await expect(two.runUntil(() => Promise.reject(new Error('work')))).rejects.toThrow('work');
    expect(two.state).toBe('idle');
    const three = bench.worker();
    const work = three.runUntil(() => new Promise(() => {}));
    await three.ready;
    await three.stop();
    await expect(work).rejects.toThrow(/stopped before/);
  });

  test('await using ends it', async () => {
    let worker: Worker;
    let running: Promise<void>;
    {
      await using one = bench.worker();
      worker = one;
      running = one.start();
      await one.ready;
    }
    await running;
    expect(worker.state).toBe('idle');
  });
});

describe('what keeps a worker from working', () => {
  test.each([
    [401, 'unauthenticated', OJSAuthenticationError],
    [403, 'permission_denied', OJSPermissionError],
    [400, 'invalid_request', OJSError],
  ] as const)('a first fetch that is refused with %i rejects start() and ready', async (status, code, type) => {
    bench.wire.spoil('worker.exchange', refusal(status, { error: { code, message: 'no' } }));
    const worker = bench.worker();
    await expect(worker.start()).rejects.toBeInstanceOf(type);
    await expect(worker.ready).rejects.toBeInstanceOf(type);
    expect(worker.state).toBe('idle');
  });

  test('a worker waits for a server that is down', async () => {
    for (let n = 0; n < 3; n++) bench.wire.spoil('worker.exchange', n === 1 ? refusal(503, '<html>') : 'before');
    const worker = bench.worker();
    const running = worker.start();
    await worker.ready;
    await worker.stop();
    await running;
  });

  test('a 401 after the first fetch is retried, and no outcome is lost', async () => {
    const job = await bench.client.enqueue('test.job', []);
    bench.wire.spoil(
      'worker.exchange',
      refusal(401, { error: { code: 'unauthenticated', message: 'expired' } }),
      (call) => call.body?.includes('"acks":[{') === true,
    );
    const worker = bench.worker().register('test.job', () => 'x');
    expect(await worker.runUntil(() => job.wait())).toBe('x');
    expect(nacks()).toEqual([]);
  });
});

test('a token that loses the scope work ends the worker with an error; the job of its ack goes back to its queue', async () => {
  const job = await bench.client.enqueue('test.job', []);
  const denied = refusal(403, { error: { code: 'permission_denied', message: 'The token lacks the scope work.' } });
  const worker = bench.worker().register('test.job', () => {
    for (let n = 0; n < 20; n++) bench.wire.spoil('worker.exchange', denied);
    return 'x';
  });
  await expect(worker.start()).rejects.toMatchObject({
    name: 'OJSPermissionError',
    message: expect.stringContaining('lacks the scope work'),
  });
  expect(nacks()).toEqual([]);
  // By the last heartbeat, which lists no job.
  expect(await job.refresh()).toMatchObject({ state: 'available' });
  expect(bench.logger.lines).toContainEqual(
    expect.objectContaining({ level: 'error', message: 'outcome refused: the job goes back to its queue' }),
  );
});

describe('quiet', () => {
  /** No job is taken while quiet, one is taken after `end`. */
  async function isQuiet(worker: Worker, end: () => unknown): Promise<void> {
    const job = await bench.client.enqueue('test.job', []);
    const from = beats().length;
    await bench.wire.until(
      () =>
        beats()
          .slice(from)
          .filter((body) => body.state === 'quiet').length >= 2,
    );
    expect(await job.refresh()).toMatchObject({ state: 'available' });
    expect(worker.state).toBe('quiet');
    await end();
    await job.wait();
    expect(worker.state).toBe('running');
  }

  test('quiet() fetches no new jobs and finishes running ones; resume() fetches again', async () => {
    const old = await bench.client.enqueue('test.job', ['old']);
    const began = gate();
    const release = gate();
    const worker = bench.worker({ heartbeatInterval: 10 }).register('test.job', (context) => {
      began.open();
      return context.args[0] === 'old' ? release.opened : undefined;
    });
    await worker.runUntil(async () => {
      await began.opened;
      worker.quiet();
      release.open();
      await old.wait();
      await isQuiet(worker, () => worker.resume());
    });
  });

  test('a quiet ordered by the server ends with its `running`, not with resume()', async () => {
    const worker = bench.worker({ heartbeatInterval: 10 }).register('test.job', () => {});
    await worker.runUntil(async () => {
      await worker.ready;
      await direct(worker, 'quiet');
      await beatSays('quiet');
      worker.resume();
      expect(worker.state).toBe('quiet');
      await isQuiet(worker, () => direct(worker, 'running'));
    });
  });

  test('quiet() does not end with the server’s `running`', async () => {
    const worker = bench.worker({ heartbeatInterval: 10 }).register('test.job', () => {});
    await worker.runUntil(async () => {
      await worker.ready;
      worker.quiet();
      await direct(worker, 'running');
      await isQuiet(worker, () => worker.resume());
    });
  });

  test('the server hears of resume() at once, and gives jobs before the next heartbeat', async () => {
    const worker = bench.worker({ heartbeatInterval: '1m' }).register('test.job', () => {});
    worker.quiet();
    await worker.runUntil(async () => {
      await beatSays('quiet');
      const job = await bench.client.enqueue('test.job', []);
      const before = performance.now();
      worker.resume();
      await job.wait();
      expect(performance.now() - before).toBeLessThan(30_000);
      expect(beats().map(({ state }) => state)).toEqual(['quiet', 'running']);
      worker.resume();
      expect(beats()).toHaveLength(2);
    });
  });

  test('resume() beside an unanswered heartbeat that says quiet: the server hears the newer state last', async () => {
    const worker = bench.worker({ heartbeatInterval: '1m' }).register('test.job', () => {});
    worker.quiet();
    const running = worker.start();
    worker.resume();
    const job = await bench.client.enqueue('test.job', []);
    await job.wait();
    expect(beats().map(({ state }) => state)).toEqual(['quiet', 'running']);
    await worker.stop();
    await running;
  });

  test('the server’s terminate ends start()', async () => {
    const worker = bench.worker({ heartbeatInterval: 10 });
    const running = worker.start();
    await worker.ready;
    await direct(worker, 'terminate');
    await running;
    expect(worker.state).toBe('idle');
  });

  test('a server without directives gives orders by `state`', async () => {
    const worker = bench.worker({ heartbeatInterval: 10 });
    bench.wire.spoil('worker.heartbeat', refusal(200, { state: 'quiet' }));
    const running = worker.start();
    await beatSays('quiet');
    bench.wire.spoil('worker.heartbeat', refusal(200, { state: 'terminate' }));
    await running;
  });
});
