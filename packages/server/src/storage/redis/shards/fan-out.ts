/** Throws the first failure only after all promises have settled, so that no work continues after the call. */
export async function allSettled<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

/**
 * Runs items in their shards, one call a shard; answers in the order of the items.
 * @param places of the items; null for an item of no shard, which gets the answer `missing`.
 */
export async function fanOut<In, Out>(
  items: readonly In[],
  places: readonly (number | null)[],
  run: (place: number, items: readonly In[]) => Promise<readonly Out[]>,
  missing: Out,
): Promise<readonly Out[]> {
  const parts = new Map<number, { readonly at: number; readonly item: In }[]>();
  for (const [at, item] of items.entries()) {
    const place = places[at] ?? null;
    if (place === null) continue;
    const part = parts.get(place);
    if (part) part.push({ at, item });
    else parts.set(place, [{ at, item }]);
  }
  const answers = await allSettled(
    [...parts].map(async ([place, part]) => {
      const found = await run(
        place,
        part.map(({ item }) => item),
      );
      return found.map((answer, index) => [part[index]?.at, answer] as const);
    }),
  );
  const found = new Map(answers.flat());
  return items.map((_, at) => found.get(at) ?? missing);
}

/**
 * Merges lists, each of which keeps its order.
 * @param before whether an item of one list comes before one of another.
 */
export function mergeOrdered<T>(lists: readonly (readonly T[])[], before: (a: T, b: T) => boolean): readonly T[] {
  return lists.reduce<readonly T[]>((merged, list) => {
    const out: T[] = [];
    let at = 0;
    for (const item of merged) {
      for (let next = list[at]; next !== undefined && before(next, item); next = list[at]) {
        out.push(next);
        at += 1;
      }
      out.push(item);
    }
    return out.concat(list.slice(at));
  }, []);
}
