import { isObject } from '@ojs-ts/core';
import type { JobContext } from '@ojs-ts/sdk';
import type { Context, Run } from '../context.ts';
import type { Node } from '../world/world.ts';

/** What a job asks of its handler; it stands in the first arg. */
export interface Order {
  /** How long the handler takes. */
  readonly holdMs: number;
  /** How many attempts fail. */
  readonly failures?: number;
  /** For how long the handler blocks its event loop. */
  readonly blockMs?: number;
  readonly reports?: number;
  readonly checkpoints?: number;
  /** What the history says of the job beside its id and queue. */
  readonly told?: Readonly<Record<string, unknown>>;
}

export const jobTypes = ['job.plain', 'job.step', 'job.callback', 'job.cron'] as const;

/** The handler of every job. */
export async function runJob(context: Context, node: Node, job: JobContext): Promise<unknown> {
  const { runs, world, checkpoints: saved } = context;
  const lease = String(job.job.raw.x_lease);
  const found = isObject(job.lastCheckpoint) ? Number(job.lastCheckpoint.number) : 0;
  const checkpoint = { found, saved: saved.get(job.jobId) ?? 0 };
  const run: Run = { job: job.jobId, lease, attempt: job.attempt, worker: node.name, succeeded: null, checkpoint };
  runs.push(run);
  world.note(`run ${job.jobId} ${lease} ${job.attempt}`);
  const { holdMs, failures = 0, blockMs = 0, reports = 0, checkpoints = 0 } = orderIn(job.args);
  if (checkpoints > 0) await saveCheckpoints(saved, job, found, checkpoints, holdMs);
  else {
    for (let part = 0; part < reports; part++) await job.progress((100 * part) / reports, `part ${part}`);
    await pause(holdMs, job.signal);
  }
  if (blockMs > 0) {
    node.blockedUntil = Math.max(node.blockedUntil, world.now + blockMs);
    await pause(1, job.signal);
  }
  if (job.attempt <= failures && !context.mended.has(job.workflowId ?? '')) {
    run.succeeded = false;
    throw new Error('The job is to fail.');
  }
  run.succeeded = true;
  return { lease, worker: node.name };
}

/** The checkpoints of a job count up. */
async function saveCheckpoints(
  saved: Map<string, number>,
  job: JobContext,
  found: number,
  count: number,
  holdMs: number,
): Promise<void> {
  for (let number = found + 1; number <= found + count; number++) {
    await pause(holdMs / count, job.signal);
    await job.checkpoint({ number });
    saved.set(job.jobId, Math.max(saved.get(job.jobId) ?? 0, number));
  }
}

function orderIn(args: readonly unknown[]): Order {
  const [order] = args;
  if (!isObject(order) || typeof order.holdMs !== 'number') return { holdMs: 10 };
  const numberOf = (value: unknown) => (typeof value === 'number' ? value : 0);
  return {
    holdMs: order.holdMs,
    failures: numberOf(order.failures),
    blockMs: numberOf(order.blockMs),
    reports: numberOf(order.reports),
    checkpoints: numberOf(order.checkpoints),
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}
