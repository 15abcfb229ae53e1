import { isFingerprint, messageFingerprint } from '../job/error-fingerprint.ts';
import type { JobQuery } from '../job/selection.ts';
import { AllStates, stateNames } from '../job/states.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { comparedAs, isLike } from './comparisons.ts';
import { allOf, type Condition, type Term } from './condition.ts';
import { type Facts, factsOf } from './facts.ts';
import type { FieldOf } from './fields.ts';
import { formatQuery } from './format.ts';

/** How a storage finds the jobs of a query. Every job that it reads is checked for `rest`. */
export type Plan =
  /** The terms contradict each other: no job can match, and none is read. */
  | { readonly kind: 'none' }
  | {
      readonly kind: 'ids';
      readonly ids: readonly string[];
      /** The only queue of the jobs. The rest checks it, too. */
      readonly queue?: string;
      readonly rest: readonly Condition[];
    }
  | {
      readonly kind: 'list';
      readonly query: Pick<JobQuery, 'states' | 'deadLetter' | 'queue' | 'type' | 'fingerprint'>;
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
  const queue = onlyOf(facts, 'queue');
  const ids = facts.values.get('id');
  if (ids !== undefined) {
    const isFound = (part: Condition) => part.kind === 'text' && part.field === 'id' && fitsEach(ids, part);
    const rest = parts.filter((part) => !isFound(part));
    return { kind: 'ids', ids: [...ids], ...(queue !== undefined && { queue }), rest };
  }
  const type = onlyOf(facts, 'type');
  const [whole, message] = [onlyOf(facts, 'fingerprint'), onlyOf(facts, 'message')];
  const fingerprint = whole ?? (message === undefined ? undefined : messageFingerprint(message));
  const query = {
    states: facts.states,
    ...(facts.isDead && { deadLetter: true as const }),
    ...(queue !== undefined && { queue }),
    ...(type !== undefined && { type }),
    ...(fingerprint !== undefined && { fingerprint }),
  };
  const answered = { queue, type, fingerprint: whole, message: whole === undefined ? message : undefined };
  return { kind: 'list', query, finished: facts.finished, rest: parts.filter((part) => !isAnswered(part, answered)) };
}

type IndexedField = 'queue' | 'type' | 'fingerprint' | 'message';

/** The value, where the field can have only one. */
function onlyOf({ values }: Facts, field: IndexedField): string | undefined {
  const [only, ...others] = values.get(field) ?? [];
  return others.length === 0 ? only : undefined;
}

/** Reports whether every job that the list has fits the part. */
function isAnswered(
  part: Condition,
  answered: Readonly<Partial<Record<FieldOf<'text'>, string | undefined>>>,
): boolean {
  if (part.kind === 'not') return part.of.kind === 'states';
  if (part.kind === 'text') {
    const only = answered[part.field];
    return only !== undefined && fitsEach([only], part);
  }
  return part.kind === 'states' || (part.kind === 'flag' && part.value);
}

/** Reports whether a job fits the term with any of these values. */
function fitsEach(texts: Iterable<string>, { field, values }: Extract<Term, { kind: 'text' }>): boolean {
  const patterns = values.map((pattern) => comparedAs(field, pattern));
  return [...texts].every((text) => patterns.some((pattern) => isLike(text, pattern)));
}

/** The plan in one line, such as `index: state:discarded queue:mail; scan: error~timeout`. */
export function describePlan(plan: Plan): string {
  if (plan.kind === 'none') return 'none: no job can match';
  const index = plan.kind === 'ids' ? [`id:${plan.ids.join(',')}`] : indexed(plan);
  const scan = formatQuery(allOf(plan.rest));
  return `index: ${index.length === 0 ? 'none' : index.join(' ')}; scan: ${scan === '' ? 'none' : scan}`;
}

function indexed({ query, finished }: Extract<Plan, { kind: 'list' }>): readonly string[] {
  const { states, deadLetter, queue, type, fingerprint } = query;
  return [
    ...(states === AllStates ? [] : [`state:${stateNames(states).join(',')}`]),
    ...(deadLetter ? ['dead:true'] : []),
    ...(queue === undefined ? [] : [`queue:${queue}`]),
    ...(type === undefined ? [] : [`type:${type}`]),
    ...(fingerprint === undefined ? [] : [`fingerprint:${fingerprint}${isFingerprint(fingerprint) ? '' : '*'}`]),
    ...(finished === null ? [] : [`finished>=${formatTimestamp(finished)}`]),
  ];
}
