/** Lists of jobs, for the server and the fake of `@ojs-ts/sdk/testing`. */
import { renderJob } from '../envelope/render.ts';
import { ProtocolError } from '../errors.ts';
import type { JobRecord, Json } from '../job/job.ts';
import { deadLetters, type JobFilter, type JobLists, type Selection, select } from '../job/selection.ts';
import { State, type StateMask, stateNames } from '../job/states.ts';
import { type Answered, ask, run, type Steps } from '../steps.ts';
import { didYouMean } from '../suggestion.ts';
import type { Millis } from '../time/clock.ts';
import { Fields } from './fields.ts';
import { readSpan, readStates, readSubject } from './filters.ts';
import { pagination, type Query, readPage } from './pages.ts';
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

const all: StateMask = Object.values(State).reduce((mask, state) => mask | state, 0);

/** GET /jobs?state&queue&type&since&until: unfinished ones first, then finished ones; newest first. */
export function listJobs(store: CountedLists, query: Query, now: Millis): Answered<PlainReply> {
  const page = readPage(query);
  const fields = new Fields(query, 'query');
  const states = readStates(fields, all);
  const subject = readSubject(fields);
  const created = readSpan(fields, 'since', 'until');
  fields.done();
  const count = ({ counts }: QueueCounts) =>
    stateNames(states).reduce((sum, name) => sum + (counts[State[name]] ?? 0), 0);
  const filter = { states, ...subject, ...(created && { created }) };
  return run(listed(store, page, filter, count, (job) => renderJob(job, { now })));
}

/**
 * GET /dead-letter: discarded jobs whose policy was `dead_letter`, newest first; with `include=discarded` all discarded
 * ones.
 */
export function listDeadLetters(store: CountedLists, query: Query, now: Millis): Answered<PlainReply> {
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
  const count = ({ counts, deadLetter }: QueueCounts) => (isAll ? (counts[State.discarded] ?? 0) : deadLetter);
  return run(
    listed(store, page, { ...base, ...subject, ...(finished && { finished }) }, count, (job) => renderJob(job)),
  );
}

/** @param countOf how many jobs of a queue the states of the filter have. */
function* listed(
  store: CountedLists,
  page: ReturnType<typeof readPage>,
  filter: JobFilter,
  countOf: (queue: QueueCounts) => number,
  render: (job: JobRecord) => Json,
): Steps<PlainReply> {
  const at = { after: page.cursor, offset: page.offset, limit: page.limit };
  const { jobs, next, skipped }: Selection = yield* ask(select(store, filter, at));
  const { states: _, deadLetter: __, queue, ...others } = filter;
  // Other filters have no stored count: before the end, the total is the number read so far.
  const isCounted = Object.keys(others).length === 0;
  const queues = isCounted ? yield* ask(store.registry.queues()) : [];
  const counts = queues.filter(({ name }) => queue === undefined || name === queue).map(countOf);
  const total = isCounted ? counts.reduce((sum, one) => sum + one, 0) : skipped + jobs.length;
  const exact = isCounted || (next === null && page.cursor === null);
  const pageInfo = { ...pagination(page, total, jobs.length, next), ...(!exact && { total_exact: false }) };
  return ok(`{"jobs":[${jobs.map(render).join(',')}],"total":${total},"pagination":${JSON.stringify(pageInfo)}}`);
}
