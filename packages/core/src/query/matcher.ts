import type { JobRecord } from '../job/job.ts';
import type { Millis } from '../time/clock.ts';
import { comparedAs, isLike, isOrdered, numberMatcher, partMatcher } from './comparisons.ts';
import type { Condition, Moment, Term, TimeTest } from './condition.ts';
import { fields } from './fields.ts';
import { jsonMatcher } from './json-matcher.ts';
import { Reading } from './reading.ts';

export type Matcher = (job: JobRecord) => boolean;

/**
 * A function that says whether a job matches. It reads and lower-cases a text of a job once for all terms, so that the
 * time for one job grows with its size, and with the terms only where they search.
 * @param now what ages and relative times count from.
 */
export function matcherOf(condition: Condition, now: Millis): Matcher {
  return matcherIn(condition, now, new Reading(now));
}

function matcherIn(condition: Condition, now: Millis, reading: Reading): Matcher {
  switch (condition.kind) {
    case 'all': {
      const parts = condition.of.map((part) => matcherIn(part, now, reading));
      return (job) => parts.every((matches) => matches(job));
    }
    case 'any': {
      const parts = condition.of.map((part) => matcherIn(part, now, reading));
      return (job) => parts.some((matches) => matches(job));
    }
    case 'not': {
      const matches = matcherIn(condition.of, now, reading);
      return (job) => !matches(job);
    }
    default:
      return termMatcher(condition, now, reading);
  }
}

function termMatcher(term: Term, now: Millis, reading: Reading): Matcher {
  switch (term.kind) {
    case 'states':
      return ({ state }) => (state & term.mask) !== 0;
    case 'flag': {
      const { read } = fields[term.field];
      return (job) => read(job) === term.value;
    }
    case 'text': {
      const values = term.values.map((pattern) => comparedAs(term.field, pattern));
      return (job) => reading.texts(job, term.field).some((text) => values.some((pattern) => isLike(text, pattern)));
    }
    case 'part': {
      const contains = partMatcher(term.parts);
      return (job) => reading.lower(job, term.field).some(contains);
    }
    case 'number': {
      const { read } = fields[term.field];
      const matches = numberMatcher(term.test);
      return (job) => matches(String(read(job)));
    }
    case 'time': {
      const { read } = fields[term.field];
      const matches = timeMatcher(term.test, now);
      return (job) => {
        const at = read(job);
        return at !== null && matches(at);
      };
    }
    case 'age':
      return ({ createdAt }) => isOrdered(now - createdAt - term.ms, term.operator);
    case 'json': {
      const { field, path } = term;
      const key = JSON.stringify([field, ...path]);
      const place = { field, path, key };
      reading.note(place);
      const matches = jsonMatcher(term.test);
      return (job) => {
        const value = reading.value(job, place);
        return value !== null && matches(value);
      };
    }
  }
}

function timeMatcher({ operator, value }: TimeTest, now: Millis): (at: Millis) => boolean {
  if (value === 'present') return () => true;
  const [start, end] = spanOf(value, now);
  // A day is a span: a time within it is neither before nor after it.
  const compare = (at: Millis) => (at < start ? -1 : at < end ? 0 : 1);
  return operator === ':' ? (at) => compare(at) === 0 : (at) => isOrdered(compare(at), operator);
}

/** From the first millisecond of the value, until the first one behind it. */
export function spanOf(
  value: Moment | { readonly kind: 'relative'; readonly ms: number },
  now: Millis,
): readonly [start: Millis, end: Millis] {
  if (value.kind === 'relative') return [now + value.ms, now + value.ms + 1];
  return [value.at, value.at + (value.kind === 'day' ? 86_400_000 : 1)];
}
