import { expectedQueueName, formatTimestamp, isQueueName, isUuidv7, members, ProtocolError } from '@ojs-ts/core';
import { type JobId, type JobRecord, type Json, renderJob, State } from '@ojs-ts/core/job';
import { conflict } from '@ojs-ts/core/lifecycle';
import { type Asked, Fields } from '@ojs-ts/core/requests';
import type { Parts } from '../../engine/engine.ts';
import type { FetchRequest } from '../../engine/jobs/fetch.ts';
import type { Ack, Outcome, Settlement } from '../../engine/jobs/settlement.ts';
import type { BindingRequest, Handlers } from '../handler.ts';
import { held } from '../pieces.ts';
import { faultOf, ok, type Reply, refusal } from '../reply.ts';
import { directWorker, directWorkers } from './directives.ts';
import { heldBy, readBeat, replyToBeat } from './heartbeat.ts';
import { deregister, getWorker, listWorkers, readSecret, register, removeWorker, workerHealth } from './records.ts';
import { type Item, plainItem, readAck, readItems, readNack } from './settlements.ts';
import { stepsOf } from './steps.ts';

type Engine = Parts<
  'answers' | 'clock' | 'jobs' | 'leases' | 'memory' | 'protocol' | 'queues' | 'searches' | 'steps' | 'storage'
>;

export const workerHandlers: Handlers<
  | 'worker.fetch'
  | 'worker.ack'
  | 'worker.nack'
  | 'worker.heartbeat'
  | 'worker.exchange'
  | 'worker.register'
  | 'worker.deregister'
  | 'worker.remove'
  | 'worker.get'
  | 'worker.quiet'
  | 'worker.resume'
  | 'worker.stop'
  | 'worker.direct'
  | 'worker.health'
  | 'worker.list'
> = {
  'worker.fetch': fetchJobs,
  'worker.ack': ack,
  'worker.nack': nack,
  'worker.heartbeat': (engine, request, about) => heartbeat(engine, request, about.testMode),
  'worker.exchange': (engine, request, about, failed) => exchange(engine, request, about.testMode, failed),
  'worker.register': register,
  'worker.deregister': deregister,
  'worker.remove': removeWorker,
  'worker.get': getWorker,
  'worker.quiet': directWorker('quiet'),
  'worker.resume': directWorker('running'),
  'worker.stop': directWorker('terminate'),
  'worker.direct': directWorkers,
  'worker.health': workerHealth,
  'worker.list': listWorkers,
};

/** Receives errors of the server. */
type Failed = (error: unknown) => void;

/** The most jobs of one fetch, and of one in an exchange; a larger `count` counts as this number. */
const maxFetched = 100;
const maxExchanged = 500;
const maxWaitMs = 60_000;

/** POST /workers/fetch (ojs-http-binding §10.1). */
export async function fetchJobs(engine: Engine, request: BindingRequest): Promise<Reply> {
  const fields = new Fields(Fields.parse(request.body));
  const worker = fields.pathName('worker_id');
  const fetch = readFetch(fields, worker, readSecret(fields, worker, request), maxFetched);
  fields.done();
  request.access?.queues(fetch.queues);
  if (worker !== null) await request.access?.worksAs(worker, fetch.secretDigest ?? null);
  const jobs = await engine.protocol.fetch(fetch, request.signal);
  request.access?.fetched(jobs);
  const undone = undo(engine, fetch, jobs);
  const steps = await stepsOf(engine, jobs, async () => undone.undelivered?.());
  const text = `{"jobs":${envelopes(engine, jobs, steps)}}`;
  return { ...ok(text), ...held(engine, text.length), ...undone };
}

/** POST /workers/ack (ojs-http-binding §10.2). */
export async function ack(engine: Engine, request: BindingRequest): Promise<Reply> {
  return settle(engine, readAck(engine.leases, itemOf(request)), request);
}

