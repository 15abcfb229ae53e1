import { grants } from '@ojs-ts/core/access';
import { mayHaveSteps } from '@ojs-ts/core/durable';
import { fetchedSteps, listSteps, type Refuse, recordAll } from '@ojs-ts/core/handlers';
import type { JobId, JobRecord, Json } from '@ojs-ts/core/job';
import { run } from '@ojs-ts/core/lifecycle';
import { Fields } from '@ojs-ts/core/requests';
import type { Parts } from '../../engine/engine.ts';
import type { BindingRequest, Handlers } from '../handler.ts';
import { faultOf, type Reply, refusal } from '../reply.ts';
import { readSecret } from './records.ts';

type Engine = Parts<'leases' | 'steps'>;

export const stepHandlers: Handlers<'job.steps' | 'worker.steps'> = {
  'job.steps': async ({ steps }, request) => {
    const shows = request.grant === undefined || grants(request.grant, 'payload');
    return run(listSteps({ steps }, request, shows));
  },
  'worker.steps': (engine, request, _about, failed) => record(engine, request, failed),
};

async function record(engine: Engine, request: BindingRequest, failed: (error: unknown) => void): Promise<Reply> {
  const fields = new Fields(Fields.parse(request.body, request.value));
  const worker = fields.requiredPathName('worker_id');
  const secretDigest = readSecret(fields, worker, request);
  fields.done();
  await request.access?.worksAs(worker, secretDigest);
  return run(recordAll(engine, request, refusalOf(request, failed)));
}

/** The refusal of an item of a call; an error that is not the caller's is noted. */
export function refusalOf(request: BindingRequest, failed: (error: unknown) => void): Refuse {
  return (error) => {
    const fault = faultOf(error);
    if (fault.kind.status >= 500) failed(error);
    const { status, text } = refusal(fault, request);
    return { status, text };
  };
}

const none: ReadonlyMap<JobId, Json> = new Map();

/**
 * `x_steps` of claimed jobs, by id; plain jobs cost no read.
 * @param lost gives the claims back if the rows cannot be read.
 */
export async function stepsOf(
  { steps }: Pick<Engine, 'steps'>,
  jobs: readonly JobRecord[],
  lost: () => Promise<void>,
): Promise<ReadonlyMap<JobId, Json>> {
  if (!jobs.some(mayHaveSteps)) return none;
  try {
    return await run(fetchedSteps(steps, jobs));
  } catch (error) {
    await lost();
    throw error;
  }
}
