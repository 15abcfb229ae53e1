import {
  type BulkDone,
  type Call,
  type EventKind,
  isIn,
  isObject,
  type JobId,
  type JobRecord,
  otherEventEntry,
  ProtocolError,
  renderBulk,
  State,
  type StateMask,
  stateName,
  Terminal,
  uuidv7,
  Waiting,
} from '@ojs-ts/core';
import { listOf, type Wire } from '../../json.ts';
import { deadLetterFilter, type Fits, jobFilter } from './filter.ts';
import { type Answers, keyOf } from './jobs.ts';
import { fieldsOf, type Reply } from './reply.ts';
import type { Table } from './table.ts';

/** Operations on many jobs, each by itself (ojs-bulk-operations §6–8, ojs-dead-letter §6.2). */
export function manyAnswers(table: Table): Answers {
  const remove = (job: JobRecord, isFree: boolean) => {
    if (!isFree)
      throw new ProtocolError('conflict', `The job is ${stateName(job.state)}, so it stays.`, {
        job_id: job.id,
        current_state: stateName(job.state),
      });
    table.remove(job.id);
  };
  return {
    'bulk.cancel': (call) =>
      bulk(table, call, 'cancelled', State.available | State.scheduled, ({ id }, byFilter) =>
        table.lifecycle.cancel(id, keyOf(call), byFilter ? Waiting : undefined),
      ),
    'bulk.retry': (call) =>
      bulk(table, call, 'retried', State.discarded | State.retryable, ({ id }) =>
        table.lifecycle.rerun(id, keyOf(call)),
      ),
    'bulk.delete': (call) => bulk(table, call, 'deleted', Terminal, (job) => remove(job, isIn(job.state, Terminal))),
    'deadLetter.retryMany': (call) => {
      const fields = fieldsOf(call);
      const ids = fields.ids ?? fields.job_ids;
      if (ids === undefined) requireConfirm(fields);
      return change(table, 'retried', targetsOf(table, ids, deadFits(table, fields)), ({ id }) =>
        table.lifecycle.retry(id, keyOf(call)),
      );
    },
    'deadLetter.purge': (call) => {
      const fields = fieldsOf(call);
      requireConfirm(fields);
      const reply = change(table, 'deleted', targetsOf(table, undefined, deadFits(table, fields)), (job) =>
        remove(job, job.deadLetter),
      );
      return { ...reply, text: `{"purged_count":${JSON.parse(reply.text).deleted},${reply.text.slice(1)}` };
    },
  };
}

function bulk(
  table: Table,
  call: Call,
  done: BulkDone,
  states: StateMask,
  work: (job: JobRecord, byFilter: boolean) => unknown,
): Reply {
  const { job_ids: ids, filter } = fieldsOf(call);
  if ((ids === undefined) === (filter === undefined))
    throw ProtocolError.invalid([{ path: '$.job_ids', message: 'or filter is required, and only one of them' }]);
  const targets = targetsOf(table, ids, jobFilter(isObject(filter) ? filter : {}, states));
  const reply = change(table, done, targets, (job) => work(job, ids === undefined));
  const { total_matched: total, succeeded, skipped } = JSON.parse(reply.text);
  const kind: EventKind =
    done === 'cancelled'
      ? 'bulk.cancel.completed'
      : done === 'retried'
        ? 'bulk.retry.completed'
        : 'bulk.delete.completed';
  table.log.add(
    otherEventEntry(kind, `req_${uuidv7()}`, JSON.stringify({ total, [done]: succeeded, skipped })),
    table.now,
  );
  return reply;
}

function deadFits(table: Table, fields: Wire): Fits {
  const nested = isObject(fields.filter) ? deadLetterFilter(fields.filter, table.now) : () => true;
  const own = deadLetterFilter(fields, table.now);
  return (job) => own(job) && nested(job);
}

/**
 * The named jobs, or those that fit in the order of the server's lists: what waits before what has ended, each newest
 * first.
 */
function targetsOf(table: Table, ids: unknown, fits: Fits): readonly JobId[] {
  if (ids !== undefined) return listOf(ids).map(String);
  const found = [...table.jobs.values()].reverse().filter(fits);
  return found
    .sort((a, b) => (b.finishedAt ?? Number.POSITIVE_INFINITY) - (a.finishedAt ?? Number.POSITIVE_INFINITY) || 0)
    .map(({ id }) => id);
}

function change(table: Table, done: BulkDone, ids: readonly JobId[], work: (job: JobRecord) => unknown): Reply {
  const items = ids.map((id) => ({ id, fault: attempt(() => work(table.known(id))) }));
  return renderBulk(done, { items, more: false }, `req_${uuidv7()}`);
}

function attempt(work: () => unknown): ProtocolError | null {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
}

function requireConfirm({ confirm }: Wire): void {
  if (confirm === true || confirm === 'true') return;
  throw ProtocolError.invalid([
    { path: '$.confirm', message: 'must be true: the operation changes every matching job' },
  ]);
}
