import type { JobQuery } from '../job/selection.ts';
import { AllStates, stateNames } from '../job/states.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { isLike } from './comparisons.ts';
import { allOf, type Condition, type Term } from './condition.ts';
import { type Facts, factsOf } from './facts.ts';
import { formatQuery } from './format.ts';

/** How a storage finds the jobs of a query. Every job that it reads is checked for `rest`. */
export type Plan =
  /** The terms contradict each other: no job can match, and none is read. */
  | { readonly kind: 'none' }
  | { readonly kind: 'ids'; readonly ids: readonly string[]; readonly rest: readonly Condition[] }
  | {
      readonly kind: 'list';
      readonly query: Pick<JobQuery, 'states' | 'deadLetter' | 'queue' | 'type'>;
      /**
       * No job matches that ended before; null if nothing is known. Lists of finished jobs are by their end, newest
       * first: behind an older one is none.
       */
      readonly finished: Millis | null;
      readonly rest: readonly Condition[];
    };

/**
 * The part of a query that an index answers, and the part that scans.
 * @param now what ages and relative times count from.
 */
export function planOf(condition: Condition, now: Millis): Plan {
  const facts = factsOf(condition, now);
  if (facts === null) return { kind: 'none' };
  const parts = condition.kind === 'all' ? condition.of : [condition];
  const ids = facts.values.get('id');
  if (ids !== undefined) {
    const isFound = (part: Condition) => part.kind === 'text' && part.field === 'id' && fitsEach(ids, part);
    return { kind: 'ids', ids: [...ids], rest: parts.filter((part) => !isFound(part)) };
  }
  const [queue, type] = [onlyOf(facts, 'queue'), onlyOf(facts, 'type')];
  const query = {
    states: facts.states,
    ...(facts.isDead && { deadLetter: true as const }),
    ...(queue !== undefined && { queue }),
    ...(type !== undefined && { type }),
  };
  return { kind: 'list', query, finished: facts.finished, rest: parts.filter((part) => !isAnswered(part, query)) };
}

/** The value, where the field can have only one. */
function onlyOf({ values }: Facts, field: 'queue' | 'type'): string | undefined {
  const [only, ...others] = values.get(field) ?? [];
  return others.length === 0 ? only : undefined;
}

/** Whether every job that the list has fits the part. */
function isAnswered(part: Condition, { queue, type }: Pick<JobQuery, 'queue' | 'type'>): boolean {
  if (part.kind === 'not') return part.of.kind === 'states';
  if (part.kind === 'text') {
    const only = part.field === 'queue' ? queue : part.field === 'type' ? type : undefined;
    return only !== undefined && fitsEach([only], part);
  }
  return part.kind === 'states' || (part.kind === 'flag' && part.value);
}

/** Whether a job fits the term with any of these values. */
function fitsEach(texts: Iterable<string>, { values }: Extract<Term, { kind: 'text' }>): boolean {
  return [...texts].every((text) => values.some((pattern) => isLike(text, pattern)));
}

/** The plan in one line, such as `index: state:discarded queue:mail; scan: error~timeout`. */
export function describePlan(plan: Plan): string {
  if (plan.kind === 'none') return 'none: no job can match';
  const index = plan.kind === 'ids' ? [`id:${plan.ids.join(',')}`] : indexed(plan);
  const scan = formatQuery(allOf(plan.rest));
  return `index: ${index.length === 0 ? 'none' : index.join(' ')}; scan: ${scan === '' ? 'none' : scan}`;
}

function indexed({ query, finished }: Extract<Plan, { kind: 'list' }>): readonly string[] {
  const { states, deadLetter, queue, type } = query;
  return [
    ...(states === AllStates ? [] : [`state:${stateNames(states).join(',')}`]),
    ...(deadLetter ? ['dead:true'] : []),
    ...(queue === undefined ? [] : [`queue:${queue}`]),
    ...(type === undefined ? [] : [`type:${type}`]),
    ...(finished === null ? [] : [`finished>=${formatTimestamp(finished)}`]),
  ];
}