/** POST /workers/nack (ojs-http-binding §10.3): FAIL, or `requeue: true` for a returned job. */
export async function nack(engine: Engine, request: BindingRequest): Promise<Reply> {
  return settle(engine, readNack(engine.leases, itemOf(request)), request);
}

/**
 * Clients that read `job` get the two members that the decision has; the whole job would cost a read of the store for
 * each ack.
 */
async function settle(engine: Engine, settlement: Settlement, { access }: BindingRequest): Promise<Reply> {
  const { id } = settlement;
  await access?.jobs([id]);
  const accepted = acceptedOf(id, await engine.protocol.settle(settlement));
  return ok(`{${settledMembers(id, accepted)},"job":{"id":"${id}","state":"${stateOf(accepted)}"}}`);
}

/**
 * The path may have the job's id in place of the body; an ack by path may have no body. The serverless adapters of the
 * published JavaScript SDK answer by path, and send only the message as `error`.
 */
function itemOf({ body, params }: BindingRequest): Item {
  const { id } = params;
  if (id === undefined) return plainItem(body);
  if (!isUuidv7(id)) {
    const message = `There is no job with the id ${id}.`;
    throw new ProtocolError('not_found', message, { job_id: id }, 'A job id is a UUIDv7.');
  }
  const item = plainItem(body === undefined || body === '' ? '{}' : body);
  const { error } = item.body;
  const named: Item = { ...item, body: { ...item.body, job_id: id } };
  if (typeof error !== 'string') return named;
  const text = members(item.text()).get('error') ?? 'null';
  return { ...named, text: () => `{"error":{"message":${text}}}` };
}

/** POST /workers/heartbeat (ojs-worker-protocol §4). */
export async function heartbeat(engine: Engine, request: BindingRequest, testMode: boolean): Promise<Reply> {
  const fields = new Fields(Fields.parse(request.body));
  const worker = fields.requiredPathName('worker_id');
  const beat = readBeat(engine.leases, fields, worker);
  const secretDigest = readSecret(fields, worker, request);
  fields.done();
  await request.access?.jobs(heldBy(beat));
  await request.access?.worksAs(worker, secretDigest);
  return ok(await replyToBeat(engine, beat, secretDigest, testMode));
}

/**
 * POST /workers/exchange: acks, nacks, heartbeat and fetch of a worker in one request, each ack and nack with its own
 * outcome. The fetch never waits in a request with outcomes, so an empty queue does not delay them.
 */
export async function exchange(
  engine: Engine,
  request: BindingRequest,
  testMode: boolean,
  failed: Failed,
): Promise<Reply> {
  const body = Fields.parse(request.body);
  const fields = new Fields(body);
  const worker = fields.requiredPathName('worker_id');
  const secretDigest = readSecret(fields, worker, request);
  const acks = readItems(request.body ?? '', 'acks', fields);
  const nacks = readItems(request.body ?? '', 'nacks', fields);
  const isShort = fields.string('return') === 'minimal';
  const beatFields = fields.object('beat');
  const beat = beatFields && readBeat(engine.leases, beatFields, worker);
  const fetchFields = fields.object('fetch');
  const fetch = fetchFields && readFetch(fetchFields, worker, secretDigest, maxExchanged);
  fields.done();
  const { access } = request;
  if (access) {
    access.queues(fetch?.queues ?? []);
    await access.jobs([...namedBy(acks), ...namedBy(nacks), ...(beat === null ? [] : heldBy(beat))]);
    await access.worksAs(worker, secretDigest);
  }
  const settles = acks.length + nacks.length > 0;
  const refused = (item: Item, error: unknown) => refusedItem(item, error, request, failed);
  // All parts start in one iteration of the event loop, so that a store with group commit needs one commit.
  const [ackOutcomes, nackOutcomes, beating, fetching] = await Promise.all([
    acknowledge(engine, acks, worker, isShort, refused),
    Promise.all(nacks.map((item) => settleItem(engine, item, worker, refused))),
    settled(beat ? replyToBeat(engine, beat, secretDigest, testMode) : null),
    settled(fetch === null ? [] : engine.protocol.fetch(settles ? { ...fetch, waitMs: 0 } : fetch, request.signal)),
  ]);
  if (beating.status === 'rejected') {
    // The worker repeats the whole exchange, so the claims must not be lost with this answer.
    if (fetching.status === 'fulfilled' && fetch !== null) await undo(engine, fetch, fetching.value).undelivered?.();
    throw beating.reason;
  }
  if (fetching.status === 'rejected') throw fetching.reason;
  const [beaten, jobs] = [beating.value, fetching.value];
  access?.fetched(jobs);
  const beatText = beaten === null ? '' : `"beat":${beaten},`;
  const outcomes = `"acks":[${ackOutcomes.join(',')}],"nacks":[${nackOutcomes.join(',')}]`;
  const undone = fetch === null ? {} : undo(engine, fetch, jobs);
  const steps = await stepsOf(engine, jobs, async () => undone.undelivered?.());
  const text = `{${outcomes},${beatText}"jobs":${envelopes(engine, jobs, steps)}}`;
  return { ...ok(text), ...held(engine, text.length), ...undone };
}

