import { members, ProtocolError } from '@ojs-ts/core';
import { type JobRecord, type Json, renderOutcome, renderProgress, State, Terminal } from '@ojs-ts/core/job';
import type { Parts } from '../../engine/engine.ts';
import { Waiter } from '../../engine/jobs/waiter.ts';
import type { StateFrame } from './wire.ts';

type Engine = Parts<'clock' | 'jobs' | 'subscriptions'>;

/** The events of a stream while the job runs, and its last event. */
export type JobStream = (job: JobRecord, now: number, shown: Shown) => Omit<StateFrame, 'id'>;

/** The part of a text about a job that the caller may see. */
export type Shown = (text: Json) => Json;

/** The id of the last event: a client that returns with it has seen everything. */
export const lastFrame = 'end';

/** Reports within a second share one event, so after a change the job is read again at the end of the second. */
const settleMs = 1_000;
/** The deletion of a job makes no event. */
const idleMs = 30_000;

/**
 * GET /jobs/:id/progress/stream (ojs-progress §7.2): `progress`, and at the end `completed`, `failed` or `cancelled`.
 */
export const progressStream: JobStream = (job, _, shown) => ({
  name: ends[job.state] ?? 'progress',
  data: oneLine(shown(renderProgress(job))),
});

const ends: Readonly<Partial<Record<State, string>>> = {
  [State.completed]: 'completed',
  [State.discarded]: 'failed',
  [State.cancelled]: 'cancelled',
};

/** GET /jobs/:id/result/stream (ojs-results §8.3): `progress`, and at the end `result`, or `error` without a result. */
export const resultStream: JobStream = (job, now, shown) => {
  if ((job.state & Terminal) === 0) return progressStream(job, now, shown);
  const text = shown(renderOutcome(job, now));
  if (job.state !== State.completed) return { name: 'error', data: oneLine(text) };
  return { name: 'result', data: oneLine(`{"value":${members(text).get('result') ?? null},${text.slice(1)}`) };
};

/**
 * The job as it is, and again after each report; ends with the job or its deletion, or with the signal.
 * @throws ProtocolError `unsupported` if the storage keeps no log.
 */
export async function* follow(
  engine: Engine,
  id: string,
  stream: JobStream,
  shown: Shown,
  signal: AbortSignal,
): AsyncGenerator<StateFrame> {
  const waiter = new Waiter();
  const subscription = engine.subscriptions.subscribe(
    { job: id },
    {
      onEvent: ({ entry: [kind], ends: isEnd }) => {
        if (isEnd || kind === 'job.progress' || kind === 'job.started') waiter.wake();
      },
    },
  );
  try {
    await subscription.live;
    for (let lastState = ''; !signal.aborted; ) {
      const job = await engine.jobs.get(id);
      if (job === null || signal.aborted) return;
      const ended = (job.state & Terminal) !== 0;
      const state = `${job.claim} ${job.progress}`;
      const fresh = ended || state !== lastState;
      if (fresh) yield { ...stream(job, engine.clock.now(), shown), id: ended ? lastFrame : String(job.claim) };
      if (ended) return;
      lastState = state;
      await waiter.wait(fresh ? settleMs : idleMs, signal);
    }
  } finally {
    subscription.close();
  }
}

/** Throws `not_found`. False for a client that has seen everything. */
export async function hasMore(engine: Engine, id: string, lastId: string | null): Promise<boolean> {
  const job = await engine.jobs.get(id);
  if (job === null) throw new ProtocolError('not_found', `There is no job with the id ${id}.`, { job_id: id });
  return lastId !== lastFrame || (job.state & Terminal) === 0;
}

/** Line breaks of valid JSON are only between its tokens. */
function oneLine(text: Json): Json {
  return text.replace(/[\r\n]+/g, ' ');
}
