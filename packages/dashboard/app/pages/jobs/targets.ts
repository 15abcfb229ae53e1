/** The jobs of a bulk action: chosen ones, or all that match a query. */
export type BulkTargets =
  | { readonly kind: 'ids'; readonly ids: readonly string[]; readonly queue: string | null }
  | { readonly kind: 'query'; readonly q: string };

/** Ids of one operation: a query has 2,000 characters. */
const idsAtOnce = 50;

/** What the operations say about their jobs. Many chosen jobs are several operations. */
export function selectionsOf(targets: BulkTargets): readonly { readonly query?: string; readonly filter?: object }[] {
  if (targets.kind === 'query') return [targets.q === '' ? { filter: {} } : { query: targets.q }];
  const parts: string[][] = [];
  for (let from = 0; from < targets.ids.length; from += idsAtOnce)
    parts.push(targets.ids.slice(from, from + idsAtOnce));
  // A token for some queues must name one.
  const within = targets.queue === null ? {} : { filter: { queue: targets.queue } };
  return parts.map((ids) => ({ query: `id:${ids.join(',')}`, ...within }));
}
