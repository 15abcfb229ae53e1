/** Lists of jobs, for the server and the fake of `@ojs-ts/sdk/testing`. */
import { renderJob } from '../envelope/render.ts';
import { ProtocolError } from '../errors.ts';
import type { JobRecord, Json } from '../job/job.ts';
import { deadLetters, type JobFilter, type JobLists, select } from '../job/selection.ts';
import { State, type StateMask, stateNames } from '../job/states.ts';
import { type Answered, ask, run, type Steps } from '../steps.ts';
import { didYouMean } from '../suggestion.ts';
import type { Millis } from '../time/clock.ts';
import { Fields } from './fields.ts';
import { readSpan, readStates, readSubject } from './filters.ts';
import { type PageQuery, type Query, readPage, totals } from './pages.ts';
import { ok, type PlainReply } from './reply.ts';
import { readFinished } from './targets.ts';

/** Jobs of a queue by state bit, where a missing one is 0, and those of them in the dead letter. */
export interface QueueCounts {
  readonly name: string;
  readonly counts: Readonly<Partial<Record<State, number>>>;
  readonly deadLetter: number;
}

export interface CountedLists extends JobLists {
  readonly registry: { queues(): Answered<readonly QueueCounts[]> };
}

/** A list of jobs that was asked for. */
export interface JobList {
  readonly page: PageQuery;
  readonly filter: JobFilter;
  /** How many jobs of a queue the states of the filter have. */
  readonly countOf: (queue: QueueCounts) => number;
  readonly render: (job: JobRecord) => Json;
}

const all: StateMask = Object.values(State).reduce((mask, state) => mask | state, 0);

/** GET /jobs?state&queue&type&since&until: unfinished ones first, then finished ones; newest first. */
export function readJobList(query: Query, now: Millis): JobList {
  const page = readPage(query);
  const fields = new Fields(query, 'query');
  const states = readStates(fields, all);
  const subject = readSubject(fields);
  const created = readSpan(fields, 'since', 'until');
  fields.done();
  return {
    page,
    filter: { states, ...subject, ...(created && { created }) },
    countOf: ({ counts }) => stateNames(states).reduce((sum, name) => sum + (counts[State[name]] ?? 0), 0),
    render: (job) => renderJob(job, { now }),
  };
}

/**
 * GET /dead-letter: discarded jobs whose policy was `dead_letter`, newest first; with `include=discarded` all discarded
 * ones.
 */
export function readDeadLetterList(query: Query, now: Millis): JobList {
  const page = readPage(query);
  const { include } = query;
  const isAll = include === 'discarded';
  if (!isAll && include !== undefined && include !== '')
    throw ProtocolError.invalid([
      { path: 'query.include', message: `must be discarded.${didYouMean(include, ['discarded'])}` },
    ]);
  const fields = new Fields(query, 'query');
  const subject = readSubject(fields);
  const finished = readFinished([fields], now);
  fields.done();
  const base: JobFilter = isAll ? { states: State.discarded } : deadLetters;
  return {
    page,
    filter: { ...base, ...subject, ...(finished && { finished }) },
    countOf: ({ counts, deadLetter }) => (isAll ? (counts[State.discarded] ?? 0) : deadLetter),
    render: (job) => renderJob(job),
  };
}

/** The page as one text, however large its jobs are. */
export function listed(store: CountedLists, list: JobList): Answered<PlainReply> {
  return run(listing(store, list));
}

function* listing(store: CountedLists, list: JobList): Steps<PlainReply> {
  const { page, filter, render } = list;
  const at = { after: page.cursor, offset: page.offset, limit: page.limit, maxBytes: Number.MAX_SAFE_INTEGER };
  const { jobs, next, skipped } = yield* ask(select(store, filter, at));
  const end = totals(page, yield* ask(countListed(store, list)), { count: jobs.length, next, skipped });
  return ok(`{"jobs":[${jobs.map(render).join(',')}]${end}}`);
}

/** How many jobs the whole list has; null where its filter has no stored count. */
export function countListed(store: CountedLists, list: JobList): Answered<number | null> {
  return run(counting(store, list));
}

function* counting(store: CountedLists, { filter, countOf }: JobList): Steps<number | null> {
  const { states: _, deadLetter: __, queue, ...others } = filter;
  if (Object.keys(others).length > 0) return null;
  const queues = yield* ask(store.registry.queues());
  return queues.filter(({ name }) => queue === undefined || name === queue).reduce((sum, one) => sum + countOf(one), 0);
}
