import { hash } from 'node:crypto';
import { formatTimestamp, ProtocolError } from '@ojs-ts/core';
import { Fields, notFound, pagination, readAdminPage } from '@ojs-ts/core/requests';
import { readQuery } from '@ojs-ts/core/schemas';
import type { Parts } from '../../engine/engine.ts';
import { descriptionOf, healthOf, type KnownWorker } from '../../engine/workers/workers.ts';
import type { Directive } from '../../storage/storage.ts';
import { type BindingRequest, callerName } from '../handler.ts';
import { json, type Reply } from '../reply.ts';
import { heldBy, readBeat } from './heartbeat.ts';

type Engine = Parts<'clock' | 'leases' | 'protocol' | 'secrets' | 'settings' | 'upkeep' | 'workers'>;

/** ojs-worker-protocol §4.2, §10.1, in seconds. */
const intervalSeconds = 5;

/**
 * POST /workers/register (ojs-worker-protocol §3.1): a heartbeat whose answer has the intervals for the worker.
 * Registration is optional.
 */
export async function register(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { body, access } = request;
  const fields = new Fields(Fields.parse(body));
  const worker = fields.requiredPathName('worker_id');
  const beat = readBeat(engine.leases, fields, worker);
  const secretDigest = readSecret(fields, worker, request);
  fields.done();
  await access?.jobs(heldBy(beat));
  await access?.worksAs(worker, secretDigest);
  await engine.protocol.beat(beat, secretDigest);
  return json({
    ok: true,
    worker_id: worker,
    server_time: new Date(engine.clock.now()).toISOString(),
    heartbeat_interval: intervalSeconds,
    heartbeat_timeout: Math.round(engine.settings.deadAfterMs / 1_000),
    visibility_timeout_default: Math.round(engine.settings.visibilityMs / 1_000),
  });
}

/**
 * POST /workers/deregister, or DELETE with the id in the path: the jobs of the worker become available at once, and
 * their attempts count only if the worker is dead. A worker that began with a secret must send the secret.
 */
export async function deregister(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { body, params, access } = request;
  const { id } = params;
  const said = id !== undefined && (body === undefined || body === '') ? {} : Fields.parse(body);
  const fields = new Fields(said);
  const worker = id ?? fields.requiredPathName('worker_id');
  const secretDigest = readSecret(fields, worker, request);
  fields.done();
  await access?.worker(worker);
  await engine.secrets.check(worker, secretDigest);
  return remove(engine, worker);
}

/**
 * DELETE /admin/workers/:id (ojs-admin-api §9.4): only a stale worker. `?force=true` removes a live one too, whose jobs
 * then run twice until it hears of it.
 */
export async function removeWorker(engine: Engine, { params, query }: BindingRequest): Promise<Reply> {
  const id = params.id ?? '';
  const { force } = readQuery('worker.remove', query, 0);
  const worker = await engine.workers.find(id);
  if (worker !== null && !force && statusOf(engine, worker) !== 'unhealthy')
    throw new ProtocolError(
      'conflict',
      `The worker ${id} has not missed its heartbeat deadline, so it may still run its jobs.`,
      { worker_id: id, reason: 'alive' },
      'Stop the worker first: ojs workers stop ID. Or repeat the call with ?force=true (ojs workers remove --force).',
    );
  return remove(engine, id);
}

async function remove(engine: Engine, worker: string): Promise<Reply> {
  if (!(await engine.protocol.deregister(worker))) throw await unknown(engine, worker);
  return json({ ok: true, worker_id: worker, deregistered: true });
}

/** GET /workers/:id/health. A worker without heartbeats is never unhealthy, because its silence means nothing. */
export async function workerHealth(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const id = params.id ?? '';
  const worker = await knownWorker(engine, id);
  const status = statusOf(engine, worker);
  return json(
    { worker_id: id, status, state: wireState(worker), ...times(worker) },
    status === 'unhealthy' ? 503 : 200,
  );
}

