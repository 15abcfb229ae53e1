import { readJobList } from '@ojs-ts/core';
import type { Handlers } from '../handler.ts';
import { jobsReply } from '../pieces.ts';

export const jobListHandlers: Handlers<'job.list'> = {
  'job.list': async (engine, request) => {
    const { query, access } = request;
    const list = readJobList(query, engine.clock.now());
    const queue = query.queue ?? list.filter.queue;
    access?.chosen(queue === undefined ? [] : [queue]);
    return jobsReply(engine, request, list);
  },
};
