import { type Query, wrongValue } from '@ojs-ts/core/requests';
import { readQuery } from '@ojs-ts/core/schemas';
import { turn } from '../../engine/page-size.ts';
import type { LimitRecord, Registry } from '../../storage/storage.ts';
import { longestSearch } from '../pieces.ts';

/** Selects and orders limits. */
export interface LimitSearch {
  /** A part of the key, in any case. */
  readonly key: string;
  readonly sort: 'key' | 'waiting';
}

export interface FoundLimits {
  readonly items: readonly LimitRecord[];
  readonly total: number;
  /** How far the search came; it ends after a second. */
  readonly search: { readonly scanned: number; readonly of: number; readonly complete: boolean };
}

/** Limits of one read of the store. */
const atOnce = 500;

/** Null for the whole list by key, which the store answers page by page. */
export function readLimitSearch(query: Query): LimitSearch | null {
  const { key = '', sort = 'key' } = readQuery('limit.list', query, 0);
  if (key === '' && sort === 'key') return null;
  if (query.cursor !== undefined)
    throw wrongValue('query.cursor', 'is for the list by key; with key or sort=waiting use page or offset');
  return { key: key.toLowerCase(), sort };
}

/** No store has an index for this, so all limits are read, and the best of them are kept. */
export async function searchLimits(
  registry: Registry,
  { key, sort }: LimitSearch,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): Promise<FoundLimits> {
  const until = performance.now() + longestSearch;
  let best: readonly LimitRecord[] = [];
  let total = 0;
  let scanned = 0;
  for (let after: string | undefined; ; ) {
    const page = await registry.limits({ limit: atOnce, ...(after !== undefined && { after }) });
    const matching = page.items.filter((one) => one.key.toLowerCase().includes(key));
    total += matching.length;
    scanned += page.items.length;
    best = [...best, ...matching].sort(sort === 'waiting' ? byWaiting : () => 0).slice(0, offset + limit);
    after = page.next ?? undefined;
    const complete = after === undefined;
    if (complete || performance.now() >= until)
      return { items: best.slice(offset), total, search: { scanned, of: page.total, complete } };
    await turn();
  }
}

/** Sorts the limits that hold back the most jobs first. The sort is stable, so equal ones stay by key. */
function byWaiting(one: LimitRecord, other: LimitRecord): number {
  return other.waiting - one.waiting;
}
