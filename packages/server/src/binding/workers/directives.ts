import { ProtocolError } from '@ojs-ts/core';
import { wrongValue } from '@ojs-ts/core/requests';
import { type BodyOf, readBody } from '@ojs-ts/core/schemas';
import type { Parts } from '../../engine/engine.ts';
import type { Directive } from '../../storage/storage.ts';
import type { BindingRequest, Handler } from '../handler.ts';
import { faultOf, json, type Reply } from '../reply.ts';
import { knownWorker } from './records.ts';

type Engine = Parts<'clock' | 'leases' | 'protocol' | 'secrets' | 'settings' | 'upkeep' | 'workers'>;

/** The directives of ojs-worker-protocol §2, and the words of the routes. */
const words: Readonly<Record<BodyOf<'worker.direct'>['directive'], Directive>> = {
  running: 'running',
  resume: 'running',
  quiet: 'quiet',
  terminate: 'terminate',
  stop: 'terminate',
};

/** POST /admin/workers/:id/quiet (ojs-admin-api §9.3), resume and stop. */
export function directWorker(directive: Directive): Handler {
  return async (engine, { params }) => {
    const id = params.id ?? '';
    await direct(engine, id, directive);
    return json({ ok: true, id, worker_id: id, directive });
  };
}

/** POST /admin/workers/directive: `{directive, worker_id}`, or `worker_ids` for several. */
export async function directWorkers(engine: Engine, request: BindingRequest): Promise<Reply> {
  const body = readBody('worker.direct', request, 0);
  const { worker_id: id, worker_ids: ids } = body;
  if ((id === undefined) === (ids === undefined))
    throw wrongValue('$.worker_ids', 'or worker_id is required, and only one of them');
  const directive = words[body.directive];
  const faults: { readonly worker: string; readonly fault: ProtocolError }[] = [];
  const wanted = [...new Set(ids ?? [id ?? ''])];
  for (const worker of wanted)
    await direct(engine, worker, directive).catch((error: unknown) => faults.push({ worker, fault: faultOf(error) }));
  const [first] = faults;
  if (first !== undefined && faults.length === wanted.length) throw first.fault;
  return json({
    directive,
    matched: wanted.length,
    succeeded: wanted.length - faults.length,
    failed: faults.length,
    errors: faults.map(({ worker, fault }) => ({ worker_id: worker, error: fault.message, code: fault.code })),
  });
}

/** The worker gets the directive with its next heartbeat. */
async function direct(engine: Engine, id: string, directive: Directive): Promise<void> {
  if (await engine.protocol.direct(id, directive)) return;
  await knownWorker(engine, id);
  throw new ProtocolError(
    'conflict',
    `The worker ${id} sends no heartbeats, so it cannot be told anything.`,
    { worker_id: id, reason: 'no_heartbeats' },
    'Stop the process of the worker, or pause the queues that it fetches from.',
  );
}
