import { uuidv7 } from '@ojs-ts/core';
import type { Bulk, BulkResult, Targets } from '@ojs-ts/core/bulk';
import type { Handler, Request } from '@ojs-ts/core/handlers';
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
import type { Answers, Host } from './host.ts';

const change =
  (
    done: BulkDone,
    states: StateMask,
    work: (bulk: Bulk, targets: Targets, key: string | null) => Answered<BulkResult>,
  ): Handler<Host> =>
  ({ bulk, storage }, request) => {
    const targets = readTargets(request, states, storage.now);
    return bulk.finish(done, atOnce(work(bulk, targets, request.key)), request);
  };

/** Operations on many jobs (ojs-bulk-operations §5–8). */
export const bulkAnswers: Answers = {
  'bulk.enqueue': enqueue,
  'bulk.cancel': change('cancelled', State.available | State.scheduled, (bulk, ...args) => bulk.cancel(...args)),
  'bulk.retry': change('retried', State.discarded | State.retryable, (bulk, ...args) => bulk.retry(...args)),
  'bulk.delete': change('deleted', Terminal, (bulk, targets) => bulk.remove(targets, { from: Terminal })),
};

function enqueue({ storage, bulk, clock }: Host, call: Request): PlainReply {
  const { body, key, requestId } = call;
  const text = requireBody(body);
  const request = readBulkRequest(new Fields(Fields.parse(text)), text);
  const enqueued = enqueueMany(request, {
    now: storage.now,
    newId: () => uuidv7(clock),
    keyed: key !== null,
    check: () => [],
    push: (items) => run(push(storage, items)),
    pushEach: (items) =>
      items.map((item) => ({ status: 'fulfilled' as const, value: atOnce(run(push(storage, [item]))) })),
    // Nothing but a defect fails here.
    faultOf: (error) => {
      throw error;
    },
  });
  const { reply, data } = renderBulkEnqueued(atOnce(enqueued), request, call, storage.now);
  if (!request.merged) atOnce(bulk.writeEvent('bulk.enqueue.completed', requestId, data));
  return reply;
}
