import { integer, integerOrNull } from '../cells.ts';
import type { OldestJob } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import { statements } from './statements.ts';

/** Look-ups after which other work may run: about 5 ms. */
const turn = 1000;
/** Above every priority. */
const highest = 1_000_000;

/**
 * Returns for each queue the job that has been available longest. In a ready queue that is the first job of one of its
 * priorities: places grow with the time.
 */
export async function oldest(sql: Connection, queues: readonly string[]): Promise<readonly OldestJob[]> {
  const found: OldestJob[] = [];
  let looked = 0;
  for (const queue of queues) {
    let first: { readonly place: number; readonly number: number } | null = null;
    for (const readyQueue of sql.values(statements.readyQueuesOf, queue, queue).map(integer)) {
      for (let priority = highest; ; ) {
        const head = sql.get(statements.readyHeadBelow, readyQueue, priority);
        looked += 1;
        if (looked % turn === 0) await new Promise((resolve) => setImmediate(resolve));
        if (!head) break;
        ({ priority } = head);
        if (first === null || head.place < first.place) first = head;
      }
    }
    const enqueuedAt = first && integerOrNull(sql.value(statements.enqueuedAt, first.number) ?? null);
    if (enqueuedAt !== null) found.push({ queue, enqueuedAt });
  }
  return found;
}
