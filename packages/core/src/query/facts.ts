import { AllStates, State, type StateMask } from '../job/states.ts';
import type { Millis } from '../time/clock.ts';
import { comparedAs } from './comparisons.ts';
import type { Condition, Term } from './condition.ts';
import { type Field, type FieldOf, fields } from './fields.ts';
import { spanOf } from './matcher.ts';

/** The facts that are true for every job that can match, as far as an index can use them. Other jobs may fit it too. */
export interface Facts {
  readonly states: StateMask;
  /** True if all of them are in the dead letter. */
  readonly isDead: boolean;
  /** The only values that a field can have. */
  readonly values: ReadonlyMap<FieldOf<'text'>, ReadonlySet<string>>;
  /**
   * All of them ended, none before this time; null if nothing is known. A search ends at the first job that ended
   * before, because stores list finished jobs by their end, the newest first.
   */
  readonly finished: Millis | null;
}

const nothing: Facts = { states: AllStates, isDead: false, values: new Map(), finished: null };

/** The facts of a condition, or of its opposite; null if no job can match. */
export function factsOf(condition: Condition, now: Millis, isTrue = true): Facts | null {
  if (condition.kind === 'not') return factsOf(condition.of, now, !isTrue);
  if (condition.kind === 'all' || condition.kind === 'any') {
    const parts = condition.of.map((part) => factsOf(part, now, isTrue));
    // By De Morgan: the opposite of all of them is any of their opposites.
    return (condition.kind === 'all') === isTrue ? parts.reduce(both, nothing) : parts.reduce(either, null);
  }
  return isTrue ? ofTerm(condition, now) : ofOpposite(condition);
}

function ofOpposite(term: Term): Facts | null {
  if (term.kind === 'states') return inStates(AllStates & ~term.mask);
  return term.kind === 'flag' ? ofFlag(!term.value) : nothing;
}

function ofFlag(isDead: boolean): Facts {
  return isDead ? { ...nothing, states: State.discarded, isDead } : nothing;
}

function inStates(states: StateMask): Facts | null {
  return states === 0 ? null : { ...nothing, states };
}

function ofTerm(term: Term, now: Millis): Facts | null {
  switch (term.kind) {
    case 'states':
      return inStates(term.mask);
    case 'flag':
      return ofFlag(term.value);
    case 'text':
      return ofText(term);
    case 'time':
      return { ...inStatesOf(fields[term.field]), finished: firstEnd(term, now) };
    case 'part':
    case 'json':
      return inStatesOf(fields[term.field]);
    default:
      return nothing;
  }
}

/** Only jobs in these states have a value, so only they can match. */
function inStatesOf({ states = AllStates }: Field): Facts {
  return { ...nothing, states };
}

function ofText({ field, values }: Extract<Term, { kind: 'text' }>): Facts | null {
  const definition: Extract<Field, { kind: 'text' }> = fields[field];
  const { indexed } = definition;
  const facts = inStatesOf(definition);
  if (indexed === undefined || values.some(({ kind }) => kind === 'prefix')) return facts;
  // No job has a value of another form, and some stores cannot look one up.
  const possible = new Set(values.map((value) => comparedAs(field, value).text).filter(indexed));
  return possible.size === 0 ? null : { ...facts, values: new Map([[field, possible]]) };
}

/** The earliest end that fits the term. */
function firstEnd({ field, test }: Extract<Term, { kind: 'time' }>, now: Millis): Millis | null {
  const { operator, value } = test;
  if (field !== 'finished' || value === 'present' || operator === '<' || operator === '<=') return null;
  const [start, end] = spanOf(value, now);
  return operator === '>' ? end : start;
}

/** The facts that are true if both are. */
function both(a: Facts | null, b: Facts | null): Facts | null {
  if (a === null || b === null || (a.states & b.states) === 0) return null;
  const values = new Map(a.values);
  for (const [field, possible] of b.values) {
    const common = values.get(field)?.intersection(possible) ?? possible;
    if (common.size === 0) return null;
    values.set(field, common);
  }
  return {
    states: a.states & b.states,
    isDead: a.isDead || b.isDead,
    values,
    finished: later(a.finished, b.finished),
  };
}

/** The facts that are true if one of them is. */
function either(a: Facts | null, b: Facts | null): Facts | null {
  if (a === null || b === null) return a ?? b;
  const values = new Map<FieldOf<'text'>, ReadonlySet<string>>();
  for (const [field, possible] of a.values) {
    const other = b.values.get(field);
    if (other !== undefined) values.set(field, possible.union(other));
  }
  return {
    states: a.states | b.states,
    isDead: a.isDead && b.isDead,
    values,
    finished: earlier(a.finished, b.finished),
  };
}

function later(a: Millis | null, b: Millis | null): Millis | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

/** Null, which bounds nothing, is the earliest. */
function earlier(a: Millis | null, b: Millis | null): Millis | null {
  return a === null || b === null ? null : Math.min(a, b);
}