function namedBy(items: readonly Item[]): readonly JobId[] {
  return items.flatMap(({ body: { job_id: id } }) => (typeof id === 'string' ? [id] : []));
}

async function settled<T>(work: T | Promise<T>): Promise<PromiseSettledResult<T>> {
  const [result] = await Promise.allSettled([work]);
  return result;
}

function readFetch(fields: Fields, worker: string | null, secretDigest: string | null, maxCount: number): FetchRequest {
  const queues = fields.strings('queues', 100);
  if (queues === null || queues.length === 0) fields.issue('queues', 'must name at least one queue');
  const wrong = queues?.findIndex((queue) => !isQueueName(queue)) ?? -1;
  if (wrong >= 0) fields.issue(`queues[${wrong}]`, `must be ${expectedQueueName}`);
  return {
    queues: queues ?? [],
    count: fields.integer('count', 1, maxCount, true) ?? 1,
    worker,
    leaseMs: fields.integer('visibility_timeout_ms', 1, 86_400_000),
    leases: fields.boolean('leases') ?? false,
    steps: fields.boolean('steps') ?? false,
    secretDigest,
    request: fields.string('request_id', 128),
    waitMs: fields.integer('wait_ms', 0, maxWaitMs, true) ?? 0,
  };
}

/**
 * Undoes claims whose answer cannot be delivered. Not for a repeatable fetch: its caller asks again with the same
 * request id, and must get the same claims.
 */
function undo(engine: Engine, fetch: FetchRequest, jobs: readonly JobRecord[]): Pick<Reply, 'undelivered'> {
  return jobs.length > 0 && fetch.request === null ? { undelivered: () => engine.protocol.giveBack(jobs) } : {};
}

function envelopes({ leases }: Engine, jobs: readonly JobRecord[], steps: ReadonlyMap<JobId, Json>): Json {
  const texts = jobs.map((job) => {
    const own = steps.get(job.id);
    return renderJob(job, { lease: leases.of(job), ...(own !== undefined && { extra: `"x_steps":${own}` }) });
  });
  return `[${texts.join(',')}]`;
}

/** The answer for an item of an exchange that failed. */
type Refused = (item: Item, error: unknown) => Json;

/**
 * The acks of an exchange, each with its outcome; all valid ones go to the engine at once.
 * @param isShort true if the answer to a completion is its status alone.
 */
