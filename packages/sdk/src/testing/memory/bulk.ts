import { uuidv7 } from '@ojs-ts/core';
import type { BulkResult, Targets } from '@ojs-ts/core/bulk';
import { State, type StateMask, Terminal } from '@ojs-ts/core/job';
import { type Answered, atOnce, push, run } from '@ojs-ts/core/lifecycle';
import {
  type BulkDone,
  enqueueMany,
  Fields,
  type PlainReply,
  readBulkRequest,
  readTargets,
  renderBulkEnqueued,
  requireBody,
} from '@ojs-ts/core/requests';
import type { Answers, Request } from './reply.ts';
import type { Table } from './table.ts';

/** Operations on many jobs (ojs-bulk-operations §5–8). */
export function bulkAnswers(table: Table): Answers {
  const { bulk } = table;
  const change =
    (done: BulkDone, states: StateMask, work: (targets: Targets, key: string | null) => Answered<BulkResult>) =>
    ({ body, key, requestId }: Request): Answered<PlainReply> => {
      const targets = readTargets(new Fields(Fields.parse(body)), states);
      return bulk.finish(done, atOnce(work(targets, key)), requestId);
    };
  return {
    'bulk.enqueue': (request) => enqueue(table, request),
    'bulk.cancel': change('cancelled', State.available | State.scheduled, (targets, key) => bulk.cancel(targets, key)),
    'bulk.retry': change('retried', State.discarded | State.retryable, (targets, key) => bulk.retry(targets, key)),
    'bulk.delete': change('deleted', Terminal, (targets) => bulk.remove(targets, { from: Terminal })),
  };
}

function enqueue(table: Table, { body, key, requestId }: Request): PlainReply {
  const text = requireBody(body);
  const request = readBulkRequest(new Fields(Fields.parse(text)), text);
  const enqueued = enqueueMany(request, {
    now: table.now,
    newId: () => uuidv7(table.clock),
    keyed: key !== null,
    check: () => [],
    push: (items) => run(push(table, items)),
    pushEach: (items) =>
      items.map((item) => ({ status: 'fulfilled' as const, value: atOnce(run(push(table, [item]))) })),
    // Nothing but a defect fails here.
    faultOf: (error) => {
      throw error;
    },
  });
  const { reply, data } = renderBulkEnqueued(atOnce(enqueued), request, requestId, table.now);
  if (!request.merged) atOnce(table.bulk.writeEvent('bulk.enqueue.completed', requestId, data));
  return reply;
}
