import type { BulkResult, Targets } from '@ojs-ts/core/bulk';
import { State, type StateMask, Terminal } from '@ojs-ts/core/job';
import type { Answered } from '@ojs-ts/core/lifecycle';
import { type BulkDone, readTargets, renderAdminBulk, renderBulk } from '@ojs-ts/core/requests';
import type { Parts } from '../../engine/engine.ts';
import type { BulkOperation } from '../../engine/jobs/bulk-replies.ts';
import type { Handler, Handlers } from '../handler.ts';
import { isBroken } from '../reply.ts';
import { bulkEnqueue } from './bulk-enqueue.ts';
import { repeatable } from './repeatable.ts';

type Engine = Parts<'bulk' | 'bulkReplies' | 'clock'>;

/** A change of many jobs. */
interface Change {
  readonly operation: Exclude<BulkOperation, 'enqueue'>;
  readonly done: BulkDone;
  /** The states that it applies to where the filter has none. */
  readonly states: StateMask;
  readonly apply: (engine: Engine, targets: Targets, key: string | null) => Answered<BulkResult>;
}

const cancel: Change = {
  operation: 'cancel',
  done: 'cancelled',
  states: State.available | State.scheduled,
  apply: (engine, targets, key) => engine.bulk.cancel(targets, key),
};
const retry: Change = {
  operation: 'retry',
  done: 'retried',
  states: State.discarded | State.retryable,
  apply: (engine, targets, key) => engine.bulk.retry(targets, key),
};
const remove: Change = {
  operation: 'delete',
  done: 'deleted',
  states: Terminal,
  apply: (engine, targets) => engine.bulk.remove(targets, { from: Terminal }),
};

export const bulkHandlers: Handlers<
  | 'bulk.enqueue'
  | 'bulk.cancel'
  | 'bulk.retry'
  | 'bulk.delete'
  | 'admin.cancelJobs'
  | 'admin.retryJobs'
  | 'admin.deleteJobs'
> = {
  'bulk.enqueue': bulkEnqueue,
  'bulk.cancel': changeMany(cancel, 'bulk'),
  'bulk.retry': changeMany(retry, 'bulk'),
  'bulk.delete': changeMany(remove, 'bulk'),
  'admin.cancelJobs': changeMany(cancel, 'admin'),
  'admin.retryJobs': changeMany(retry, 'admin'),
  'admin.deleteJobs': changeMany(remove, 'admin'),
};

/**
 * POST /jobs/bulk/cancel, retry and delete (ojs-bulk-operations §6–8): the jobs of `job_ids`, or those that match a
 * `filter`. Under /admin the request must have `confirm: true`, and the answer has no items (ojs-admin-api §8).
 */
function changeMany({ operation, done, states, apply }: Change, dialect: 'bulk' | 'admin'): Handler {
  const render = dialect === 'admin' ? renderAdminBulk : renderBulk;
  return (engine, request, _, failed) =>
    repeatable(engine, request, operation, failed, () => {
      const targets = readTargets(request, states, engine.clock.now(), dialect === 'admin');
      return async (repetition) => {
        await request.access?.targets(targets);
        const result = await apply(engine, targets, repetition?.key ?? null);
        return {
          reply: await engine.bulk.finish(done, result, request, render),
          final: !result.items.some(({ fault }) => isBroken(fault)),
        };
      };
    });
}
