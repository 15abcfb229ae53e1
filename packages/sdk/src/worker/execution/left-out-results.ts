import { isObject } from '@ojs-ts/core';
import type { Connection } from '../../connection/connection.ts';
import { OJSError } from '../../errors.ts';
import type { LeasedJob } from '../leases/leased-job.ts';

/**
 * Reads the results that the envelope left out because they were too large together, and puts them where they belong in
 * its `parent_results`. It reads one after the other, because each may have a megabyte.
 * @throws {OJSError} where the server has a result no longer, so that its place is never taken for a job without one.
 */
export async function fillParentResults(leased: LeasedJob, connection: Connection): Promise<void> {
  const { wire, signal } = leased;
  if (!isObject(wire.x_parent_results_left_out)) return;
  for (const [pointer, id] of Object.entries(wire.x_parent_results_left_out)) {
    const path = pointer.split('/').slice(1);
    const last = path.pop() ?? '';
    const holder = path.reduce<unknown>(itemOf, wire.parent_results);
    if (!Array.isArray(holder) || typeof id !== 'string' || !(last in holder))
      throw new OJSError(
        `The server announced a parent result at ${pointer}, but parent_results has no such place. ` +
          'Check that the server and the SDK have the same version.',
        { jobId: leased.id },
      );
    holder[Number(last)] = await resultOf(id, pointer, leased, connection, signal);
  }
}

async function resultOf(
  id: string,
  pointer: string,
  { id: jobId }: LeasedJob,
  connection: Connection,
  signal: AbortSignal,
): Promise<unknown> {
  const lost = `The result at ${pointer} of parent_results was left out for its size, and job ${id} has it no longer`;
  try {
    const body = await connection.call({ operation: 'job.result', params: { id } }, { signal }, { jobId: id });
    if (isObject(body) && body.state === 'completed' && body.pruned !== true) return body.result ?? null;
  } catch (error) {
    throw new OJSError(`${lost}.`, { jobId, cause: error });
  }
  throw new OJSError(`${lost}: it was removed, or the job was run again.`, { jobId });
}

const fromKey = Symbol('from');

/**
 * Results whose first ones the server left out: a read of one of those throws, so that it is not taken for a step
 * without a result. `length`, later places and `slice` from them work as always.
 */
export function resultsFrom(results: readonly unknown[], from: number): readonly unknown[] {
  if (from === 0) return results;
  return new Proxy(results, {
    get(target, key, receiver) {
      if (key === fromKey) return from;
      if (typeof key === 'string' && /^\d+$/.test(key) && Number(key) < from)
        throw new OJSError(
          `parentResults[${key}]: a step gets the results of the nearest steps only, here from place ${from} on. ` +
            'Read an older one from its job: client.getWorkflow(ctx.workflowId) names the jobs.',
        );
      return Reflect.get(target, key, receiver);
    },
  });
}

/** The first place that {@link resultsFrom} lets read. */
export function firstPlace(results: readonly unknown[]): number {
  const from: unknown = Reflect.get(results, fromKey);
  return typeof from === 'number' ? from : 0;
}

function itemOf(value: unknown, place: string): unknown {
  return Array.isArray(value) ? value[Number(place)] : undefined;
}
