import { ProtocolError, type ValidationIssue } from '../errors.ts';

export type Query = Readonly<Record<string, string | undefined>>;

/** If a parameter is given twice, the last one counts, as in JSON. */
export function singles(query: unknown): Query {
  const entries = Object.entries(query as Readonly<Record<string, string | readonly string[]>>);
  return Object.fromEntries(entries.map(([name, value]) => [name, typeof value === 'string' ? value : value.at(-1)]));
}

export const notACursor = 'is not a cursor of this list; expected the cursor of the previous page';

export interface PageQuery {
  readonly limit: number;
  readonly offset: number;
  readonly cursor: string | null;
}

/**
 * limit, cursor, offset, or page and per_page (ojs-http-binding §17.1). A number above the maximum counts as the
 * maximum, anything else is refused.
 */
export function readPage(query: Query, defaultLimit = 50, max = 1_000): PageQuery {
  const issues: ValidationIssue[] = [];
  const read = (name: string, min: number): number | null => {
    const text = query[name];
    if (text === undefined || text === '') return null;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min) return value;
    issues.push({ path: name, message: `must be a whole number of at least ${min}` });
    return null;
  };
  const limit = Math.min(read('limit', 1) ?? read('per_page', 1) ?? defaultLimit, max);
  const page = read('page', 1);
  const offset = read('offset', 0) ?? (page === null ? 0 : (page - 1) * limit);
  if (issues.length > 0) throw ProtocolError.invalid(issues);
  return { limit, offset, cursor: query.cursor ?? null };
}

/** The page of a list of ojs-admin-api: 20 items by default, 100 at most (§7.1). */
export function readAdminPage(query: Query): PageQuery {
  return readPage(query, 20, 100);
}

export function pagination(page: PageQuery, total: number, count: number, next: string | null): object {
  return {
    total,
    limit: page.limit,
    offset: page.offset,
    page: Math.floor(page.offset / page.limit) + 1,
    per_page: page.limit,
    has_more: next !== null,
    ...(next !== null && { next_cursor: next }),
    count,
  };
}

/**
 * `total` and `pagination`, the last members of a list of jobs.
 * @param counted null where the store keeps no count of what was asked for: before its end the total is what was seen.
 */
export function totals(
  page: PageQuery,
  counted: number | null,
  { count, next, skipped }: { readonly count: number; readonly next: string | null; readonly skipped: number },
): string {
  const total = counted ?? skipped + count;
  const exact = counted !== null || (next === null && page.cursor === null);
  const shown = { ...pagination(page, total, count, next), ...(!exact && { total_exact: false }) };
  return `,"total":${total},"pagination":${JSON.stringify(shown)}`;
}

export function commaSeparated(text: string | undefined): readonly string[] {
  return text === undefined || text === '' ? [] : text.split(',').map((part) => part.trim());
}
