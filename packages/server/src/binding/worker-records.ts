import { OjsFault } from '@ojs-ts/core';
import type { Engine } from '../engine/engine.ts';
import type { WorkerRecord } from '../storage/storage.ts';
import { Fields } from './fields.ts';
import { readBeat } from './heartbeat.ts';
import { json, type Reply } from './reply.ts';
import type { BindingRequest } from './request.ts';

/** ojs-worker-protocol §4.2, §10.1, in seconds. */
const intervalSeconds = 5;

/** POST /workers/register (ojs-worker-protocol §3.1, X28): a heartbeat that also tells the numbers to keep to. Workers that never register are as good. */
export async function register(engine: Engine, { body }: BindingRequest): Promise<Reply> {
  const fields = new Fields(Fields.parse(body));
  const worker = fields.requiredString('worker_id');
  const beat = readBeat(fields, worker);
  fields.done();
  await engine.beat(beat);
  return json({
    ok: true,
    worker_id: worker,
    server_time: new Date(engine.clock.now()).toISOString(),
    heartbeat_interval: intervalSeconds,
    heartbeat_timeout: Math.round(engine.deadAfterMs / 1_000),
    visibility_timeout_default: Math.round(engine.visibilityMs / 1_000),
  });
}

/** POST /workers/deregister, or DELETE with the id in the path: jobs that it still holds stay its own until their leases end. */
export async function deregister(engine: Engine, { body, params }: BindingRequest): Promise<Reply> {
  const worker = params.id ?? readId(body);
  const known = await engine.forgetWorker(worker);
  if (!known) throw new OjsFault('not_found', 'There is no worker with this id on record.', { worker_id: worker });
  return json({ ok: true, worker_id: worker, deregistered: true });
}

/** GET /workers/:id/health: its state as it last reported it, more severe where it was ordered to be. */
export async function workerHealth(engine: Engine, { params }: BindingRequest): Promise<Reply> {
  const id = params.id ?? '';
  const worker = (await engine.storage.registry.workers()).find((one) => one.worker === id);
  if (worker === undefined) throw new OjsFault('not_found', 'There is no worker with this id on record.', { worker_id: id });
  const alive = engine.clock.now() - worker.seenAt < engine.deadAfterMs;
  return json(
    {
      worker_id: id,
      status: alive ? 'ok' : 'unhealthy',
      state: shownState(worker),
      last_heartbeat_at: new Date(worker.seenAt).toISOString(),
    },
    alive ? 200 : 503,
  );
}

/** The word that the worker used itself, such as `draining`, where it means its state. */
function shownState({ state, info }: WorkerRecord): string {
  const told: unknown = JSON.parse(info);
  const word = typeof told === 'object' && told !== null && 'reported_state' in told ? told.reported_state : null;
  return typeof word === 'string' ? word : state;
}

function readId(body: string | undefined): string {
  const fields = new Fields(Fields.parse(body));
  const id = fields.requiredString('worker_id');
  fields.done();
  return id;
}
