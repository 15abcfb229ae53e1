import { bulkActions } from '../bulk/operation.ts';
import { expectedQueueName, isJobType, isQueueName } from '../names.ts';
import type { bulkOperations } from '../operations/bulk.ts';
import {
  changes,
  checked,
  confirmMember,
  ids,
  jobs,
  kept,
  moment,
  numberFrom,
  olderThanMember,
  optional,
  retry,
  statesMembers,
  subjectMembers,
} from './members.ts';
import { confirm, flag, olderThan, order, page, queue, states, subject, whole, word } from './parameters.ts';
import type { Body, Requests } from './request.ts';
import { Type } from './type.ts';

export const filterMembers = () => ({
  ...subjectMembers(),
  ...statesMembers(),
  enqueued_after: moment('Enqueued at this time or later.'),
  enqueued_before: moment('Enqueued before this time.'),
  priority: Type.Integer({ minimum: -100, maximum: 100 }),
  meta: Type.Record(Type.Unknown()),
});
/** The filter of a bulk operation. */
export const operationFilter = () => Type.Object(optional({ ...filterMembers(), older_than: olderThanMember() }));
const idempotencyKey = () => Type.String({ maxLength: 256, description: 'As the header `Idempotency-Key`.' });

/** A change of jobs that are named by ids or a filter. */
const targets = {
  unknown: 'refuse',
  schema: () =>
    Type.Object(
      optional({
        job_ids: ids(),
        ids: ids(),
        atomicity: Type.Enum(['partial', 'atomic']),
        idempotency_key: idempotencyKey(),
        confirm: confirmMember(),
        filter: Type.Object(optional(filterMembers())),
      }),
    ),
} as const satisfies Body;

export const letterMembers = () => ({ ...subjectMembers(), older_than: olderThanMember() });
/** Dead letters, by ids or a filter. */
const letters = () =>
  Type.Object(
    optional({
      ...letterMembers(),
      ids: ids(),
      job_ids: ids(),
      confirm: confirmMember(),
      filter: Type.Object(optional(letterMembers())),
    }),
  );
const letterList = {
  ...page,
  ...subject,
  ...order,
  older_than: olderThan,
  include: word('All discarded jobs, not only dead letters.', 'discarded'),
};

export const bulkRequests = {
  'bulk.enqueue': {
    summary: 'Enqueue many jobs, separately or all or none',
    body: {
      unknown: 'warn',
      schema: () =>
        Type.Object({
          jobs: jobs(),
          ...optional({
            atomicity: Type.Enum(['partial', 'atomic']),
            return: Type.String({ description: '`job` or `minimal`: what an item of the answer has of its job.' }),
            x_merged: Type.Boolean({ description: 'Whether a client has merged single calls.' }),
            idempotency_key: idempotencyKey(),
          }),
        }),
    },
  },
  'bulk.cancel': { summary: 'Cancel jobs by ids or filter', audit: 'job.bulk_cancelled', body: targets },
  'bulk.retry': { summary: 'Retry finished jobs by ids or filter', audit: 'job.bulk_retried', body: targets },
  'bulk.delete': { summary: 'Delete finished jobs by ids or filter', audit: 'job.bulk_deleted', body: targets },
  'bulk.start': {
    summary: 'Start a bulk operation, or count its jobs with `dry_run`',
    audit: 'bulk_operation.started',
    body: {
      unknown: 'refuse',
      schema: () =>
        Type.Object({
          action: Type.Enum([...bulkActions]),
          ...optional({
            query: Type.String({ maxLength: 2_000, description: 'A filter in the query language.' }),
            rate: numberFrom(0.001, 100_000, ' of jobs a second', 'Jobs per second at most.'),
            dry_run: Type.Boolean({ description: 'Whether to count only.' }),
            confirm: confirmMember(),
            filter: operationFilter(),
            changes: Type.Object(optional({ queue: kept(Type.String()), ...changes() })),
          }),
        }),
    },
  },
  'bulk.list': { summary: 'Bulk operations, newest first', query: page },
  'bulk.get': { summary: 'One bulk operation: its progress and the time left' },
  'bulk.stop': { summary: 'Stop a bulk operation after the step that runs', audit: 'bulk_operation.stopped' },
  'bulk.resume': { summary: 'Continue a bulk operation', audit: 'bulk_operation.resumed' },
  'bulk.undo': { summary: 'Start the operation that reverses a bulk operation', audit: 'bulk_operation.undone' },
  'deadLetter.list': { summary: 'Dead letters, in pages', query: letterList, tolerated: ['state'] },
  'deadLetter.stats': { summary: 'Counts of the dead letter' },
  'deadLetter.get': { summary: 'One dead letter' },
  'deadLetter.retryMany': {
    summary: 'Retry many dead letters',
    audit: 'dead_letter.bulk_retried',
    body: { unknown: 'refuse', schema: letters },
  },
  'deadLetter.purge': {
    summary: 'Delete many dead letters',
    audit: 'dead_letter.purged',
    query: { ...subject, older_than: olderThan, confirm },
    body: { unknown: 'refuse', optional: true, schema: letters },
  },
  'deadLetter.retry': {
    summary: 'Retry one dead letter',
    audit: 'dead_letter.retried',
    body: {
      // Clients send their own body with every action.
      unknown: 'warn',
      optional: true,
      schema: () => {
        const override = Type.Object(
          optional({
            args: Type.Array(Type.Unknown()),
            meta: Type.Record(Type.Unknown()),
            queue: checked(isQueueName, expectedQueueName, {}),
            retry: kept(retry()),
          }),
        );
        return Type.Object(optional({ override }));
      },
    },
  },
  'deadLetter.delete': { summary: 'Delete one dead letter', audit: 'dead_letter.deleted' },
  'admin.cancelJobs': { summary: 'Cancel jobs by ids or filter', audit: 'job.bulk_cancelled', body: targets },
  'admin.retryJobs': { summary: 'Retry jobs by ids or filter', audit: 'job.bulk_retried', body: targets },
  'admin.deleteJobs': { summary: 'Delete ended jobs by ids or filter', audit: 'job.bulk_deleted', body: targets },
  'admin.deadLetters': {
    summary: 'Dead letters, in the form of the admin API',
    query: letterList,
    tolerated: ['state'],
  },
  'admin.errors': {
    summary: 'The most frequent errors',
    query: {
      ...states,
      dead_letter: flag('Only dead letters.'),
      queue,
      type: checked(isJobType, 'the whole name of a job type', { description: 'Only jobs of this type.' }),
      limit: whole('Errors at most, 20 by default.'),
    },
  },
} as const satisfies Requests<keyof typeof bulkOperations>;
