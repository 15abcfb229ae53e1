import { describe, expect, test } from 'vitest';
import { defineJob, OJSValidationError, Worker } from '../../src/index.ts';
import { PushWorker } from '../../src/serverless/index.ts';
import { fakeMode } from '../../src/testing/index.ts';
import { benchOfEachTest } from '../support/bench.ts';
import { keepingLogger } from '../support/log.ts';

const bench = benchOfEachTest();

const emailSend = defineJob('email.send', { queue: 'email' });

async function startAndStop(worker: Worker): Promise<void> {
  await worker.runUntil(() => worker.ready);
}

describe('what a worker says when it starts and stops', () => {
  test('the worker logs one line at its start and one at its end', async () => {
    const worker = bench.worker({ queues: ['email', 'default'], concurrency: 3 }).register(emailSend, () => {});
    await startAndStop(worker);
    expect(bench.logger.lines.filter(({ level }) => level !== 'debug')).toEqual([
      {
        level: 'info',
        message: 'worker started',
        fields: { worker_id: worker.workerId, queues: ['email', 'default'], concurrency: 3, server: 'transport' },
      },
      { level: 'info', message: 'worker stopped', fields: { worker_id: worker.workerId } },
    ]);
  });

  test('the start line has the server’s URL without credentials', async () => {
    const logger = keepingLogger();
    const worker = new Worker('http://me:secret@127.0.0.1:1/base/', {
      logger,
      handleSignals: false,
      heartbeatThread: false,
    });
    const running = worker.register('a.b', () => {}).start();
    await worker.stop({ timeout: 0 });
    await running;
    expect(logger.lines[0]).toMatchObject({ message: 'worker started', fields: { server: 'http://127.0.0.1:1/base' } });
    expect(JSON.stringify(logger.lines)).not.toContain('secret');
  });

  test('the worker warns of a handler whose queue it does not fetch', async () => {
    await startAndStop(
      bench
        .worker()
        .register(emailSend, () => {})
        .register('other.job', () => {}),
    );
    expect(bench.logger.lines.filter(({ level }) => level === 'warn')).toEqual([
      {
        level: 'warn',
        message:
          "handler not reached: email.send is enqueued to 'email', which this worker does not fetch; add 'email' to its queues",
        fields: { job_type: 'email.send', queue: 'email', queues: ['default'] },
      },
    ]);
  });

  test('the worker warns if it has no handlers', async () => {
    await startAndStop(bench.worker());
    expect(bench.logger.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { message: expect.stringContaining('worker has no handlers'), fields: { queues: ['default'] } },
    ]);
  });
});

describe('a second handler of a type', () => {
  test.each([
    ['by name, then by name', 'email.send', 'email.send'],
    ['by name, then by definition', 'email.send', emailSend],
    ['by definition, then by name', emailSend, 'email.send'],
  ] as const)('%s: refused by every worker, in fake mode too', (_, first, second) => {
    const add = (worker: Pick<Worker, 'register'>, job: typeof first | typeof second) =>
      typeof job === 'string' ? worker.register(job, () => {}) : worker.register(job, () => {});
    const check = (worker: Pick<Worker, 'register'>) => {
      add(worker, first);
      expect(() => add(worker, second)).toThrow(OJSValidationError);
      expect(() => add(worker, second)).toThrow('jobType: email.send has a handler already; register each type once');
    };
    check(bench.worker());
    using _store = fakeMode();
    check(new Worker('http://127.0.0.1:1'));
    const push = new PushWorker().register('email.send', () => {});
    expect(() => push.register(emailSend, () => {})).toThrow(OJSValidationError);
  });
});
