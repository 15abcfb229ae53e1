import { type BulkDone, ProtocolError, renderBulk, State, Terminal } from '@ojs-ts/core';
import type { Engine } from '../../engine/engine.ts';
import type { BulkResult, Targets } from '../../engine/jobs/bulk.ts';
import type { BulkOperation } from '../../engine/jobs/bulk-replies.ts';
import type { JobFilter } from '../../engine/jobs/selection.ts';
import type { Fields } from '../fields.ts';
import { readIds, readSpan, readStates, readSubject } from '../filters.ts';
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
  states: JobFilter['states'],
  change: (engine: Engine, targets: Targets, key: string | null) => Promise<BulkResult>,
): Handler {
  return (engine, request, _, failed) =>
    repeatable(engine, request, operation, failed, (fields) => {
      const targets = readTargets(fields, states);
      return async (repetition) => {
        const result = await change(engine, targets, repetition?.key ?? null);
        const total = result.items.length;
        const succeeded = result.items.filter(({ fault }) => fault === null).length;
        const data = { total, [done]: succeeded, skipped: total - succeeded };
        await engine.bulk.writeEvent(`bulk.${operation}.completed`, request.requestId, JSON.stringify(data));
        return {
          reply: renderBulk(done, result, request.requestId),
          final: !result.items.some(({ fault }) => isBroken(fault)),
        };
      };
    });
}

function readTargets(fields: Fields, states: JobFilter['states']): Targets {
  if (fields.string('atomicity') === 'atomic') {
    const message = 'This operation changes jobs one by one, so it cannot be atomic; nothing was changed.';
    throw new ProtocolError('unsupported', message, { feature: 'atomicity' });
  }
  const ids = readIds(fields, 'job_ids', 'ids');
  const filter = fields.object('filter');
  if ((ids === null) === (filter === null)) fields.issue('job_ids', 'or filter is required, and only one of them');
  const read = filter === null ? null : readFilter(filter, states);
  fields.done();
  return read === null ? { ids: ids ?? [] } : { filter: read };
}

function readFilter(filter: Fields, fallback: JobFilter['states']): JobFilter {
  const enqueued = readSpan(filter, 'enqueued_after', 'enqueued_before');
  const created = readSpan(filter, 'since', 'until');
  const priority = filter.integer('priority', -100, 100);
  const meta = filter.object('meta');
  return {
    states: readStates(filter, fallback),
    ...readSubject(filter),
    ...(enqueued && { enqueued }),
    ...(created && { created }),
    ...(priority !== null && { priority }),
    ...(meta !== null && { meta: meta.body }),
  };
}
