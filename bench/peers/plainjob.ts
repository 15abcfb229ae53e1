// A child process that carries out one task with plainjob; see ../src/worker.ts for the same tasks with ours.
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { better, defineQueue, defineWorker, JobStatus, type Queue } from 'plainjob';
import { payloadOf } from '../src/payload.ts';
import { Calls } from '../src/scenarios/checks.ts';
import { latency, rate, wallClock } from '../src/statistics.ts';
import type { Latency, Message, Rate, Scenario, Task } from '../src/task.ts';

const type = 'bench.email';
const batchSize = 1_000;
/** Its default of 1,000 ms would be its idle latency. */
const pollIntervall = 5;

const quiet = { error: console.error, warn: console.warn, info() {}, debug() {} };

function expectCount(queue: Queue, status: JobStatus, jobs: number): void {
  const count = queue.countJobs({ status });
  if (count !== jobs || queue.countJobs() !== jobs)
    throw new Error(`the store counts ${count} of ${jobs} jobs in status ${status}, ${queue.countJobs()} in all`);
}

/** `add` is synchronous, so 64 callers would take turns all the same. */
function enqueue(queue: Queue, jobs: number): Rate {
  const from = performance.now();
  for (let n = 0; n < jobs; n++) queue.add(type, payloadOf(n));
  const ms = performance.now() - from;
  expectCount(queue, JobStatus.Pending, jobs);
  return rate(jobs, ms);
}

function batch(queue: Queue, jobs: number): Rate {
  const from = performance.now();
  for (let first = 0; first < jobs; first += batchSize) {
    queue.addMany(
      type,
      Array.from({ length: Math.min(batchSize, jobs - first) }, (_, index) => payloadOf(first + index)),
    );
  }
  const ms = performance.now() - from;
  expectCount(queue, JobStatus.Pending, jobs);
  return rate(jobs, ms);
}

/** As many workers as the concurrency says, on one connection: a worker of plainjob does one job at a time. */
async function drain(queue: Queue, jobs: number, concurrency: number): Promise<Rate> {
  batch(queue, jobs);
  const calls = new Calls(jobs);
  let from: number | undefined;
  const handle = ({ data }: { readonly data: string }) => {
    from ??= performance.now();
    calls.add(JSON.parse(data).n);
  };
  // `markJobAsDone` has committed when this is called, so the last call is the last durable ack.
  let done = 0;
  let ms = Number.NaN;
  const onCompleted = () => {
    done++;
    if (done === jobs) ms = performance.now() - (from ?? Number.NaN);
  };
  const workers = Array.from({ length: concurrency }, () =>
    defineWorker(type, handle, { queue, pollIntervall, logger: quiet, onCompleted }),
  );
  const running = Promise.all(workers.map((worker) => worker.start())).then(() => {});
  await calls.done(running);
  await Promise.all(workers.map((worker) => worker.stop()));
  await running;
  expectCount(queue, JobStatus.Done, jobs);
  calls.check();
  return rate(jobs, ms);
}

async function pickup(queue: Queue, jobs: number): Promise<Latency> {
  const starts: number[] = [];
  const calls = new Calls(jobs);
  const handle = ({ data }: { readonly data: string }) => {
    const now = wallClock();
    const { n } = JSON.parse(data);
    starts[n] = now;
    calls.add(n);
  };
  const worker = defineWorker(type, handle, { queue, pollIntervall, logger: quiet });
  const running = worker.start();
  const sent: number[] = [];
  for (let n = 0; n < jobs; n++) {
    await pause(1 + Math.random() * 19);
    sent.push(wallClock());
    queue.add(type, payloadOf(n));
  }
  await calls.done(running);
  await worker.stop();
  await running;
  expectCount(queue, JobStatus.Done, jobs);
  calls.check();
  return latency(sent, starts);
}

function measure(queue: Queue, scenario: Scenario, jobs: number): Rate | Promise<Rate | Latency> {
  switch (scenario.name) {
    case 'enqueue':
      return enqueue(queue, jobs);
    case 'batch':
      return batch(queue, jobs);
    case 'drain':
      return drain(queue, jobs, scenario.concurrency);
    case 'pickup':
      return pickup(queue, jobs);
  }
}

async function carryOut({ scenario, jobs, target }: Task): Promise<Message> {
  if (!('storage' in target)) throw new Error('plainjob has no server');
  const database = new Database(target.storage.slice('sqlite:'.length));
  // Its defaults: maintenance every minute, done jobs 7 days, failed ones 30 days.
  const queue = defineQueue({ connection: better(database), logger: quiet });
  try {
    const measured = await measure(queue, scenario, jobs);
    const synchronous = ['OFF', 'NORMAL', 'FULL', 'EXTRA'][Number(database.pragma('synchronous', { simple: true }))];
    const journal = String(database.pragma('journal_mode', { simple: true })).toUpperCase();
    return { outcome: { ...measured, durability: `${journal}, synchronous=${synchronous}` } };
  } finally {
    queue.close();
  }
}

process.once('message', (task: Task) => {
  carryOut(task)
    .catch(
      (error: unknown): Message => ({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    )
    .then((message) => process.send?.(message, undefined, {}, () => process.exit()));
});
