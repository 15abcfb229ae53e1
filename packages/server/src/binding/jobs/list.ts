import { readJobList } from '@ojs-ts/core';
import type { Handlers } from '../handler.ts';
import { jobsReply } from '../pieces.ts';

export const jobListHandlers: Handlers<'job.list'> = {
  'job.list': async (engine, { query, access }) => {
    access?.chosen(query.queue === undefined ? [] : [query.queue]);
    return jobsReply(engine, readJobList(query, engine.clock.now()));
  },
};
