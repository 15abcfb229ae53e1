export type { Answer, Call, CallContext, Transport } from '@ojs-ts/core';
export { Admin, Admin as OjsAdmin } from './admin.ts';
export type { JobListOptions } from './admin-jobs.ts';
export type { BulkItem, BulkResult, DeadLetterTargets, JobTargets } from './bulk.ts';
export type { Checkpoint } from './checkpoint.ts';
export { Client, Client as OjsClient, type ClientOptions, type HandlesOf } from './client.ts';
export type { ConnectionOptions } from './connection.ts';
export type { JobContext } from './context.ts';
export type { CronJob, CronJobChanges, CronJobOptions, CronJobRequest, OverlapPolicy } from './cron.ts';
export type { DeadLetterListOptions, DeadLetterRetry, DeadLetterStats } from './dead-letter.ts';
export {
  type ArgsOf,
  defineJob,
  type InputOf,
  type JobDef,
  type JobTypes,
  type Jsonable,
  job,
  type ResultOf,
} from './definition.ts';
export type { Duration } from './duration.ts';
export {
  DiscardError,
  DuplicateJobError,
  type ErrorContext,
  isOjsError,
  JobFailedError,
  JobNotFoundError,
  JobTimeoutError,
  OJSAPIError,
  OJSAuthenticationError,
  OJSConnectionError,
  OJSError,
  type OJSErrorDetail,
  OJSTimeoutError,
  OJSValidationError,
  QueuePausedError,
  RateLimitedError,
  type RateLimitInfo,
  SnoozeError,
} from './errors.ts';
export { Event, Event as OJSEvent } from './events/event.ts';
export { EventType } from './events/types.ts';
export type { EventsOptions } from './events/wanted.ts';
export type { BulkFilter, DeadLetterFilter, SubjectFilter } from './filter.ts';
export type { EnqueueOutcome, JobHandle, WaitOptions } from './handle.ts';
export type { Job, JobErrorEntry, JobProgress, JobState, JsonArray, Meta } from './job.ts';
export type { JobLimit, LimitNumbers, Rate } from './limit.ts';
export type { Limit, LimitOverride, LimitOverrideRequest, RateUse } from './limits.ts';
export type { Logger } from './logger.ts';
export type { MiddlewareChain } from './middleware/chain.ts';
export type { EnqueueMiddleware, EnqueueNext, ExecutionMiddleware, ExecutionNext } from './middleware/types.ts';
export { type NextRunsOptions, nextRuns } from './next-runs.ts';
export type { CallOptions, EnqueueOptions, JobOptions, JobRequest, RetryPolicy, UniquePolicy } from './options.ts';
export type { Page, PageOptions } from './page.ts';
export type { Queue, QueueStats } from './queue.ts';
export type { QueueConfig, QueueConfigRequest, QueueDetail } from './queue-config.ts';
export type { Schema, SchemaInfo } from './schema.ts';
export type { StandardSchemaV1 } from './standard-schema.ts';
export type { UrlOption } from './target.ts';
export type { TlsOptions } from './transport/tls.ts';
export type { WorkerCallbacks } from './worker/callbacks.ts';
export type { Handler } from './worker/handlers.ts';
export type { WorkerHealth, WorkerState } from './worker/health.ts';
export type { WorkerOptions } from './worker/options.ts';
export { Worker, Worker as OjsWorker } from './worker.ts';
export type { WorkerRecord } from './workers.ts';
export {
  batch,
  chain,
  type DagNode,
  type Done,
  dag,
  group,
  type Step,
  type WorkflowCallbacks,
  type WorkflowDefinition,
  type WorkflowKind,
} from './workflow/definition.ts';
export { WorkflowFailedError } from './workflow/failure.ts';
export type { WorkflowHandle } from './workflow/handle.ts';
export { type ParentResults, parentResults } from './workflow/parent-results.ts';
export type { Workflow, WorkflowProgress, WorkflowState, WorkflowStep } from './workflow/workflow.ts';
