import { Fields, formatTimestamp, ProtocolError, pagination, readPage } from '@ojs-ts/core';
import type { Engine } from '../../engine/engine.ts';
import { descriptionOf, healthOf, type KnownWorker } from '../../engine/workers/workers.ts';
import type { BindingRequest } from '../handler.ts';
import { json, type Reply } from '../reply.ts';
import { readBeat } from './heartbeat.ts';
import { readSecret } from './secret.ts';

/** ojs-worker-protocol §4.2, §10.1, in seconds. */
const intervalSeconds = 5;

/**
 * POST /workers/register (ojs-worker-protocol §3.1): a heartbeat whose answer has the intervals for the worker.
 * Registration is optional.
 */
export async function register(engine: Engine, { body }: BindingRequest): Promise<Reply> {
  const fields = new Fields(Fields.parse(body));
  const worker = fields.requiredString('worker_id');
  const beat = readBeat(engine.leases, fields, worker);
  const secretDigest = readSecret(fields, worker);
  fields.done();
  await engine.beat(beat, secretDigest);
  return json({
    ok: true,
    worker_id: worker,
    server_time: new Date(engine.clock.now()).toISOString(),
    heartbeat_interval: intervalSeconds,
    heartbeat_timeout: Math.round(engine.deadAfterMs / 1_000),
    visibility_timeout_default: Math.round(engine.visibilityMs / 1_000),
  });
}

/**
 * POST /workers/deregister, or DELETE with the id in the path: the jobs of the worker become available at once, and
 * their attempts count only if the worker is dead. A worker that began with a secret must send the secret.
 */
export async function deregister(engine: Engine, { body, params }: BindingRequest): Promise<Reply> {
  const { id } = params;
  const said = id !== undefined && (body === undefined || body === '') ? {} : Fields.parse(body);
  const fields = new Fields(said);
  const worker = id ?? fields.requiredString('worker_id');
  const secretDigest = readSecret(fields, worker);
  fields.done();
  await engine.secrets.check(worker, secretDigest);
  return remove(engine, worker);
}

/** DELETE /admin/workers/:id: an operator deregisters any worker. */
export async function removeWorker(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  return remove(engine, params.id ?? '');
}

async function remove(engine: Engine, worker: string): Promise<Reply> {
  if (!(await engine.deregister(worker))) throw unknown(worker);
  return json({ ok: true, worker_id: worker, deregistered: true });
}

/** GET /workers/:id/health. A worker without heartbeats is never unhealthy, because its silence means nothing. */
export async function workerHealth(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const id = params.id ?? '';
  const worker = await engine.workers.find(id);
  if (worker === null) throw unknown(id);
  const status = statusOf(engine, worker);
  return json(
    { worker_id: id, status, state: wireState(worker), ...times(worker) },
    status === 'unhealthy' ? 503 : 200,
  );
}

/** GET /workers, also /admin/workers (ojs-admin-api §9.1). */
export async function listWorkers(engine: Engine, { query }: BindingRequest): Promise<Reply> {
  const page = readPage(query);
  const [workers, active] = await Promise.all([engine.workers.list(), engine.workers.activeJobs()]);
  const states = workers.map((worker) => (statusOf(engine, worker) === 'unhealthy' ? 'stale' : worker.state));
  const count = (state: (typeof states)[number]) => states.filter((one) => one === state).length;
  // By name, so that a page continues after the last one, even if workers come and go.
  const { cursor, limit } = page;
  const after = cursor === null ? page.offset : workers.findIndex(({ worker }) => worker > cursor);
  const from = after < 0 ? workers.length : after;
  const items = workers.slice(from, from + limit).map((worker, at) => ({
    id: worker.worker,
    ...descriptionOf(worker),
    state: states[from + at],
    active_jobs: active.get(worker.worker) ?? 0,
    ...times(worker),
  }));
  return json({
    items,
    summary: {
      total: workers.length,
      running: count('running'),
      quiet: count('quiet'),
      terminate: count('terminate'),
      stale: count('stale'),
    },
    pagination: pagination(
      page,
      workers.length,
      items.length,
      from + items.length < workers.length ? (items.at(-1)?.id ?? null) : null,
    ),
  });
}

function statusOf(engine: Engine, worker: KnownWorker): ReturnType<typeof healthOf> {
  return healthOf(worker, engine.clock.now(), engine.deadAfterMs);
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

function unknown(worker: string): ProtocolError {
  return new ProtocolError('not_found', 'There is no worker with this id on record.', { worker_id: worker });
}
