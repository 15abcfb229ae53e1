// The operations of a Client besides `enqueue` and those of workflows, as the one part that they are loaded as.
export {
  cronRuns,
  getCronJob,
  listCronJobs,
  registerCron,
  switchCronJob,
  triggerCronJob,
  unregisterCronJob,
  updateCronJob,
} from './cron.ts';
export {
  deadLetterListNames,
  deadLetterQuery,
  deleteDeadLetterJob,
  listDeadLetterJobs,
  retryDeadLetterJob,
} from './dead-letter.ts';
export { typedJobHandle } from './enqueue/typed.ts';
export { activateJob, cancelJob, getJob, getProgress } from './jobs.ts';
export { firstPage, openPage } from './page.ts';
export { changeQueue, listQueues, queueStats } from './queue.ts';
export {
  deleteSchema,
  deleteSchemaVersion,
  getSchema,
  getSchemaVersion,
  listSchemas,
  listSchemaVersions,
  registerSchema,
} from './schema.ts';
export { health, manifest } from './system.ts';
export { listWorkflows, workflowProgress } from './workflow/calls.ts';
