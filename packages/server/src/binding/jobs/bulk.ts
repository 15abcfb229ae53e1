import {
  type Answered,
  type BulkDone,
  type BulkResult,
  readTargets,
  State,
  type StateMask,
  type Targets,
  Terminal,
} from '@ojs-ts/core';
import type { Engine } from '../../engine/engine.ts';
import type { BulkOperation } from '../../engine/jobs/bulk-replies.ts';
import type { Handler, Handlers } from '../handler.ts';
import { isBroken } from '../reply.ts';
import { bulkEnqueue } from './bulk-enqueue.ts';
import { repeatable } from './repeatable.ts';

export const bulkHandlers: Handlers<'bulk.enqueue' | 'bulk.cancel' | 'bulk.retry' | 'bulk.delete'> = {
  'bulk.enqueue': bulkEnqueue,
  'bulk.cancel': changeMany('cancel', 'cancelled', State.available | State.scheduled, (engine, targets, key) =>
    engine.bulk.cancel(targets, key),
  ),
  'bulk.retry': changeMany('retry', 'retried', State.discarded | State.retryable, (engine, targets, key) =>
    engine.bulk.retry(targets, key),
  ),
  'bulk.delete': changeMany('delete', 'deleted', Terminal, (engine, targets) =>
    engine.bulk.remove(targets, { from: Terminal }),
  ),
};

/**
 * POST /jobs/bulk/cancel, retry and delete (ojs-bulk-operations §6–8): the jobs of `job_ids`, or those that match a
 * `filter`. `states` applies if the filter has none.
 */
function changeMany(
  operation: Exclude<BulkOperation, 'enqueue'>,
  done: BulkDone,
  states: StateMask,
  change: (engine: Engine, targets: Targets, key: string | null) => Answered<BulkResult>,
): Handler {
  return (engine, request, _, failed) =>
    repeatable(engine, request, operation, failed, (fields) => {
      const targets = readTargets(fields, states);
      return async (repetition) => {
        await request.access?.targets(targets);
        const result = await change(engine, targets, repetition?.key ?? null);
        return {
          reply: await engine.bulk.finish(done, result, request.requestId),
          final: !result.items.some(({ fault }) => isBroken(fault)),
        };
      };
    });
}
