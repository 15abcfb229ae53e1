import { isUuidv7, ProtocolError } from '@ojs-ts/core';
import { type JobRecord, renderOutcome, resultExpiresAt, resultStatus, sizeOf, stateName } from '@ojs-ts/core/job';
import { wrongValue } from '@ojs-ts/core/requests';
import { readBody, readQuery } from '@ojs-ts/core/schemas';
import type { Parts } from '../../engine/engine.ts';
import { PageSize } from '../../engine/page-size.ts';
import type { BindingRequest, Handlers } from '../handler.ts';
import { pieced, waitForRoom } from '../pieces.ts';
import { ok, type Reply } from '../reply.ts';

type Engine = Parts<'answers' | 'clock' | 'jobEnds' | 'jobs' | 'memory' | 'queues' | 'searches' | 'storage'>;

export const resultHandlers: Handlers<'job.result' | 'job.results'> = {
  'job.result': getResult,
  'job.results': getResults,
};

/** The longest and the default wait (ojs-results §8.2), in seconds. */
const maxWait = 30;
const maxIds = 1_000;
/** The longest wait of a FETCH, in milliseconds. */
const maxWaitMs = 60_000;

/**
 * GET /jobs/:id/result: 200 after the end of the job, 202 before. With `wait=true` the server holds the answer until
 * then, and answers 408 at the end of the wait.
 */
async function getResult(engine: Engine, { params, query, signal }: BindingRequest): Promise<Reply> {
  const id = params.id ?? '';
  const { wait: waits = false } = readQuery('job.result', query, 0);
  const seconds = readTimeout(query.timeout);
  const job = waits ? await engine.jobEnds.wait(id, seconds * 1_000, signal) : await engine.jobs.get(id);
  if (job === null) throw new ProtocolError('not_found', `There is no job with the id ${id}.`, { job_id: id });
  const now = engine.clock.now();
  switch (resultStatus(job, now)) {
    case 'ready':
      return ok(renderOutcome(job, now));
    case 'pruned':
      throw pruned(job);
    case 'pending': {
      if (!waits) return { status: 202, text: renderOutcome(job, now), headers: { 'retry-after': '1' } };
      const state = stateName(job.state);
      throw new ProtocolError('result_pending', `The job is still ${state}.`, { job_id: id, state });
    }
  }
}

/**
 * POST /jobs/results: `{ids}`; null for unknown ones (ojs-results §9.3). With `wait_ms` the server holds the answer
 * until one of the jobs has ended or is unknown: one call waits for many jobs.
 */
async function getResults(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { signal, access } = request;
  const body = readBody('job.results', request, 0);
  const { ids = body.job_ids, wait_ms: waitMs = 0 } = body;
  if (ids === undefined) throw wrongValue('$.ids', 'must be an array of job ids');
  if (ids.length > maxIds) {
    throw new ProtocolError('batch_size_exceeded', `A request may have at most ${maxIds} ids, got ${ids.length}.`, {
      max_batch_size: maxIds,
    });
  }
  const wanted = [...new Set(ids)];
  const known = wanted.filter(isUuidv7);
  await access?.jobs(known);
  if (waitMs > 0 && known.length === wanted.length && known.length > 0)
    await engine.jobEnds.waitAny(known, Math.min(waitMs, maxWaitMs), signal);
  await waitForRoom(engine);
  return pieced(engine, resultPieces(engine, wanted));
}

async function* resultPieces(engine: Engine, ids: readonly string[]): AsyncGenerator<string> {
  yield '{"results":{';
  const page = new PageSize(engine.memory.answer);
  for (let at = 0; at < ids.length; ) {
    const part = ids.slice(at, at + page.items);
    const found = new Map<string, JobRecord>();
    for (const job of await engine.storage.jobs.get(part.filter(isUuidv7))) if (job !== null) found.set(job.id, job);
    const now = engine.clock.now();
    const texts = part.map((id) => {
      const job = found.get(id);
      return `${JSON.stringify(id)}:${job === undefined ? 'null' : renderOutcome(job, now)}`;
    });
    yield `${at > 0 ? ',' : ''}${texts.join(',')}`;
    at += part.length;
    page.had([...found.values()].reduce((sum, job) => sum + sizeOf(job), 0));
  }
  yield '}}';
}

function pruned(job: JobRecord): ProtocolError {
  const at = new Date(resultExpiresAt(job) ?? 0).toISOString();
  return new ProtocolError('result_pruned', `Result expired at ${at}.`, {
    job_id: job.id,
    state: stateName(job.state),
    result_expires_at: at,
  });
}

function readTimeout(text: string | undefined): number {
  if (text === undefined || text === '') return maxWait;
  if (!/^\d{1,6}(\.\d{1,3})?$/.test(text))
    throw ProtocolError.invalid([{ path: 'timeout', message: 'must be a number of seconds' }]);
  return Math.min(maxWait, Number(text));
}
