import { uuidv7 } from '@ojs-ts/core';
import { type JobRecord, readEnvelopes } from '@ojs-ts/core/job';
import type { Engine } from '@ojs-ts/server';
import { requestOf } from '../payload.ts';

/** Enqueues jobs in one call, from the text of a request. */
export async function push(engine: Engine, first: number, count: number, queue: string): Promise<void> {
  const jobs = Array.from({ length: count }, (_, n) => {
    const { type, args } = requestOf(first + n);
    return { type, args, options: { queue } };
  });
  const body = JSON.stringify({ jobs });
  const pushed = await engine.jobs.push(readEnvelopes(body, engine.clock.now(), () => uuidv7(engine.clock)));
  if (pushed.kind !== 'pushed') throw new Error(`a batch was ${pushed.kind}`);
}

/** A fetch with long poll, as a worker sends it. */
export function fetchJobs(
  engine: Engine,
  {
    queue,
    count,
    worker = 'bench',
    waitMs = 5_000,
  }: Readonly<{ queue: string; count: number }> & Readonly<{ worker?: string; waitMs?: number }>,
): Promise<readonly JobRecord[]> {
  return engine.protocol.fetch({ queues: [queue], count, worker, leaseMs: null, request: uuidv7(), waitMs });
}

export async function settle(engine: Engine, jobs: readonly JobRecord[], worker = 'bench'): Promise<void> {
  const acks = jobs.map(({ id, claim }) =>
    engine.protocol.settle({ kind: 'ack', id, claim, worker, result: '{"sent":true}' }),
  );
  const wrong = (await Promise.all(acks)).find(({ kind }) => kind !== 'completed');
  if (wrong !== undefined) throw new Error(`an ack was answered with ${wrong.kind}`);
}

/** Claims and acks until so many jobs are done. */
export async function drain(engine: Engine, jobs: number, size: number, queue: string): Promise<void> {
  for (let done = 0; done < jobs; ) {
    const claimed = await fetchJobs(engine, { queue, count: Math.min(size, jobs - done) });
    if (claimed.length === 0) throw new Error(`no job came after ${done} of ${jobs}`);
    await settle(engine, claimed);
    done += claimed.length;
  }
}
