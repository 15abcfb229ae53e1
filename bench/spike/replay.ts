import type { NewJob, Store } from './contract.ts';

/** The log by position is a history: what a job does comes in order, and under a key there are never more than its limit at once. */
export async function replay(
  store: Store,
  byId: ReadonlyMap<string, NewJob>,
  check: (good: boolean, what: string) => void,
): Promise<number> {
  const state = new Map<string, 'waiting' | 'running'>();
  const running = new Map<string, number>();
  let after = 0;
  let seen = 0;
  for (;;) {
    const batches = await store.events(after, 100);
    if (batches.length === 0) return seen;
    for (const { position, kind, ids } of batches) {
      check(position === after + 1, `position ${position} follows ${after}`);
      after = position + ids.length - 1;
      seen += ids.length;
      for (const id of ids) {
        const was = state.get(id);
        if (kind === 'enqueued') {
          check(was === undefined, `${id} is enqueued while ${was}`);
          state.set(id, 'waiting');
          continue;
        }
        if (kind === 'started') check(was === 'waiting', `${id} starts while ${was}`);
        else check(was !== undefined, `${id} moves before it is there`);
        state.set(id, kind === 'started' ? 'running' : 'waiting');
        const change = kind === 'started' ? 1 : was === 'running' ? -1 : 0;
        for (const limit of byId.get(id)?.limits ?? []) {
          const count = (running.get(limit.key) ?? 0) + change;
          running.set(limit.key, count);
          if (limit.concurrency !== null) check(count <= limit.concurrency, `the log has ${count} jobs at once under ${limit.key}`);
        }
      }
    }
  }
}
