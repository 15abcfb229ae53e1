import type { jobOperations } from '../operations/jobs.ts';
import { changes, job, jobs, optional, progressMembers, reportMembers, stateWords } from './members.ts';
import {
  afterPage,
  cursor,
  flag,
  limit,
  order,
  page,
  query,
  states,
  subject,
  text,
  whole,
  word,
} from './parameters.ts';
import type { Requests } from './request.ts';
import { stepNames } from './steps.ts';
import { Type } from './type.ts';

const list = { ...page, ...subject, ...order, ...states, q: query };
const returned = () => Type.String({ description: '`minimal` shortens the answer.' });

export const jobRequests = {
  'job.enqueue': { summary: 'Enqueue one job', body: { schema: job } },
  'job.enqueueBatch': {
    summary: 'Enqueue up to 10,000 jobs, all or none',
    body: { unknown: 'warn', schema: () => Type.Object({ jobs: jobs(), ...optional({ return: returned() }) }) },
  },
  'job.list': { summary: 'Jobs in pages, by filters or a query', query: list },
  'job.get': { summary: 'One job' },
  'job.cancel': {
    summary: 'Cancel a job',
    audit: 'job.cancelled',
    query: { undo: flag('`false` leaves its durable steps as they are. Default: they are undone.') },
  },
  'job.retry': { summary: 'Restart a discarded job, or end the pause of a retryable one', audit: 'job.retried' },
  'job.discard': { summary: 'Discard a job for good', audit: 'job.discarded' },
  'job.rerun': {
    summary: 'Run an ended job again as a new job',
    audit: 'job.rerun',
    body: {
      unknown: 'refuse',
      optional: true,
      schema: () =>
        Type.Object(
          optional({
            id: Type.String({ description: 'Id of the new job.' }),
            queue: Type.String({ description: 'Another queue.' }),
            from_step: Type.String({
              minLength: 1,
              description: 'The new job keeps the durable steps recorded before this one. Excludes every change.',
            }),
            forget: Type.Boolean({ description: 'Steps behind `from_step` that were not undone stay so.' }),
            ...changes(),
          }),
        ),
    },
  },
  'job.undo': { summary: 'Undo the durable steps of an ended job, in a job of its own', audit: 'job.undone' },
  'job.edit': {
    summary: 'Change a job that waits',
    audit: 'job.edited',
    body: {
      unknown: 'refuse',
      schema: () =>
        Type.Object(
          optional({
            queue: Type.Unknown({ description: 'Refused with 422: a waiting job keeps its queue.' }),
            ...changes(),
            if_match: Type.Object(
              optional({
                state: Type.Enum(stateWords),
                attempt: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
                priority: Type.Integer({ minimum: -100, maximum: 100 }),
              }),
              { description: 'What the caller saw: 409 if the job differs.' },
            ),
          }),
        ),
    },
  },
  'job.explain': {
    summary: 'Why a job does not run, and what helps',
    query: { step: text('Id of a step, if the path names a workflow.') },
  },
  'job.history': { summary: 'What happened to a job, oldest first', query: { limit, cursor } },
  'job.steps': {
    summary: 'The durable steps of a job, in the order of their numbers',
    query: {
      names: stepNames,
      after: afterPage(),
      values: word('Which values to show: `small` are those up to 1 KiB, the default.', 'none', 'small', 'all'),
      limit: whole('The most steps of one page, at most 500.'),
    },
  },
  'job.purgeHistory': { summary: 'Delete the history of an ended job, with its errors', audit: 'job.history_purged' },
  'job.activate': { summary: 'Start a job that was enqueued as pending' },
  'job.progress': { summary: 'Progress of a job' },
  'job.reportProgress': { summary: 'Report progress of a job', body: { schema: () => Type.Object(progressMembers()) } },
  'job.result': {
    summary: 'The result of a job',
    query: {
      wait: flag('Whether to wait for the end of the job.'),
      timeout: text('How long to wait, in seconds.'),
    },
  },
  'job.results': {
    summary: 'Results of several jobs',
    body: {
      unknown: 'warn',
      schema: () =>
        Type.Object(
          optional({
            ids: Type.Array(Type.String(), { description: 'Ids of jobs.' }),
            job_ids: Type.Array(Type.String(), { description: 'Another name of `ids`.' }),
            wait_ms: Type.Integer({ minimum: 0, description: 'How long to wait for an end.' }),
          }),
        ),
    },
  },
  'job.checkpoint': { summary: 'The checkpoint of a job' },
  'job.saveCheckpoint': {
    summary: 'Save a checkpoint',
    body: {
      unknown: 'warn',
      schema: () =>
        Type.Object({
          state: Type.Unknown({ description: 'Any JSON, null as well.' }),
          ...optional({
            x_save: Type.Integer({ minimum: 1, description: 'Counts the checkpoints of one execution.' }),
            ...reportMembers(),
            job_id: Type.String(),
          }),
        }),
    },
  },
  'job.deleteCheckpoint': {
    summary: 'Delete the checkpoint of a job',
    query: {
      worker_id: text('Name of the worker that runs the job.'),
      x_lease: text('The lease of the fetched job.'),
    },
    body: { optional: true, schema: () => Type.Object(optional(reportMembers())) },
  },
  'admin.jobs': { summary: 'Jobs in pages, in the form of the admin API', query: list },
  'admin.jobGroups': {
    summary: 'How many jobs have each value of a field',
    query: {
      ...subject,
      ...states,
      q: query,
      by: Type.String({ maxLength: 2_000, description: 'The field, such as `meta.tenant`.' }),
      limit,
      cursor,
    },
  },
  'admin.job': { summary: 'One job, in the form of the admin API' },
} as const satisfies Requests<keyof typeof jobOperations>;
