import { batch, chain, DiscardError, group, type JobContext, nextRuns, SnoozeError } from '@ojs-ts/sdk';
import { differs, type Guide, load, same, type Untyped } from './case.ts';
import { everyState, fail, keyed, type Ours, recorder, stopOurs, whileOursRuns } from './ours.ts';
import { roomFor, until } from './wait.ts';

/** One queue of BullMQ below a prefix of its own. */
interface Bull extends AsyncDisposable {
  readonly exports: Untyped;
  readonly options: object;
  readonly queue: Untyped;
  add(data: unknown, options?: object): Promise<Untyped>;
  work(processor: ((job: Untyped) => unknown) | null, options?: object): Untyped;
  /** Works until nothing waits or runs. Delayed jobs may be left. */
  drain(processor?: (job: Untyped) => unknown, options?: object): Promise<void>;
}

export async function openBull(url: string, prefix: string): Promise<Bull> {
  const exports = load('bullmq');
  const { hostname, port } = new URL(url);
  const options = { connection: { host: hostname, port: Number(port), maxRetriesPerRequest: null }, prefix };
  const kept = new AsyncDisposableStack();
  const queue = kept.adopt(new exports.Queue('peers', options), (one) => one.close());
  await queue.waitUntilReady();
  function work(processor: ((job: Untyped) => unknown) | null, more: object = {}): Untyped {
    const run = processor && (async (job: Untyped) => processor(job));
    const worker = kept.adopt(new exports.Worker('peers', run, { ...options, drainDelay: 0.1, ...more }), (one) =>
      one.close(true),
    );
    return worker.on('error', () => {});
  }
  return {
    exports,
    options,
    queue,
    work,
    add: (data, more) => queue.add('job', data, more),
    async drain(processor = () => null, more = {}) {
      const worker = work(processor, more);
      const counted = ['waiting', 'active', 'prioritized', 'waiting-children', 'paused'];
      await until(async () => Object.values(await queue.getJobCounts(...counted)).every((count) => count === 0));
      await worker.close();
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** The pauses of a job that fails each time, as BullMQ plans them. */
async function bullPauses(bull: Bull, options: object, count: number): Promise<readonly unknown[]> {
  const { id } = await bull.add('x', { attempts: count + 1, ...options });
  bull.work(fail, { settings: { backoffStrategy: () => 7_000 } });
  const pauses: unknown[] = [];
  for (let attempt = 1; attempt <= count; attempt++) {
    await until(async () => {
      const [found, delayed] = [await bull.queue.getJob(id), await bull.queue.getDelayedCount()];
      return found.attemptsMade === attempt && delayed === 1;
    });
    const failed = await bull.queue.getJob(id);
    pauses.push(failed.delay);
    await failed.promote();
  }
  return pauses;
}

/** Adds a job, runs it, and adds it a second time. */
async function twiceOnBull(bull: Bull, ran: unknown[], options: object): Promise<void> {
  for (const data of ['first', 'second']) {
    await bull.add(data, options);
    await bull.drain((one) => ran.push(one.data));
  }
}

async function twiceOnOurs(ours: Ours, ran: unknown[], options: Parameters<Ours['add']>[1]): Promise<void> {
  for (const data of ['first', 'second']) {
    await ours.add(data, options);
    await ours.drain(recorder(ran));
  }
}

const tomorrow = 86_400_000;

export const bullmq: Guide<Bull> = {
  page: 'docs/migrate/from-bullmq.md',
  cases: [
    same(
      ['`new Queue(name)`, `queue.add(name, data, options)`'],
      'each name reaches its own code, in order',
      ['welcome ann', 'tips bob'],
      async (bull, ran) => {
        await bull.queue.add('welcome', 'ann');
        await bull.queue.add('tips', 'bob');
        await bull.drain((one) => ran.push(`${one.name} ${one.data}`));
      },
      async (ours, ran) => {
        await ours.client.enqueue('mail.welcome', ['ann']);
        await ours.client.enqueue('mail.tips', ['bob']);
        const record = (name: string) => (ctx: JobContext) => void ran.push(`${name} ${ctx.args[0]}`);
        await ours.drain({ 'mail.welcome': record('welcome'), 'mail.tips': record('tips') });
      },
    ),
    same(
      ['`queue.addBulk(jobs)`'],
      'a bulk runs in its order',
      [1, 2, 3],
      async (bull, ran) => {
        await bull.queue.addBulk([1, 2, 3].map((data) => ({ name: 'job', data })));
        await bull.drain((one) => ran.push(one.data));
      },
      async (ours, ran) => {
        await ours.client.enqueueBatch([1, 2, 3].map((value) => ({ type: 'peer.job', args: [value] })));
        await ours.drain(recorder(ran));
      },
    ),
    differs(
      ['`new Worker(name, processor)`'],
      'how many jobs a worker runs at once by default',
      { peer: 1, ours: 10 },
      async (bull) => {
        const room = roomFor(1);
        await bull.queue.addBulk(Array.from({ length: 12 }, () => ({ name: 'job', data: 0 })));
        await bull.drain(() => room.enter());
        return room.most;
      },
      async (ours) => {
        const room = roomFor(10);
        await ours.client.enqueueBatch(Array.from({ length: 12 }, () => ({ type: 'peer.job', args: [] })));
        await ours.drain(() => room.enter(), { concurrency: undefined });
        return room.most;
      },
    ),
    differs(
      ['a job name without code of its own'],
      'its state after a worker got it',
      { peer: 'completed', ours: 'retryable' },
      async (bull) => {
        const { id } = await bull.queue.add('unknown', 0);
        await bull.drain((one) => (one.name === 'known' ? 1 : undefined));
        return (await bull.queue.getJob(id)).getState();
      },
      async (ours) => {
        const { id } = await ours.client.enqueue('peer.unknown', []);
        ours.work({ 'peer.known': () => {} });
        await until(async () => (await ours.state(id)) !== 'available');
        await until(async () => (await ours.state(id)) !== 'active');
        return ours.state(id);
      },
    ),
    differs(
      ['`job.data`, `job.attemptsMade`'],
      'the number of the attempt',
      { peer: ['x 0', 'x 1'], ours: ['x 1', 'x 2'] },
      async (bull, ran) => {
        await bull.add('x', { attempts: 2 });
        await bull.drain((one) => fail(ran.push(`${one.data} ${one.attemptsMade}`)));
      },
      async (ours, ran) => {
        await ours.add('x', { retry: { maxAttempts: 2, initialInterval: 1 } });
        await ours.drain(({ args: [data], attempt }) => fail(ran.push(`${data} ${attempt}`)));
      },
    ),
    differs(
      ['`attempts: 5`, by default 1'],
      'attempts by default, and with the option',
      { peer: [1, 5], ours: [3, 5] },
      async (bull) => {
        const jobs = [await bull.add('x'), await bull.add('x', { attempts: 5 })];
        await bull.drain(fail);
        return Promise.all(jobs.map(async ({ id }) => (await bull.queue.getJob(id)).attemptsMade));
      },
      async (ours) => {
        const fast = { initialInterval: 1, maxInterval: 1 };
        const jobs = [
          await ours.add('x', { retry: fast }),
          await ours.add('x', { retry: { ...fast, maxAttempts: 5 } }),
        ];
        await ours.drain(fail);
        return Promise.all(jobs.map(async ({ id }) => (await ours.client.getJob(id)).attempt));
      },
    ),
    differs(
      ['`attempts: 1` and a worker that dies (`lockDuration`, `maxStalledCount`)'],
      'the end of the job with one attempt, and with two',
      { peer: ['completed', 'completed'], ours: ['discarded', 'completed'] },
      async (bull) => {
        const jobs = [await bull.add('x', { attempts: 1 }), await bull.add('x', { attempts: 2 })];
        const dead = bull.work(null, { lockDuration: 100, autorun: false, skipLockRenewal: true });
        for (const one of jobs) await dead.getNextJob(one.id);
        await bull.drain(() => null, { stalledInterval: 50 });
        return Promise.all(jobs.map(async ({ id }) => (await bull.queue.getJob(id)).getState()));
      },
      async (ours) => {
        const retry = { initialInterval: 1 };
        const jobs = [
          await ours.add('x', { retry: { ...retry, maxAttempts: 1 }, visibilityTimeoutMs: 1_000 }),
          await ours.add('x', { retry: { ...retry, maxAttempts: 2 }, visibilityTimeoutMs: 1_000 }),
        ];
        await fetch(`${ours.url}/ojs/v1/workers/fetch`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ queues: ['default'], worker_id: 'dead', count: 2, visibility_timeout_ms: 1_000 }),
        });
        await ours.drain();
        return Promise.all(jobs.map(({ id }) => ours.state(id)));
      },
    ),
    same(
      ["`backoff: { type: 'exponential', delay: 1000 }`"],
      'the pauses',
      [1_000, 2_000, 4_000],
      (bull) => bullPauses(bull, { backoff: { type: 'exponential', delay: 1_000 } }, 3),
      (ours) => ours.pauses({ initialInterval: '1s', jitter: false }, 3),
    ),
    differs(
      ['a long exponential `backoff`'],
      'the pauses without `maxInterval`',
      { peer: [200_000, 400_000], ours: [200_000, 300_000] },
      (bull) => bullPauses(bull, { backoff: { type: 'exponential', delay: 200_000 } }, 2),
      (ours) => ours.pauses({ initialInterval: '200s', jitter: false }, 2),
    ),
    same(
      ["`backoff: 5000`, `{ type: 'fixed', delay: 5000 }`"],
      'the pauses',
      [5_000, 5_000, 5_000, 5_000],
      async (bull) => [
        ...(await bullPauses(bull, { backoff: 5_000 }, 2)),
        ...(await bullPauses(bull, { backoff: { type: 'fixed', delay: 5_000 } }, 2)),
      ],
      (ours) => ours.pauses({ initialInterval: '5s', backoffCoefficient: 1, jitter: false }, 4),
    ),
    differs(
      ['no `backoff`'],
      'the first pause is between',
      { peer: '0 s and 0 s', ours: '0.5 s and 1.5 s' },
      async (bull) => {
        const { id } = await bull.add('x', { attempts: 2 });
        await bull.drain(fail);
        const { attemptsMade, delay } = await bull.queue.getJob(id);
        return attemptsMade === 2 && delay === 0 && '0 s and 0 s';
      },
      async (ours) => {
        const [pause] = (await ours.pauses({}, 1)) as [number];
        return pause >= 500 && pause <= 1_500 && '0.5 s and 1.5 s';
      },
    ),
    same(
      ['`settings.backoffStrategy`'],
      'a pause that code chose',
      [7_000],
      (bull) => bullPauses(bull, { backoff: { type: 'custom' } }, 1),
      async (ours) => {
        const { id } = await ours.add('x');
        ours.work(() => Promise.reject(new SnoozeError('7s')));
        await until(async () => (await ours.state(id)) === 'retryable');
        const { raw } = await ours.client.getJob(id);
        const pause = Date.parse(`${raw.next_attempt_at}`) - Date.parse(`${raw.created_at}`);
        return [Math.min(pause, 7_000)];
      },
    ),
    same(
      ['`delay`', '`job.changeDelay(ms)`, `job.promote()`'],
      'a delayed job waits, and runs when it is promoted',
      ['now', 'later'],
      async (bull, ran) => {
        const later = await bull.add('later', { delay: tomorrow });
        await bull.add('now');
        await bull.drain((one) => ran.push(one.data));
        await later.changeDelay(2 * tomorrow);
        await later.promote();
        await bull.drain((one) => ran.push(one.data));
      },
      async (ours, ran) => {
        const record = recorder(ran);
        const later = await ours.add('later', { delay: '1d' });
        await ours.add('now');
        await ours.drain(record);
        await ours.admin.editJob(later.id, { delay: '2d' });
        await ours.admin.editJob(later.id, { scheduledAt: 'now' });
        await ours.drain(record);
      },
    ),
    same(
      ['`priority`'],
      'the order of a priority p, with −p here',
      ['none', 1, 2, 5],
      async (bull, ran) => {
        for (const priority of [5, 1, 2]) await bull.add(priority, { priority });
        await bull.add('none');
        await bull.drain((one) => ran.push(one.data));
      },
      async (ours, ran) => {
        for (const priority of [5, 1, 2]) await ours.add(priority, { priority: -priority });
        await ours.add('none');
        await ours.drain(recorder(ran));
      },
    ),
    differs(
      ['`removeOnComplete`, `removeOnFail`'],
      'a job that ended and was to be removed',
      { peer: 'gone', ours: 'completed' },
      async (bull) => {
        const { id } = await bull.add('x', { removeOnComplete: true });
        await bull.drain();
        return (await bull.queue.getJob(id)) === undefined ? 'gone' : 'kept';
      },
      async (ours) => {
        const { id } = await ours.add('x', { resultTtl: 0 });
        await ours.drain();
        return ours.state(id);
      },
    ),
    differs(
      ['a `Date` in `data`'],
      'the handler gets',
      { peer: '2026-01-01T00:00:00.000Z', ours: 'OJSValidationError' },
      async (bull, ran) => {
        await bull.add({ at: new Date('2026-01-01') });
        await bull.drain((one) => ran.push(one.data.at));
        return ran[0];
      },
      (ours) =>
        ours.add({ at: new Date('2026-01-01') }).then(
          () => 'accepted',
          (error) => error.name,
        ),
    ),
    differs(
      ['names such as `Email_Queue`, `schedule:x`'],
      'a queue with such a name',
      { peer: 'accepted', ours: 'OJSValidationError' },
      async (bull) => {
        await using other = new AsyncDisposableStack();
        const queue = other.adopt(new bull.exports.Queue('Email_Queue', bull.options), (one) => one.close());
        await queue.add('job', 0);
        return 'accepted';
      },
      (ours) =>
        ours.add(0, { queue: 'Email_Queue' }).then(
          () => 'accepted',
          (error) => error.name,
        ),
    ),
    same(
      ['`jobId`'],
      'a second job with the id, after the first has completed',
      ['first'],
      (bull, ran) => twiceOnBull(bull, ran, { jobId: 'k' }),
      (ours, ran) => twiceOnOurs(ours, ran, keyed({ states: everyState })),
    ),
    same(
      ['`jobId` with `removeOnComplete: true`'],
      'a second job with the id, after the first has completed',
      ['first', 'second'],
      (bull, ran) => twiceOnBull(bull, ran, { jobId: 'k', removeOnComplete: true }),
      (ours, ran) => twiceOnOurs(ours, ran, keyed()),
    ),
    same(
      ['`deduplication: { id }`'],
      'blocks a waiting job, not a completed one',
      ['first', 'third'],
      async (bull, ran) => {
        const options = { deduplication: { id: 'k' } };
        for (const data of ['first', 'second']) await bull.add(data, options);
        await bull.drain((one) => ran.push(one.data));
        await bull.add('third', options);
        await bull.drain((one) => ran.push(one.data));
      },
      async (ours, ran) => {
        const record = recorder(ran);
        for (const value of ['first', 'second']) await ours.add(value, keyed());
        await ours.drain(record);
        await ours.add('third', keyed());
        await ours.drain(record);
      },
    ),
    same(
      ['`deduplication: { id, ttl }`'],
      'blocks a completed job too, until the time is over',
      ['first'],
      (bull, ran) => twiceOnBull(bull, ran, { deduplication: { id: 'k', ttl: tomorrow } }),
      (ours, ran) => twiceOnOurs(ours, ran, keyed({ states: everyState, period: '1d' })),
    ),
    same(
      ['`deduplication: { id, replace: true }` with `delay`'],
      'the newest data replaces those of a delayed job',
      ['second'],
      async (bull, ran) => {
        const options = { delay: tomorrow, deduplication: { id: 'k', replace: true } };
        for (const data of ['first', 'second']) await bull.add(data, options);
        await bull.queue.promoteJobs();
        await bull.drain((one) => ran.push(one.data));
      },
      async (ours, ran) => {
        const options = { ...keyed({ states: ['scheduled'], onConflict: 'replace' }), delay: '1d' as const };
        await ours.add('first', options);
        const { id } = await ours.add('second', options);
        await ours.admin.editJob(id, { scheduledAt: 'now' });
        await ours.drain(recorder(ran));
      },
    ),
    differs(
      ['the same while the first one runs'],
      'what runs then',
      { peer: ['first'], ours: ['first', 'second'] },
      (bull, ran) => whileBullRuns(bull, ran, { deduplication: { id: 'k', replace: true } }, ['second']),
      (ours, ran) =>
        whileOursRuns(ours, ran, keyed({ states: ['scheduled'], onConflict: 'replace' }), ['first', 'second']),
    ),
    same(
      ['`deduplication: { id, keepLastIfActive: true }`'],
      'the newest data run once more after the running job',
      ['first', 'third'],
      (bull, ran) =>
        whileBullRuns(bull, ran, { deduplication: { id: 'k', keepLastIfActive: true } }, ['second', 'third']),
      (ours, ran) => {
        const states = everyState.slice(0, 3);
        const options = keyed({ states, onConflict: 'replace_except_schedule' });
        return whileOursRuns(ours, ran, { ...options, limits: [{ key: 'k', concurrency: 1 }] }, [
          'first',
          'second',
          'third',
        ]);
      },
    ),
    same(
      ['`job.updateProgress(value)`'],
      'a number and an object',
      [40, { files: 3 }],
      async (bull) => {
        const { id } = await bull.add('x');
        let number: unknown;
        await bull.drain(async (one) => {
          await one.updateProgress(40);
          number = (await bull.queue.getJob(id)).progress;
          await one.updateProgress({ files: 3 });
        });
        return [number, (await bull.queue.getJob(id)).progress];
      },
      async (ours) => {
        await ours.add('x');
        let found: Untyped;
        await ours.drain(async ({ jobId, progress }) => {
          await progress(40, 'three files', { files: 3 });
          found = (await ours.client.getJob(jobId)).raw.x_progress;
        });
        return [found.percentage, found.data];
      },
    ),
    same(
      ['`job.updateData(data)`'],
      'the second attempt knows how far the first came',
      ['none', 'half'],
      async (bull, ran) => {
        await bull.add('none', { attempts: 2 });
        await bull.drain(async (one) => {
          ran.push(one.data);
          await one.updateData('half');
          await fail();
        });
      },
      async (ours, ran) => {
        await ours.add('x', { retry: { maxAttempts: 2, initialInterval: 1 } });
        await ours.drain(async ({ lastCheckpoint = 'none', checkpoint }) => {
          ran.push(lastCheckpoint);
          await checkpoint('half');
          await fail();
        });
      },
    ),
    same(
      ['`UnrecoverableError`'],
      'the attempts of a job that may have three',
      ['x'],
      async (bull, ran) => {
        await bull.add('x', { attempts: 3 });
        await bull.drain((one) => {
          ran.push(one.data);
          throw new bull.exports.UnrecoverableError('no');
        });
      },
      async (ours, ran) => {
        await ours.add('x');
        await ours.drain(({ args: [value] }) => {
          ran.push(value);
          throw new DiscardError('no');
        });
      },
    ),
    same(
      ['`job.moveToDelayed(time)` with `DelayedError`'],
      'a job that asks for more time has used no attempt',
      { runs: 2, failedAttempts: 0 },
      async (bull, ran) => {
        const { id } = await bull.add('x');
        const worker = bull.work(async (one) => {
          if (ran.push(0) === 2) return;
          await one.moveToDelayed(Date.now() + 1, one.token);
          throw new bull.exports.DelayedError();
        });
        await until(async () => (await bull.queue.getCompletedCount()) === 1);
        await worker.close();
        return { runs: ran.length, failedAttempts: (await bull.queue.getJob(id)).attemptsMade - 1 };
      },
      async (ours, ran) => {
        const { id } = await ours.add('x');
        await ours.drain(() => {
          if (ran.push(0) === 1) throw new SnoozeError(1);
        });
        return { runs: ran.length, failedAttempts: (await ours.client.getJob(id)).attempt - 1 };
      },
    ),
    differs(
      ['`worker.rateLimit(ms)` with `RateLimitError`'],
      'who runs after the first job asked for a pause',
      { peer: ['first', 'first'], ours: ['first', 'second'] },
      async (bull, ran) => {
        for (const data of ['first', 'second']) await bull.add(data);
        const worker = bull.work(async (one) => {
          if (ran.push(one.data) > 1) return;
          await worker.rateLimit(300);
          throw new bull.exports.RateLimitError();
        });
        await until(() => ran.length >= 2);
        return ran.slice(0, 2);
      },
      async (ours, ran) => {
        for (const value of ['first', 'second']) await ours.add(value);
        ours.work(({ args: [value] }) => {
          if (ran.push(value) === 1) throw new SnoozeError('1h');
        });
        await until(() => ran.length === 2);
      },
    ),
    same(
      ['`job.waitUntilFinished(queueEvents)`'],
      'the result',
      { sent: true },
      async (bull) => {
        await using events = new AsyncDisposableStack();
        const queueEvents = events.adopt(new bull.exports.QueueEvents('peers', bull.options), (one) => one.close());
        await queueEvents.waitUntilReady();
        const added = await bull.add('x');
        bull.work(() => ({ sent: true }));
        return await added.waitUntilFinished(queueEvents);
      },
      async (ours) => {
        const added = await ours.add('x');
        ours.work(() => ({ sent: true }));
        return added.wait();
      },
    ),
    same(
      ["`worker.on('completed')`, `QueueEvents`"],
      'the callbacks of a job that fails once',
      ['active', 'failed', 'active', 'completed'],
      async (bull, ran) => {
        await bull.add('x', { attempts: 2 });
        const worker = bull.work((one) => (one.attemptsMade === 0 ? fail() : null));
        for (const name of ['active', 'failed', 'completed']) worker.on(name, () => ran.push(name));
        await until(() => ran.length === 4);
      },
      async (ours, ran) => {
        await ours.add('x', { retry: { initialInterval: 1 } });
        ours.work(({ attempt }) => (attempt === 1 ? fail() : null), {
          onJobStarted: () => ran.push('active'),
          onJobFailed: () => ran.push('failed'),
          onJobCompleted: () => ran.push('completed'),
        });
        await until(() => ran.length === 4);
      },
    ),
    same(
      ['`FlowProducer`, `job.getChildrenValues()`'],
      'the parent runs last, with the results of its children',
      ['child', 'child', 'parent 1,2'],
      async (bull, ran) => {
        await using flow = new AsyncDisposableStack();
        const producer = flow.adopt(new bull.exports.FlowProducer(bull.options), (one) => one.close());
        const children = [1, 2].map((data) => ({ name: 'child', queueName: 'peers', data }));
        await producer.add({ name: 'parent', queueName: 'peers', data: 0, children });
        await bull.drain(async (one) => {
          if (one.name === 'child') return ran.push('child') && one.data;
          const values = Object.values(await one.getChildrenValues()).toSorted();
          return ran.push(`parent ${values}`);
        });
      },
      async (ours, ran) => {
        const children = [1, 2].map((value) => ({ type: 'peer.child', args: [value] }));
        const flow = await ours.client.workflow(
          chain('flow', [group('children', children), { type: 'peer.parent', args: [] }]),
        );
        ours.work({
          'peer.child': ({ args: [value] }) => ran.push('child') && value,
          'peer.parent': ({ parentResults }) => void ran.push(`parent ${parentResults.flat()}`),
        });
        await flow.wait();
      },
    ),
    same(
      ['`failParentOnFailure: true`'],
      'a child fails for good',
      ['child'],
      (bull, ran) => flowOfFailure(bull, ran, { failParentOnFailure: true }),
      async (ours, ran) => {
        const child = { type: 'peer.child', args: [], retry: { maxAttempts: 1 } };
        const flow = await ours.client.workflow(chain('flow', [child, { type: 'peer.parent', args: [] }]));
        const handlers = {
          'peer.child': () => fail(ran.push('child')),
          'peer.parent': () => void ran.push('parent'),
        };
        ours.work(handlers);
        await flow.wait().catch(() => {});
      },
    ),
    same(
      ['`ignoreDependencyOnFailure: true`'],
      'a child fails for good',
      ['child', 'parent'],
      (bull, ran) => flowOfFailure(bull, ran, { ignoreDependencyOnFailure: true }),
      async (ours, ran) => {
        const child = { type: 'peer.child', args: [], retry: { maxAttempts: 1 } };
        const flow = await ours.client.workflow(
          batch('flow', [child], { onComplete: { type: 'peer.parent', args: [] } }),
        );
        const handlers = {
          'peer.child': () => fail(ran.push('child')),
          'peer.parent': () => void ran.push('parent'),
        };
        ours.work(handlers);
        await flow.wait();
        await until(() => ran.length === 2);
      },
    ),
    same(
      ['`upsertJobScheduler(id, { pattern, tz })`'],
      'the next run',
      true,
      async (bull) => {
        await bull.queue.upsertJobScheduler('s', { pattern: '0 30 7 * * *', tz: 'Europe/Berlin' });
        const { next } = await bull.queue.getJobScheduler('s');
        return next === nextRuns('30 7 * * *', { timezone: 'Europe/Berlin', count: 1 })[0]?.getTime();
      },
      async (ours) => {
        const cron = await ours.client.registerCronJob('s', '30 7 * * *', 'peer.job', [], {
          timezone: 'Europe/Berlin',
        });
        return (
          cron.nextRunAt?.getTime() === nextRuns('30 7 * * *', { timezone: 'Europe/Berlin', count: 1 })[0]?.getTime()
        );
      },
    ),
    differs(
      ['`upsertJobScheduler(id, { every })`'],
      'the jobs that wait after the registration',
      { peer: 1, ours: 0 },
      async (bull) => {
        await bull.queue.upsertJobScheduler('s', { every: tomorrow });
        const [due] = await bull.queue.getJobs(['waiting', 'delayed']);
        return due.delay === 0 ? 1 : 0;
      },
      async (ours) => {
        await ours.client.registerCronJob('s', '@every 24h', 'peer.job', []);
        return (await ours.admin.listJobs({ type: 'peer.job' })).items.length;
      },
    ),
    differs(
      ['`add(name, data, { repeat })`'],
      'the schedulers after it',
      { peer: 0, ours: 1 },
      async (bull) => {
        await bull.add('x', { repeat: { every: tomorrow } });
        await bull.drain();
        return (await bull.queue.getJobSchedulers()).length;
      },
      async (ours) => {
        await ours.client.registerCronJob('s', '@every 24h', 'peer.job', []);
        return (await ours.client.listCronJobs()).items.length;
      },
    ),
    same(
      ['`getJobSchedulers()`, `removeJobScheduler(id)`'],
      'the schedulers before and after',
      [['s'], []],
      async (bull) => {
        const names = async () => (await bull.queue.getJobSchedulers()).map(({ key }: Untyped) => key);
        await bull.queue.upsertJobScheduler('s', { every: tomorrow });
        const before = await names();
        await bull.queue.removeJobScheduler('s');
        return [before, await names()];
      },
      async (ours) => {
        const names = async () => (await ours.client.listCronJobs()).items.map(({ name }) => name);
        await ours.client.registerCronJob('s', '@every 24h', 'peer.job', []);
        const before = await names();
        await ours.client.unregisterCronJob('s');
        return [before, await names()];
      },
    ),
    same(
      ['`limiter: { max, duration }`'],
      'the third job starts a period after the first',
      true,
      async (bull) => {
        const starts: number[] = [];
        for (const data of [1, 2, 3]) await bull.add(data);
        await bull.drain(() => starts.push(Date.now()), { limiter: { max: 2, duration: 1_000 } });
        return (starts[2] ?? 0) - (starts[0] ?? 0) >= 900;
      },
      async (ours) => {
        const starts: number[] = [];
        await ours.admin.configureQueue('default', { rate: { limit: 2, period: '1s' } }, { create: true });
        for (const value of [1, 2, 3]) await ours.add(value);
        await ours.drain(() => void starts.push(Date.now()));
        return (starts[2] ?? 0) - (starts[0] ?? 0) >= 900;
      },
    ),
    same(
      ['`setGlobalConcurrency(n)`, `worker.concurrency = n`'],
      'the most at once, with two workers of three slots',
      2,
      async (bull) => {
        const room = roomFor(2);
        await bull.queue.setGlobalConcurrency(2);
        for (const data of [1, 2, 3, 4]) await bull.add(data);
        bull.work(() => room.enter(), { concurrency: 3 });
        await bull.drain(() => room.enter(), { concurrency: 3 });
        return room.most;
      },
      async (ours) => {
        const room = roomFor(2);
        await ours.admin.configureQueue('default', { concurrency: 2 }, { create: true });
        for (const value of [1, 2, 3, 4]) await ours.add(value);
        ours.work(() => room.enter(), { concurrency: 3 });
        await ours.drain(() => room.enter(), { concurrency: 3 });
        return room.most;
      },
    ),
    same(
      ['`queue.pause()`, `queue.resume()`', '`worker.pause()`, `worker.resume()`'],
      'a paused worker leaves the job, then a paused queue',
      ['other worker', 'resumed'],
      async (bull, ran) => {
        const paused = bull.work(() => ran.push('paused worker'), { autorun: false });
        await paused.pause();
        await bull.add(1);
        await bull.drain(() => ran.push('other worker'));
        await bull.queue.pause();
        await bull.add(2);
        bull.work(() => ran.push('resumed'));
        await until(async () => (await bull.queue.isPaused()) === true);
        await bull.queue.resume();
        await until(() => ran.length === 2);
      },
      async (ours, ran) => {
        ours.work(() => void ran.push('paused worker')).quiet();
        await ours.add(1);
        await ours.drain(() => void ran.push('other worker'));
        await ours.client.pauseQueue('default');
        await ours.add(2);
        ours.work(() => void ran.push('resumed'));
        await ours.client.resumeQueue('default');
        await until(() => ran.length === 2);
      },
    ),
    same(
      ['`worker.close()`'],
      'it resolves after the running job has ended',
      ['ended', 'stopped'],
      async (bull, ran) => {
        const begun = Promise.withResolvers<void>();
        await bull.add(1);
        const worker = bull.work(async () => {
          begun.resolve();
          await new Promise(setImmediate);
          ran.push('ended');
        });
        await begun.promise;
        await worker.close();
        ran.push('stopped');
      },
      stopOurs,
    ),
    same(
      ['`queue.getJob(id)`, `job.remove()`', '`queue.drain()`'],
      'removed and drained jobs never run',
      ['left'],
      async (bull, ran) => {
        await (await bull.queue.getJob((await bull.add('removed')).id)).remove();
        await bull.add('drained');
        await bull.queue.drain();
        await bull.add('left');
        await bull.drain((one) => ran.push(one.data));
      },
      async (ours, ran) => {
        await ours.client.cancelJob((await ours.add('removed')).id);
        await ours.add('drained');
        await ours.admin.purgeQueue('default', { states: 'available' });
        await ours.add('left');
        await ours.drain(recorder(ran));
      },
    ),
    same(
      ['`queue.getJobCounts()`'],
      'waiting, completed, failed',
      [1, 1, 1],
      async (bull) => {
        await bull.add(1);
        await bull.add(2);
        await bull.drain((one) => (one.data === 1 ? fail() : null));
        await bull.add(3);
        const { waiting, completed, failed } = await bull.queue.getJobCounts('waiting', 'completed', 'failed');
        return [waiting, completed, failed];
      },
      async (ours) => {
        await ours.add(1, { retry: { maxAttempts: 1 } });
        await ours.add(2);
        await ours.drain(({ args: [value] }) => (value === 1 ? fail() : null));
        await ours.add(3);
        const { available, completed, discarded } = await ours.admin.queueStats('default');
        return [available, completed, discarded];
      },
    ),
    same(
      ['`queue.getFailed()`, `job.retry()`'],
      'a failed job is found and runs again',
      ['x', 'x'],
      async (bull, ran) => {
        await bull.add('x');
        await bull.drain((one) => fail(ran.push(one.data)));
        for (const failed of await bull.queue.getFailed()) await failed.retry();
        await bull.drain((one) => ran.push(one.data));
      },
      async (ours, ran) => {
        await ours.add('x', { retry: { maxAttempts: 1 } });
        await ours.drain(({ args: [value] }) => fail(ran.push(value)));
        for await (const { id } of await ours.admin.listJobs({ state: 'discarded' })) await ours.admin.retryJob(id);
        await ours.drain(recorder(ran));
      },
    ),
  ],
  untested: {
    'steps in one processor: `job.updateData({ step })`':
      'BullMQ has no counterpart: its processor keeps the number of its step by itself',
    '`lifo`': 'there is no counterpart',
    '`extend`, `reschedule`': 'there is no counterpart',
    '`job.log(row)`': 'the lines are in your logger, outside of the server',
    'sandboxed processors': 'a design of your own code',
    '`WaitingChildrenError`': 'there is no counterpart',
    '`queue.clean()`, `queue.obliterate()`': 'times and permissions, not a scenario',
    'bull-board': 'a user interface',
    '`@nestjs/bullmq`': 'the NestJS helper has tests of its own',
    telemetry: 'the OpenTelemetry middleware has tests of its own',
    'tests that mock `bullmq`': 'the test modes have tests of their own',
    '`connection`, `prefix`': 'configuration',
  },
};

/** Adds `later` while the first job runs, then lets it end. */
async function whileBullRuns(bull: Bull, ran: unknown[], options: object, later: readonly string[]): Promise<void> {
  const [begun, ending] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await bull.add('first', options);
  const drained = bull.drain(async (one) => {
    ran.push(one.data);
    begun.resolve();
    await ending.promise;
  });
  await begun.promise;
  for (const data of later) await bull.add(data, options);
  ending.resolve();
  await drained;
}

async function flowOfFailure(bull: Bull, ran: unknown[], options: object): Promise<void> {
  await using flow = new AsyncDisposableStack();
  const producer = flow.adopt(new bull.exports.FlowProducer(bull.options), (one) => one.close());
  const children = [{ name: 'child', queueName: 'peers', data: 0, opts: options }];
  await producer.add({ name: 'parent', queueName: 'peers', data: 0, children });
  await bull.drain((one) => (ran.push(one.name) && one.name === 'child' ? fail() : null));
}
