// The operations of a Client besides those of jobs and workflows, as the one part that they are loaded as.
export { cronCall, encodedCron, listCronJobs, registerCronJob, unregisterCronJob } from './cron.ts';
export { deleteDeadLetterJob, listDeadLetterJobs, retryDeadLetterJob } from './dead-letter.ts';
export { firstPage, openPage } from './page.ts';
export { changeQueue, listQueues, queueStats } from './queue.ts';
export { deleteSchema, getSchema, listSchemas, registerSchema } from './schema.ts';
export { health, manifest } from './system.ts';
