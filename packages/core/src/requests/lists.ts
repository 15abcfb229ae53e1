/** Lists of jobs, for the server and the fake of `@ojs-ts/sdk/testing`. */
import { renderJob } from '../envelope/render.ts';
import type { JobRecord, Json } from '../job/job.ts';
import type { JobOrder } from '../job/order.ts';
import { deadLetters, type JobFilter, type JobLists, select } from '../job/selection.ts';
import { AllStates, State, stateNames } from '../job/states.ts';
import { allOf, type Condition } from '../query/condition.ts';
import { matcherOf } from '../query/matcher.ts';
import { parseQuery } from '../query/parse.ts';
import { describePlan, type Plan, planOf } from '../query/plan.ts';
import { readQuery } from '../schemas/requests.ts';
import { type Answered, ask, run, type Steps } from '../steps.ts';
import type { Millis } from '../time/clock.ts';
import { readSubject, spanOf, statesOf } from './filters.ts';
import { readOrder } from './order.ts';
import { type PageQuery, type Query, readPage, totals } from './pages.ts';
import { ok, type PlainReply } from './reply.ts';

/** Jobs of a queue by state bit, where a missing one is 0, and those of them in the dead letter. */
export interface QueueCounts {
  readonly name: string;
  readonly counts: Readonly<Partial<Record<State, number>>>;
  readonly deadLetter: number;
}

export interface CountedLists extends JobLists {
  readonly registry: {
    /** Returns the queues of the given names that exist; all without names. */
    queues(names?: readonly string[]): Answered<readonly QueueCounts[]>;
  };
}

/** A list of jobs that was asked for. */
export interface JobList {
  readonly page: PageQuery;
  readonly filter: JobFilter;
  readonly order: JobOrder;
  /** How many jobs of a queue the states of the filter have. */
  readonly countOf: (queue: QueueCounts) => number;
  /** How the jobs of a query are found; null without one. */
  readonly plan: Plan | null;
  readonly render: (job: JobRecord) => Json;
}

/**
 * GET /jobs?q&state&queue&type&since&until&sort&order: by default unfinished ones first, then finished ones, newest
 * first.
 * @throws QueryError
 */
export function readJobList(query: Query, now: Millis): JobList {
  const page = readPage(query);
  const sent = readQuery('job.list', query, now);
  const created = spanOf(sent);
  const named: JobFilter = {
    ...{ states: statesOf(sent, AllStates), ...readSubject(sent, 'query') },
    ...(created && { created }),
  };
  const { filter, plan } =
    query.q === undefined || query.q === '' ? { filter: named, plan: null } : searchFilter(named, query.q, now);
  return {
    page,
    filter,
    order: readOrder(sent, filter),
    countOf: (queue) => countedIn(queue, filter),
    plan,
    render: (job) => renderJob(job, { now }),
  };
}

/** How many jobs of a queue the states of the filter have. */
export function countedIn({ counts, deadLetter }: QueueCounts, filter: JobFilter): number {
  if (filter.deadLetter) return deadLetter;
  return stateNames(filter.states).reduce((sum, name) => sum + (counts[State[name]] ?? 0), 0);
}

/**
 * The jobs that match a filter and a query, and how they are found.
 * @throws QueryError
 */
export function searchFilter(
  named: JobFilter,
  query: string,
  now: Millis,
): { readonly filter: JobFilter; readonly plan: Plan } {
  const plan = planOf(allOf([...termsOf(named), parseQuery(query)]), now);
  return { filter: planned(named, plan, now), plan };
}

/** The members of a filter that an index can answer, as terms of a query. */
function termsOf({ states, queue, type, fingerprint }: JobFilter): readonly Condition[] {
  const isPrefix = type?.endsWith('*') === true;
  return [
    ...(states === AllStates ? [] : [{ kind: 'states' as const, mask: states }]),
    ...(queue === undefined ? [] : [textTerm('queue', 'exact', queue)]),
    ...(type === undefined
      ? []
      : [textTerm('type', isPrefix ? 'prefix' : 'exact', isPrefix ? type.slice(0, -1) : type)]),
    ...(fingerprint === undefined ? [] : [textTerm('fingerprint', 'exact', fingerprint)]),
  ];
}

