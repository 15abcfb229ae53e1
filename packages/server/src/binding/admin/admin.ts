/** The admin API (ojs-admin-api) where its answers differ from those of the data plane. */
import type { Handlers } from '../handler.ts';
import { errors } from './errors.ts';
import { groupJobs } from './groups.ts';
import { listDeadLetters, listJobs, showJob } from './jobs.ts';
import { changeMaintenance, showMaintenance } from './maintenance.ts';
import { listQueues, purgeQueue, showQueue } from './queues.ts';
import { settings } from './settings.ts';
import { history, stats } from './statistics.ts';

export const adminHandlers: Handlers<
  | 'admin.queues'
  | 'admin.queue'
  | 'queue.purge'
  | 'admin.jobs'
  | 'admin.jobGroups'
  | 'admin.job'
  | 'admin.deadLetters'
  | 'admin.errors'
  | 'admin.stats'
  | 'admin.history'
  | 'admin.config'
  | 'admin.maintenance'
  | 'admin.setMaintenance'
> = {
  'admin.queues': listQueues,
  'admin.queue': showQueue,
  'queue.purge': purgeQueue,
  'admin.jobs': listJobs,
  'admin.jobGroups': groupJobs,
  'admin.job': showJob,
  'admin.deadLetters': listDeadLetters,
  'admin.errors': errors,
  'admin.stats': stats,
  'admin.history': history,
  'admin.config': (engine, _, about) => settings(engine, about),
  'admin.maintenance': showMaintenance,
  'admin.setMaintenance': changeMaintenance,
};