async function acknowledge(
  engine: Engine,
  items: readonly Item[],
  worker: string,
  isShort: boolean,
  refused: Refused,
): Promise<readonly Json[]> {
  const acks: Ack[] = [];
  const answers: (Json | null)[] = items.map((item) => {
    try {
      acks.push(readAck(engine.leases, item, worker));
      return null;
    } catch (error) {
      return refused(item, error);
    }
  });
  const outcomes = await engine.protocol.acknowledge(acks);
  let read = 0;
  return items.map((item, index) => {
    const answer = answers[index] ?? null;
    if (answer !== null) return answer;
    const [ack, outcome] = [acks[read], outcomes[read]];
    read++;
    if (ack === undefined || outcome === undefined)
      throw new Error(
        'The engine did not answer an ack. This is a bug of ojs-ts: please report it with this log line.',
      );
    if (outcome.status === 'rejected') return refused(item, outcome.reason);
    return isShort && outcome.value.kind === 'completed' ? '200' : settledItem(item, ack.id, outcome.value, refused);
  });
}

async function settleItem(engine: Engine, item: Item, worker: string, refused: Refused): Promise<Json> {
  try {
    const settlement = readNack(engine.leases, item, worker);
    return settledItem(item, settlement.id, await engine.protocol.settle(settlement), refused);
  } catch (error) {
    return refused(item, error);
  }
}

/** With the status of the separate operation. */
function settledItem(item: Item, id: JobId, outcome: Outcome, refused: Refused): Json {
  try {
    return `{"status":200,${settledMembers(id, acceptedOf(id, outcome))}}`;
  } catch (error) {
    return refused(item, error);
  }
}

function refusedItem({ body }: Item, error: unknown, asked: Asked, failed: Failed): Json {
  const fault = faultOf(error);
  if (fault.kind.status >= 500) failed(error);
  const id = body.job_id;
  const reply = refusal(fault, asked);
  return `{"status":${reply.status},"job_id":${JSON.stringify(typeof id === 'string' ? id : null)},${reply.text.slice(1)}`;
}

type Accepted = Extract<Outcome, { readonly kind: 'completed' | 'retryable' | 'discarded' | 'requeued' }>;

/** Throws if the settlement was refused. */
function acceptedOf(id: JobId, outcome: Outcome): Accepted {
  switch (outcome.kind) {
    case 'too_large': {
      const { size, limit } = outcome;
      const message = `$.result has ${size} bytes; the job's result_size_limit allows ${limit}. The job is still active.`;
      throw new ProtocolError('result_too_large', message, { job_id: id, size, max_size: limit });
    }
    case 'conflict':
      throw conflict(outcome.job, State.active);
    case 'missing':
      throw new ProtocolError('not_found', `There is no job with the id ${id}.`, { job_id: id });
    default:
      return outcome;
  }
}

/** The members of an answer. */
function settledMembers(id: JobId, accepted: Accepted): string {
  const head = `"id":"${id}","job_id":"${id}","state":"${stateOf(accepted)}"`;
  switch (accepted.kind) {
    case 'completed':
      return `"acknowledged":true,${head},"completed_at":"${formatTimestamp(accepted.at)}"`;
    case 'retryable': {
      const next = formatTimestamp(accepted.nextAt);
      const times = `"next_attempt_at":"${next}","next_retry_at":"${next}","retry_delay_ms":${accepted.delayMs}`;
      return `${head},${attempts(accepted)},${times}`;
    }
    case 'discarded': {
      const at = formatTimestamp(accepted.at);
      return `${head},${attempts(accepted)},"discarded_at":"${at}","completed_at":"${at}"`;
    }
    case 'requeued':
      return `${head},${attempts(accepted)}`;
  }
}

function stateOf(accepted: Accepted): string {
  if (accepted.kind !== 'requeued') return accepted.kind;
  return accepted.delayMs > 0 ? 'retryable' : 'available';
}

function attempts({ attempt, maxAttempts }: { readonly attempt: number; readonly maxAttempts: number }): string {
  return `"attempt":${attempt},"max_attempts":${maxAttempts}`;
}
