import { latestOf } from '@ojs-ts/core';
import { warningsOf } from '@ojs-ts/core/handlers';
import { maxWarnings, type ReadEnvelope } from '@ojs-ts/core/job';
import {
  type Asked,
  type BulkEnqueued,
  type BulkRequest,
  enqueueMany,
  readBulkRequest,
  renderBulkEnqueued,
  type Warnings,
} from '@ojs-ts/core/requests';
import type { Parts } from '../../engine/engine.ts';
import { checkEnvelopes } from '../../engine/schemas/check.ts';
import type { BindingRequest, Handler } from '../handler.ts';
import { Ids } from '../ids.ts';
import { pressureHeaders } from '../queues/queues.ts';
import { faultOf, isBroken } from '../reply.ts';
import { type Answered, repeatable } from './repeatable.ts';

type Engine = Parts<
  | 'bulk'
  | 'bulkReplies'
  | 'clock'
  | 'jobs'
  | 'queueSettings'
  | 'queues'
  | 'schemas'
  | 'settings'
  | 'statistics'
  | 'storage'
>;

/** POST /jobs/bulk (ojs-bulk-operations §5). */
export const bulkEnqueue: Handler = (engine, request, _, failed) =>
  repeatable(engine, request, 'enqueue', failed, (fields, text) => {
    const bulk = readBulkRequest(fields, text);
    return async (repetition) => {
      const ids = new Ids(engine, repetition?.nonce ?? null);
      const hasSchemas = await engine.schemas.any();
      const items = await enqueueMany(bulk, {
        now: engine.clock.now(),
        latest: latestOf(engine.clock),
        newId: () => ids.next(),
        keyed: repetition !== null,
        check: checkOf(engine, request, hasSchemas),
        push: (read) => engine.jobs.push(read),
        pushEach: (read) => engine.jobs.pushEach(read),
        faultOf,
      });
      return answer(engine, items, bulk, request);
    };
  });

function checkOf(
  engine: Engine,
  { strict, access }: BindingRequest,
  hasSchemas: boolean,
): (read: ReadEnvelope) => Warnings | Promise<Warnings> {
  let left = maxWarnings;
  return (read) => {
    access?.sent([read]);
    const unknown = warningsOf(read.unknown.slice(0, left), strict);
    left -= unknown.length;
    return hasSchemas ? checkEnvelopes(engine.schemas, [read]).then((found) => [...unknown, ...found]) : unknown;
  };
}

async function answer(
  engine: Engine,
  items: readonly BulkEnqueued[],
  bulk: BulkRequest,
  asked: Asked,
): Promise<Answered> {
  const faults = items.flatMap(({ fault }) => fault ?? []);
  const [first] = faults;
  // Other errors are refusals of an item.
  if (first !== undefined && faults.length === items.length && faults.every(isBroken)) throw first;
  const { reply, data } = renderBulkEnqueued(
    items,
    bulk,
    asked,
    engine.clock.now(),
    engine.storage.traits.mergedAtOnce,
  );
  if (!bulk.merged) await engine.bulk.writeEvent('bulk.enqueue.completed', asked.requestId, data);
  const created = items.flatMap(({ status, job }) => (status === 'created' && job !== null ? [job] : []));
  const pressure = await engine.queueSettings.pressure(created);
  const headers = { ...reply.headers, ...(pressure !== null && pressureHeaders(pressure)) };
  return { reply: { ...reply, headers }, final: !faults.some(isBroken) };
}
