import { listJobs } from '@ojs-ts/core';
import type { Handlers } from '../handler.ts';

export const jobListHandlers: Handlers<'job.list'> = {
  'job.list': async (engine, { query }) => listJobs(engine.storage, query, engine.clock.now()),
};
