// The operations of a Client besides `enqueue` and those of workflows, as the one part that they are loaded as.
export { listCronJobs, registerCron, unregisterCronJob } from './cron.ts';
export { deleteDeadLetterJob, listDeadLetterJobs, retryDeadLetterJob } from './dead-letter.ts';
export { cancelJob, getJob } from './jobs.ts';
export { firstPage, openPage } from './page.ts';
export { changeQueue, listQueues, queueStats } from './queue.ts';
export { deleteSchema, getSchema, listSchemas, registerSchema } from './schema.ts';
export { health, manifest } from './system.ts';
