import type { Names } from '@ojs-ts/core';
import type { Client } from '../client/client.ts';
import type { Operation } from '../connection/operation.ts';
import { type CallOptions, callNames } from '../job/options.ts';
import * as crons from '../operations/cron.ts';
import * as deadLetter from '../operations/jobs/dead-letter.ts';
import * as jobs from '../operations/jobs/jobs.ts';
import * as server from '../operations/manifest.ts';
import { type Page, type PageOf, type PageOptions, type PageQuery, pageNames } from '../operations/page.ts';
import * as queues from '../operations/queues.ts';
import * as schemas from '../operations/schemas.ts';
import * as workflows from '../workflow/calls.ts';
import type { WorkflowHandle } from '../workflow/handle.ts';
import type { Workflow } from '../workflow/workflow.ts';
import type { SyncCallOptions } from './connection.ts';
import type { SyncPage } from './page.ts';

/** The part of a list to return. */
export interface SyncPageOptions extends SyncCallOptions {
  /** Items in a page. Default: the server's. */
  limit?: number | undefined;
  /** Items to skip. Default: 0. */
  offset?: number | undefined;
}

/** Members of `Client` that a blocking client does not have, or has with types of its own. */
type Other =
  | 'middlewares'
  | 'enqueueMiddleware'
  | 'events'
  | 'enqueue'
  | 'enqueueBatch'
  | 'getJob'
  | 'workflow'
  | 'registerCronJob'
  | 'close'
  | typeof Symbol.asyncDispose;

/** Methods of `Client` whose blocking form differs by options and answer alone. */
export type BlockingName = Exclude<keyof Client, Other>;

/** The methods of `Client` with these names in their blocking form. Editors show the docstrings of `Client`. */
export type Blocking<Source, Name extends keyof Source> = { readonly [K in Name]: BlockingMethod<Source[K]> };

type BlockingMethod<Method> = Method extends (...args: infer Args) => Promise<infer Answer>
  ? (...args: BlockingArgs<Args>) => BlockingAnswer<Answer>
  : never;

type BlockingArgs<Args> = { [At in keyof Args]: BlockingOptions<Args[At]> };

/** The type of a parameter: options lose their `signal`, because nothing could abort a thread that waits. */
type BlockingOptions<Value> = Value extends CallOptions
  ? string extends keyof Value
    ? Value
    : keyof Value extends keyof CallOptions
      ? SyncCallOptions
      : keyof Value extends keyof PageOptions
        ? SyncPageOptions
        : Omit<Value, 'signal'>
  : Value;

type BlockingAnswer<Answer> = [Answer] extends [Page<infer T>]
  ? SyncPage<T>
  : [Answer] extends [WorkflowHandle<unknown>]
    ? Workflow
    : Answer;

/** The operation behind a method: how many arguments come before the options, and which names these may have. */
type Entry<Args, Answer> =
  Required<Args> extends readonly [...infer Given, infer Options]
    ? readonly [
        given: Given['length'],
        operation: (...args: readonly [...Given, Options]) => Made<Answer>,
        names?: Names,
      ]
    : never;

type Made<Answer> = [Answer] extends [Page<infer T>]
  ? (query: PageQuery) => Operation<PageOf<T>>
  : Operation<BlockingAnswer<Answer>>;

type Calls = {
  readonly [K in BlockingName]: Entry<Parameters<Client[K]>, Awaited<ReturnType<Client[K]>>>;
};

/** The operations of the methods that {@link BlockingName} has. The compiler refuses a table that lacks one. */
export const calls: Calls = {
  getProgress: [1, jobs.getProgress],
  activateJob: [1, jobs.activateJob],
  cancelJob: [1, jobs.cancelJob],
  listQueues: [0, queues.listQueues],
  queueStats: [1, queues.queueStats],
  pauseQueue: [1, (name) => queues.changeQueue('queue.pause', name)],
  resumeQueue: [1, (name) => queues.changeQueue('queue.resume', name)],
  listCronJobs: [0, () => crons.listCronJobs, pageNames],
  getCronJob: [1, crons.getCronJob],
  updateCronJob: [2, crons.updateCronJob],
  pauseCronJob: [1, (name) => crons.switchCronJob('cron.pause', name)],
  resumeCronJob: [1, (name) => crons.switchCronJob('cron.resume', name)],
  triggerCronJob: [1, crons.triggerCronJob],
  cronRuns: [1, (name, { count = 10 }) => crons.cronRuns(name, count), { ...callNames, count: true }],
  unregisterCronJob: [1, crons.unregisterCronJob],
  listDeadLetterJobs: [
    0,
    (options) => {
      const filter = deadLetter.deadLetterQuery(options);
      return (query) => deadLetter.listDeadLetterJobs(filter, query);
    },
    deadLetter.deadLetterListNames,
  ],
  retryDeadLetterJob: [
    1,
    (id, { changes }) => deadLetter.retryDeadLetterJob(id, changes),
    { ...callNames, changes: true },
  ],
  deleteDeadLetterJob: [1, deadLetter.deleteDeadLetterJob],
  registerSchema: [4, schemas.registerSchema],
  listSchemas: [0, () => schemas.listSchemas, pageNames],
  getSchema: [1, schemas.getSchema],
  listSchemaVersions: [1, schemas.listSchemaVersions],
  getSchemaVersion: [2, schemas.getSchemaVersion],
  deleteSchemaVersion: [2, schemas.deleteSchemaVersion],
  deleteSchema: [1, schemas.deleteSchema],
  getWorkflow: [1, workflows.getWorkflow],
  listWorkflows: [
    0,
    ({ state }) =>
      (query) =>
        workflows.listWorkflows(state, query),
    { ...pageNames, state: true },
  ],
  workflowProgress: [1, workflows.workflowProgress],
  cancelWorkflow: [1, workflows.cancelWorkflow],
  retryWorkflow: [1, workflows.retryWorkflow],
  rerunWorkflow: [1, workflows.rerunWorkflow],
  manifest: [0, server.manifest],
  health: [0, server.health],
};