function textTerm(field: 'queue' | 'type' | 'fingerprint', kind: 'exact' | 'prefix', text: string): Condition {
  return { kind: 'text', field, values: [{ kind, text }] };
}

/** The filter with a plan in place of its {@link termsOf}. */
function planned(filter: JobFilter, plan: Plan, now: Millis): JobFilter {
  const { states: _, queue: __, type: ___, fingerprint: ____, ...others } = filter;
  if (plan.kind === 'none') return { ...others, states: 0 };
  const rest = plan.rest.length === 0 ? {} : { matches: matcherOf(allOf(plan.rest), now) };
  if (plan.kind === 'ids') {
    const { ids, queue } = plan;
    return { ...others, states: AllStates, ids, ...(queue !== undefined && { queue }), ...rest };
  }
  // The bound only ends the search early: the rest of the plan checks the times.
  const end = plan.finished === null || others.finished !== undefined ? {} : { finished: { from: plan.finished } };
  return { ...others, ...plan.query, ...end, ...rest };
}

/**
 * GET /dead-letter: discarded jobs whose policy was `dead_letter`, newest first; with `include=discarded` all discarded
 * ones.
 */
export function readDeadLetterList(query: Query, now: Millis): JobList {
  const page = readPage(query);
  const sent = readQuery('deadLetter.list', query, now);
  const isAll = sent.include !== undefined;
  const subject = readSubject(sent, 'query');
  const finished = spanOf(sent);
  const base: JobFilter = isAll ? { states: State.discarded } : deadLetters;
  const filter = { ...base, ...subject, ...(finished && { finished }) };
  return {
    page,
    filter,
    order: readOrder(sent, filter),
    countOf: ({ counts, deadLetter }) => (isAll ? (counts[State.discarded] ?? 0) : deadLetter),
    plan: null,
    render: (job) => renderJob(job),
  };
}

/** The page as one text, however large its jobs are. */
export function listed(store: CountedLists, list: JobList): Answered<PlainReply> {
  return run(listing(store, list));
}

function* listing(store: CountedLists, list: JobList): Steps<PlainReply> {
  const { page, filter, order, render } = list;
  const at = { after: page.cursor, offset: page.offset, limit: page.limit, order, maxBytes: Number.MAX_SAFE_INTEGER };
  const { jobs, next, skipped, seen } = yield* ask(select(store, filter, at));
  const counts = yield* ask(countListed(store, list));
  const end = totals(page, counts.listed, { count: jobs.length, next, skipped });
  return ok(
    `{"jobs":[${jobs.map(render).join(',')}]${end}${searched(list, { scanned: seen, of: counts.read, next })}}`,
  );
}

/**
 * The last member of a list by a query: how many jobs were read, of how many, whether all of them, and by which plan.
 * @param of null if it is unknown.
 */
export function searched(
  { plan }: JobList,
  { scanned, of, next }: { readonly scanned: number; readonly of: number | null; readonly next: string | null },
): string {
  if (plan === null) return '';
  const search = { scanned, ...(of !== null && { of }), complete: next === null, plan: describePlan(plan) };
  return `,"search":${JSON.stringify(search)}`;
}

/** Counts that the store keeps; null where it keeps none for the filter. */
export interface ListCounts {
  /** How many jobs the whole list has. */
  readonly listed: number | null;
  /** How many jobs a search reads to its end. */
  readonly read: number | null;
}

export function countListed(store: CountedLists, list: JobList): Answered<ListCounts> {
  return run(counting(store, list));
}

function* counting(store: CountedLists, { filter, countOf, plan }: JobList): Steps<ListCounts> {
  const { states: _, deadLetter: __, queue, ...others } = filter;
  const { ids, type, fingerprint, finished } = filter;
  const isWhole = Object.keys(others).length === 0;
  const isRead = plan !== null && [ids, type, fingerprint, finished].every((narrower) => narrower === undefined);
  if (!isWhole && !isRead) return { listed: null, read: null };
  const queues = yield* ask(store.registry.queues(queue === undefined ? undefined : [queue]));
  const count = queues.reduce((sum, one) => sum + countOf(one), 0);
  return { listed: isWhole ? count : null, read: isRead ? count : null };
}
