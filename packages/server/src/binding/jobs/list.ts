import { renderJob, State, type StateMask, stateNames } from '@ojs-ts/core';
import type { Engine } from '../../engine/engine.ts';
import { select } from '../../engine/jobs/selection.ts';
import { Fields } from '../fields.ts';
import { readSpan, readStates, readSubject } from '../filters.ts';
import type { BindingRequest, Handlers } from '../handler.ts';
import { pagination, readPage } from '../queries.ts';
import { ok, type Reply } from '../reply.ts';

export const jobListHandlers: Handlers<'job.list'> = { 'job.list': listJobs };

const all: StateMask = Object.values(State).reduce((mask, state) => mask | state, 0);

/** GET /jobs?state&queue&type&since&until: unfinished ones first, then finished ones; newest first. */
async function listJobs(engine: Engine, { query }: BindingRequest): Promise<Reply> {
  const page = readPage(query);
  const fields = new Fields(query, 'query');
  const states = readStates(fields, all);
  const subject = readSubject(fields);
  const created = readSpan(fields, 'since', 'until');
  fields.done();
  const at = { after: page.cursor, offset: page.offset, limit: page.limit };
  const { jobs, next, skipped } = await select(engine.storage, { states, ...subject, ...(created && { created }) }, at);
  const { queue, ...others } = subject;
  // With a filter that the storage does not have, the total before the end is the number read so far.
  const isCounted = Object.keys(others).length === 0 && created === undefined;
  const total = isCounted ? await count(engine, states, queue) : skipped + jobs.length;
  const exact = isCounted || (next === null && page.cursor === null);
  const pageInfo = { ...pagination(page, total, jobs.length, next), ...(!exact && { total_exact: false }) };
  const now = engine.clock.now();
  const texts = jobs.map((job) => renderJob(job, { now }));
  return ok(`{"jobs":[${texts.join(',')}],"total":${total},"pagination":${JSON.stringify(pageInfo)}}`);
}

async function count(engine: Engine, states: StateMask, queue: string | undefined): Promise<number> {
  const queues = await engine.storage.registry.queues();
  const wanted = queues.filter(({ name }) => queue === undefined || name === queue);
  return wanted
    .flatMap(({ counts }) => stateNames(states).map((name) => counts[State[name]] ?? 0))
    .reduce((sum, one) => sum + one, 0);
}
