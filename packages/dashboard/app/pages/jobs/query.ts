import { State, type StateMask } from '@ojs-ts/core/job';
import { type Condition, parseQuery, planOf, QueryError } from '@ojs-ts/core/query';

/** Returns the meaning of a query; null for one that cannot be read. */
export function conditionOf(q: string): Condition | null {
  const read = readQuery(q);
  return read.kind === 'condition' ? read.condition : null;
}

export type ReadQuery =
  | { readonly kind: 'condition'; readonly condition: Condition }
  | { readonly kind: 'problem'; readonly problem: QueryError };

export function readQuery(q: string): ReadQuery {
  try {
    return { kind: 'condition', condition: parseQuery(q) };
  } catch (error) {
    if (error instanceof QueryError) return { kind: 'problem', problem: error };
    throw error;
  }
}

/** The queue that a query is about; null for none or several. */
export function queueOf(q: string): string | null {
  const condition = conditionOf(q);
  const plan = condition === null ? null : planOf(condition, Date.now());
  if (plan === null || plan.kind === 'none') return null;
  return (plan.kind === 'ids' ? plan.queue : plan.query.queue) ?? null;
}

/** Matches a whole term; a text in quotes is skipped. */
function termPattern(name: string): RegExp {
  return new RegExp(`"(?:[^"\\\\]|\\\\.)*"|(?<!\\S)(?:${name})(?:[:=]|:?[<>]=?)[^\\s()"]+\\s*`, 'g');
}

/** The query with this term in place of those of the same field; an empty term only takes them away. */
export function withTerm(q: string, names: string, term: string): string {
  const others = q.replace(termPattern(names), (found) => (found.startsWith('"') ? found : '')).trim();
  const joined = [term, others].filter((part) => part !== '').join(' ');
  if (term === '' || conditionOf(joined) === null) return conditionOf(joined) === null ? q : joined;
  // Terms beside each other bind stronger than OR.
  return /(?<!\S)OR(?!\S)/.test(others) ? `${term} (${others})` : joined;
}

/** The only state that a query asks for by a term of its own; null without one. */
export function stateOf(q: string): string | null {
  const terms = [...q.matchAll(termPattern('states?'))].map(([found]) => found).filter((one) => !one.startsWith('"'));
  return terms.length === 1 ? (terms[0]?.replace(/^states?[:=]/, '').trim() ?? null) : null;
}

export interface Sort {
  readonly sort: string;
  readonly order: string;
  readonly label: string;
  /** The state that the query must select; absent if every list has the order. */
  readonly needs?: string;
}

/** Orders that the server has an index for (docs/reference/http.md, Order of lists). */
export const sorts: readonly [Sort, ...Sort[]] = [
  { sort: '', order: '', label: 'Newest first' },
  { sort: 'created_at', order: 'asc', label: 'Oldest first' },
  { sort: 'scheduled_at', order: 'asc', label: 'Due first', needs: 'state:scheduled,retryable' },
  { sort: 'scheduled_at', order: 'desc', label: 'Due last', needs: 'state:scheduled,retryable' },
  { sort: 'priority', order: 'desc', label: 'As they start', needs: 'state:available and one queue' },
  { sort: 'priority', order: 'asc', label: 'Lowest priority first', needs: 'state:available and one queue' },
];

/** Reports whether the server can list the jobs of a query in this order. */
export function maySort(q: string, { sort }: Sort): boolean {
  if (sort === '' || sort === 'created_at') return true;
  const condition = conditionOf(q);
  const plan = condition === null ? null : planOf(condition, Date.now());
  if (plan?.kind !== 'list') return false;
  const { states, queue, deadLetter, fingerprint } = plan.query;
  if (deadLetter === true || fingerprint !== undefined) return false;
  const due: StateMask = State.scheduled | State.retryable;
  return sort === 'scheduled_at' ? (states & ~due) === 0 : states === State.available && queue !== undefined;
}
