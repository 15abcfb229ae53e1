/** The answers of the server by operation: schemas, and types from the same text. */
import type { OperationName } from '../../operations/operations.ts';
import { bulkAnswers, deadLetterAnswers } from './bulk.ts';
import { cronAnswers } from './crons.ts';
import { jobAnswers, signalAnswers } from './jobs.ts';
import type { Of } from './parts.ts';
import { queueAnswers } from './queues.ts';
import { schemaAnswers } from './schemas.ts';
import { stepAnswers } from './steps.ts';
import { systemAnswers } from './system.ts';
import { tokenAnswers } from './tokens.ts';
import { workerAnswers } from './workers.ts';
import { workflowAnswers } from './workflows.ts';

export type { BulkOperation, DeadJob } from './bulk.ts';
export type { ClockChange, Cron, CronRuns } from './crons.ts';
export type { HistoryEvent, ListedJob, Reason, TokenMailbox } from './jobs.ts';
export type { Pagination, Search } from './parts.ts';
export type { Limit, QueueConfig, QueueOverview } from './queues.ts';
export type { Schema } from './schemas.ts';
export type { Step } from './steps.ts';
export type {
  Configuration,
  ErrorGroup,
  Finding,
  Health,
  HistoryPoint,
  LoggedEvent,
  Setting,
  Statistics,
} from './system.ts';
export type { AuditEntry, IssuedToken, Token } from './tokens.ts';
export type { Worker, WorkerState } from './workers.ts';
export type { WorkflowNode, WorkflowSummary } from './workflows.ts';

/** A type of its own keeps the declaration file small: it names the tables in place of repeating them. */
type All = typeof systemAnswers &
  typeof jobAnswers &
  typeof bulkAnswers &
  typeof deadLetterAnswers &
  typeof workerAnswers &
  typeof queueAnswers &
  typeof schemaAnswers &
  typeof stepAnswers &
  typeof signalAnswers &
  typeof workflowAnswers &
  typeof cronAnswers &
  typeof tokenAnswers;

export const answers: All = {
  ...systemAnswers,
  ...jobAnswers,
  ...bulkAnswers,
  ...deadLetterAnswers,
  ...workerAnswers,
  ...queueAnswers,
  ...schemaAnswers,
  ...stepAnswers,
  ...signalAnswers,
  ...workflowAnswers,
  ...cronAnswers,
  ...tokenAnswers,
};

export type Answers = { readonly [Name in OperationName]: Of<All[Name]> };

/** The statuses of answers that are no errors, where they are not 200 alone. */
export const statuses: Partial<Record<OperationName, readonly number[]>> = {
  'system.health': [200, 503],
  'job.enqueue': [201, 200],
  'job.enqueueBatch': [201],
  'job.rerun': [201, 200],
  'job.undo': [201, 200],
  'job.result': [200, 202],
  'bulk.enqueue': [201, 207, 422],
  'bulk.cancel': [200, 207, 422],
  'bulk.retry': [200, 207, 422],
  'bulk.delete': [200, 207, 422],
  'deadLetter.retryMany': [200, 207, 422],
  'deadLetter.purge': [200, 207, 422],
  'bulk.start': [202, 200],
  'bulk.undo': [202],
  'worker.health': [200, 503],
  'queue.create': [201],
  'schema.register': [201],
  'schema.put': [201],
  'workflow.create': [201],
  'workflow.rerun': [201],
  'cron.register': [201, 200],
  'cron.trigger': [201],
  'token.create': [201],
};
