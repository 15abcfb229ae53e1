export type { Answer, Call, CallContext, Transport } from '@ojs-ts/core';
export { Admin, Admin as OjsAdmin } from './client/admin.ts';
export { Client, Client as OjsClient, type ClientOptions, type HandlesOf } from './client/client.ts';
export {
  type ConnectionOptions,
  devServerUrl,
  type HttpTransportOptions,
  httpTransport,
} from './connection/connection.ts';
export type { Logger } from './connection/logger.ts';
export type { UrlOption } from './connection/target.ts';
export {
  DiscardError,
  DuplicateJobError,
  type ErrorContext,
  isOjsError,
  JobEndedError,
  JobFailedError,
  JobNotFoundError,
  JobTimeoutError,
  OJSAPIError,
  OJSAuthenticationError,
  OJSConnectionError,
  OJSError,
  type OJSErrorDetail,
  OJSPermissionError,
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
export type { JobRequest } from './job/definition.ts';
export {
  type ArgsOf,
  defineJob,
  type InputOf,
  type JobDef,
  type JobTypes,
  type Jsonable,
  job,
  type ResultOf,
} from './job/definition.ts';
export type { EnqueueOutcome, JobHandle, WaitOptions } from './job/handle.ts';
export type { Job, JobErrorEntry, JobProgress } from './job/job.ts';
export type { CallOptions, CreateOptions, EnqueueOptions, JobOptions } from './job/options.ts';
export type { JobLimit, JobState, LimitNumbers, Rate, RetryPolicy, UniquePolicy } from './job/policies.ts';
export type { StandardSchemaV1 } from './job/standard-schema.ts';
export type { JsonArray, Meta } from './json.ts';
export type { MiddlewareChain } from './middleware/chain.ts';
export type { EnqueueMiddleware, EnqueueNext, ExecutionMiddleware, ExecutionNext } from './middleware/types.ts';
export type { AuditEntry, AuditOptions } from './operations/audit.ts';
export type { CronJob, CronJobChanges, CronJobOptions, CronJobRequest, OverlapPolicy } from './operations/cron.ts';
export type { Finding } from './operations/doctor.ts';
export type { Percentiles } from './operations/figures.ts';
export type { BulkFilter, DeadLetterFilter, SubjectFilter } from './operations/filter.ts';
export type { BulkItem, BulkResult, DeadLetterTargets, JobTargets } from './operations/jobs/bulk.ts';
export type { BulkHandle } from './operations/jobs/bulk-handle.ts';
export type {
  BulkAction,
  BulkCount,
  BulkOperation,
  BulkRequest,
  BulkWaitOptions,
} from './operations/jobs/bulk-operations.ts';
export type { BulkChanges, JobChanges, JobEdit, Rerun, RerunChanges } from './operations/jobs/changes.ts';
export type { Checkpoint } from './operations/jobs/checkpoint.ts';
export type { DeadLetterListOptions, DeadLetterRetry, DeadLetterStats } from './operations/jobs/dead-letter.ts';
export type { ErrorGroup, ErrorGroups, ErrorOptions } from './operations/jobs/errors.ts';
export type { ExplainOptions, ExplainReason, ExplainWorker, Explanation } from './operations/jobs/explain.ts';
export type { JobGroup, JobGroups, JobGroupsOptions } from './operations/jobs/groups.ts';
export type { HistoryEvent } from './operations/jobs/history.ts';
export type { JobListOptions } from './operations/jobs/jobs.ts';
export type { JobStep, JobSteps, JobStepsOptions, TokenMailbox, WakeOptions } from './operations/jobs/steps.ts';
export type { Limit, LimitOverride, LimitOverrideRequest, RateUse } from './operations/limits.ts';
export type { Maintenance, MaintenanceOptions } from './operations/maintenance.ts';
export { type NextRunsOptions, nextRuns } from './operations/next-runs.ts';
export type { Page, PageOptions } from './operations/page.ts';
export type { QueueConfig, QueueConfigRequest, QueueDetail } from './operations/queue-config.ts';
export type { PurgeOptions, Queue, QueueOverview, QueueStats } from './operations/queues.ts';
export type { Schema, SchemaInfo } from './operations/schemas.ts';
export type { Stats, StatsHistoryOptions, StatsPoint } from './operations/statistics.ts';
export type { IssuedToken, RevokeTokenOptions, TokenRecord, TokenRequest } from './operations/tokens.ts';
export type {
  RemoveWorkerOptions,
  WorkerDetail,
  WorkerDirective,
  WorkerJob,
  WorkerLoad,
  WorkerRecord,
  WorkerTold,
} from './operations/workers.ts';
export type { Duration } from './options/duration.ts';
export { defineSignal, type PayloadOf, type SignalDef } from './signal/definition.ts';
export type { SignalOptions, SignalOutcome, TokenSignalOptions } from './signal/send.ts';
export type { TlsOptions } from './transport/tls.ts';
export type { WorkerCallbacks } from './worker/execution/callbacks.ts';
export type { JobContext } from './worker/execution/context.ts';
export type { Handler } from './worker/execution/handlers.ts';
export type { WorkerHealth, WorkerState } from './worker/health.ts';
export type { WorkerOptions } from './worker/options.ts';
export {
  ChildError,
  StepError,
  StepKindError,
  StepLimitError,
  StepNameError,
  StepNestedError,
  Suspended,
  TokenTakenError,
  UndoError,
} from './worker/steps/errors.ts';
export type { EnqueueClient } from './worker/steps/parts.ts';
export type {
  Child,
  Children,
  ChildrenOptions,
  DurableContext,
  Kept,
  PollOptions,
  SignalWaitOptions,
  StepInfo,
  StepOptions,
  StepUndo,
} from './worker/steps/types.ts';
export { Worker, Worker as OjsWorker } from './worker/worker.ts';
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
export type { WorkflowGraph, WorkflowGraphNode } from './workflow/graph.ts';
export type { WorkflowHandle } from './workflow/handle.ts';
export { type ParentResults, parentResults } from './workflow/parent-results.ts';
export type { Workflow, WorkflowProgress, WorkflowState, WorkflowStep } from './workflow/workflow.ts';