/** GET /workers, also /admin/workers (ojs-admin-api §9.1). */
export async function listWorkers(engine: Engine, { query }: BindingRequest): Promise<Reply> {
  const page = readAdminPage(query);
  const [workers, active] = await Promise.all([engine.workers.list(), engine.workers.activeJobs()]);
  // By name, so that a page continues after the last one, even if workers come and go.
  const { cursor, limit } = page;
  const after = cursor === null ? page.offset : workers.findIndex(({ worker }) => worker > cursor);
  const from = after < 0 ? workers.length : after;
  const items = workers
    .slice(from, from + limit)
    .map((worker) => itemOf(engine, worker, active.get(worker.worker) ?? 0));
  return json({
    items,
    summary: summaryOf(engine, workers),
    pagination: pagination(
      page,
      workers.length,
      items.length,
      from + items.length < workers.length ? (items.at(-1)?.id ?? null) : null,
    ),
  });
}

/** The most jobs that the answer about one worker names. */
const maxJobs = 1_000;

/** GET /admin/workers/:id (ojs-admin-api §9.2): with the jobs that it runs. */
export async function getWorker(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const worker = await knownWorker(engine, params.id ?? '');
  const jobs: object[] = [];
  let active = 0;
  for await (const held of engine.workers.heldBy(worker.worker)) {
    active += held.length;
    for (const { id, type, queue, attempt, startedAt } of held.slice(0, maxJobs - jobs.length))
      jobs.push({ id, type, queue, attempt, started_at: startedAt === null ? null : formatTimestamp(startedAt) });
  }
  return json({ ...itemOf(engine, worker, active), jobs });
}

/** How many workers are in each state. */
export function summaryOf(engine: Engine, workers: readonly KnownWorker[]): Readonly<Record<string, number>> {
  const summary = { total: workers.length, running: 0, quiet: 0, terminate: 0, stale: 0 };
  for (const worker of workers) summary[stateOf(engine, worker)] += 1;
  return summary;
}

export async function knownWorker(engine: Engine, id: string): Promise<KnownWorker> {
  const worker = await engine.workers.find(id);
  if (worker === null) throw await unknown(engine, id);
  return worker;
}

function itemOf(engine: Engine, worker: KnownWorker, activeJobs: number) {
  return {
    id: worker.worker,
    ...descriptionOf(worker),
    state: stateOf(engine, worker),
    ...(worker.directive !== null && { directive: worker.directive }),
    active_jobs: activeJobs,
    ...times(worker),
  };
}

function stateOf(engine: Engine, worker: KnownWorker): Directive | 'stale' {
  return statusOf(engine, worker) === 'unhealthy' ? 'stale' : worker.state;
}

function statusOf(engine: Engine, worker: KnownWorker): ReturnType<typeof healthOf> {
  return healthOf(worker, engine.clock.now(), engine.upkeep.since, engine.settings.deadAfterMs);
}

function times({ beatAt, fetchedAt }: KnownWorker): object {
  return {
    last_heartbeat_at: beatAt === null ? null : formatTimestamp(beatAt),
    ...(fetchedAt !== null && { last_fetch_at: formatTimestamp(fetchedAt) }),
  };
}

/** The worker's own word for its state, such as `draining`, if it means the same. */
function wireState({ state, info }: KnownWorker): string {
  const word = descriptionOf({ info }).reported_state;
  return typeof word === 'string' ? word : state;
}

async function unknown(engine: Engine, id: string): Promise<ProtocolError> {
  const workers = await engine.workers.list();
  return notFound(
    'worker',
    id,
    workers.map(({ worker }) => worker),
  );
}

type Caller = Pick<BindingRequest, 'access' | 'owner' | 'address'>;

/**
 * `worker_secret`, as the digest that is kept and compared. A caller that is limited to some queues and sends none has
 * its token for one, so no other caller acts in the name of its worker; null for other workers without a secret.
 */
export function readSecret(fields: Fields, worker: string | null, caller: Caller): string | null {
  const secret = fields.string('worker_secret');
  if (worker === null) return null;
  if (secret !== null) return hash('sha256', `${worker}\n${secret}`);
  return caller.access ? `caller:${hash('sha256', `${worker}\n${callerName(caller)}`)}` : null;
}
