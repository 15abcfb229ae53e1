/** Statistics of the dead letter (ojs-dead-letter §10.1), for the server and the fake of `@ojs-ts/sdk/testing`. */
import { deadLetters, errorNames, type JobLists, type Selection, select } from '../job/selection.ts';
import { ask, type Steps } from '../steps.ts';
import type { Millis } from '../time/clock.ts';
import { formatDuration } from '../time/duration.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import type { QueueCounts } from './lists.ts';
import { json, type PlainReply } from './reply.ts';

export interface DeadLetterStats {
  readonly total: number;
  readonly byQueue: Readonly<Record<string, number>>;
  /** By the type of the last error, over the newest `counted` jobs. */
  readonly byErrorType: Readonly<Record<string, number>>;
  readonly counted: number;
  readonly newestAt: Millis | null;
  readonly oldestAt: Millis | null;
}

/** Errors are counted over this many of the newest jobs, the default of the retention, in pages. */
const countable = 10_000;
const page = 500;

/** @param queues all of them, with their stored counts. */
export function* countDeadLetters(store: JobLists, queues: readonly QueueCounts[]): Steps<DeadLetterStats> {
  const byQueue = deadLettersByQueue(queues);
  const total = Object.values(byQueue).reduce((sum, count) => sum + count, 0);
  const byErrorType = new Map<string, number>();
  let counted = 0;
  let newestAt: Millis | null = null;
  let oldestAt: Millis | null = null;
  for (let after: string | null = null; counted < countable; ) {
    const { jobs, next }: Selection = yield* ask(select(store, deadLetters, { after, limit: page }));
    for (const job of jobs) {
      const [type = 'Unknown'] = errorNames(job);
      byErrorType.set(type, (byErrorType.get(type) ?? 0) + 1);
    }
    counted += jobs.length;
    newestAt ??= jobs[0]?.finishedAt ?? null;
    oldestAt = jobs.at(-1)?.finishedAt ?? oldestAt;
    after = next;
    if (after === null) break;
  }
  if (counted < total) {
    const { jobs }: Selection = yield* ask(select(store, deadLetters, { offset: total - 1, limit: 1 }));
    oldestAt = jobs[0]?.finishedAt ?? oldestAt;
  }
  return { total, byQueue, byErrorType: Object.fromEntries(byErrorType), counted, newestAt, oldestAt };
}

/** Queues without a dead letter are left out. */
export function deadLettersByQueue(queues: readonly QueueCounts[]): Readonly<Record<string, number>> {
  return Object.fromEntries(queues.flatMap(({ name, deadLetter }) => (deadLetter > 0 ? [[name, deadLetter]] : [])));
}

export function deadLetterStatsReply(
  { total, byQueue, byErrorType, counted, oldestAt, newestAt }: DeadLetterStats,
  retention: { readonly deadLetterMs: Millis; readonly keepDeadLetters: number },
  removed: number,
): PlainReply {
  return json({
    total,
    by_queue: byQueue,
    by_error_type: byErrorType,
    by_error_type_of: counted,
    oldest_at: oldestAt === null ? null : formatTimestamp(oldestAt),
    newest_at: newestAt === null ? null : formatTimestamp(newestAt),
    retention: {
      max_age: formatDuration(retention.deadLetterMs),
      max_count: retention.keepDeadLetters,
      removed_over_cap: removed,
    },
  });
}
