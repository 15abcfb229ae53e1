import { setTimeout as pause } from 'node:timers/promises';
import { batch, Client, Worker } from '@ojs-ts/sdk';
import { ask, type Statuses } from './requests.ts';

export interface Work {
  readonly url: string;
  readonly statuses: Statuses;
  readonly isOver: () => boolean;
}

export interface Done {
  readonly accepted: number;
  /** Accepted and never handled. */
  readonly lost: number;
  /** Workflows that were started; those whose callback got every result, got fewer in silence, or failed. */
  readonly workflows: number;
  readonly complete: number;
  readonly short: number;
  readonly refused: number;
}

const queue = 'work';
/** Jobs that wait or run at once: 1 MB each. */
const most = 400;
const members = 30;
const lookMs = 500;

/**
 * Four workers at concurrency 100 with jobs of 1 MB, batches whose callbacks are given 30 MB, and lists of a thousand.
 * Goes on until it is over, then until everything that was accepted has been handled.
 */
export async function work(options: Work, drainMs: number): Promise<Done> {
  const { url, isOver } = options;
  const accepted = new Set<string>();
  const handled = new Set<string>();
  const workflows = { started: 0, complete: 0, short: 0, refused: 0 };
  const workers = Array.from({ length: 4 }, () => {
    const worker = new Worker(url, { queues: [queue], concurrency: 100, handleSignals: false, logger: silent });
    worker.register('large.job', async ({ jobId, args }) => {
      await pause(20);
      if (String(args[0]).length !== size) throw new Error('the args are not whole');
      handled.add(jobId);
    });
    worker.register('large.result', () => 'r'.repeat(size));
    worker.register('large.callback', ({ parentResults }) => {
      const isWhole = parentResults.length === members && parentResults.every((one) => String(one).length === size);
      workflows[isWhole ? 'complete' : 'short'] += 1;
    });
    return worker;
  });
  const running = workers.map((worker) => worker.start());
  await using client = new Client(url, { logger: silent, timeout: '60s' });
  const produce = async () => {
    while (!isOver()) {
      if (accepted.size - handled.size >= most) {
        await pause(20);
        continue;
      }
      const job = await client.enqueue('large.job', ['a'.repeat(size)], { queue }).catch(() => null);
      if (job !== null) accepted.add(job.id);
    }
  };
  const flow = async () => {
    const jobs = Array.from({ length: members }, () => ({ type: 'large.result', args: [], queue }));
    const onComplete = { type: 'large.callback', args: [], queue };
    while (!isOver()) {
      const workflow = await client.workflow(batch('large', jobs, { onComplete })).catch(() => null);
      if (workflow === null) continue;
      workflows.started += 1;
      let state = 'running';
      for (let look = 0; state === 'running' && look < drainMs / lookMs; look++) {
        await pause(lookMs);
        // It may be refused for memory; the next look is another one.
        state = (await client.getWorkflow(workflow.id).catch(() => null))?.state ?? state;
      }
      if (state !== 'completed') workflows.refused += 1;
    }
  };
  await Promise.all([...Array.from({ length: 8 }, produce), flow(), list(options)]);
  const until = performance.now() + drainMs;
  while (performance.now() < until && [...accepted].some((id) => !handled.has(id))) await pause(200);
  await Promise.all(workers.map((worker) => worker.stop()));
  await Promise.all(running);
  return {
    accepted: accepted.size,
    lost: [...accepted].filter((id) => !handled.has(id)).length,
    workflows: workflows.started,
    complete: workflows.complete,
    short: workflows.short,
    refused: workflows.refused,
  };
}

async function list({ url, statuses, isOver }: Work): Promise<void> {
  while (!isOver()) {
    const { status } = await ask(url, 'GET', '/jobs?limit=1000', null, { keep: false });
    statuses.note('list of 1,000', status);
    await pause(500);
  }
}

const size = 1_000_000;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
