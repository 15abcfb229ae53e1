import type { BulkOperation } from '@ojs-ts/core/schemas';

/** Describes the jobs of the operation in one line. A filter reads like a query, even if a program has sent it. */
export function aboutOf(
  { query, filter, undoes }: Pick<BulkOperation, 'query' | 'filter' | 'undoes'>,
  textOf: (value: unknown) => string,
): string {
  if (undoes !== undefined) return `what ${undoes} did`;
  const members = typeof filter === 'object' && filter !== null ? Object.entries(filter) : [];
  const filtered = members.map(([name, value]) => `${name}:${typeof value === 'string' ? value : textOf(value)}`);
  const parts = [...(query === undefined || query === '' ? [] : [query]), ...filtered];
  return parts.length === 0 ? 'all jobs' : parts.join(' ');
}
