import { queueLimitKey } from '@ojs-ts/core/job';
import { isClaimedBefore, type QueuePlace } from '@ojs-ts/core/lifecycle';
import { type Cells, integer, readTexts, text } from '../../cells.ts';
import { texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import type { LimitGroup, LimitGroups } from '../limits/limit-groups.ts';
import { readHead } from './queue-head.ts';
import { type Ready, readReady, readyColumns, readyJoins } from './ready-job.ts';

const selectOpenWaitlists = `SELECT key, priority, place FROM ojs.waitlists WHERE queue = $1 AND until IS NULL
  ORDER BY priority DESC, place LIMIT $2`;
const selectGroups = `SELECT best.ready_queue, best.keys, best.waitlist, best.priority, best.place
  FROM unnest($2::text[]) AS wanted (key), LATERAL (
    SELECT * FROM ojs.limit_groups WHERE limit_groups.queue = $1 AND limit_groups.waitlist = wanted.key
    ORDER BY priority DESC, place LIMIT $3) AS best
  ORDER BY best.priority DESC, best.place`;
/**
 * The first `$2` jobs of these groups, which are given in the order of their first jobs, and one more of each group
 * with any. Further jobs are read by their positions only: with as many jobs of each group, a claim of 100 read 8,000
 * jobs of 80 groups. In most cases an n-th of `$2` is enough for the n-th group. The last columns are the number of
 * jobs that were looked for, and the position before which all jobs were read.
 */
const selectHeads = `WITH first AS MATERIALIZED (
    SELECT one.ready_queue, each.priority, each.place
    FROM unnest($1::text[]) WITH ORDINALITY AS one (ready_queue, at), LATERAL (
      SELECT priority, place FROM ojs.ready WHERE ready.ready_queue = one.ready_queue
      ORDER BY priority DESC, place LIMIT least($2::bigint, 2 * $2::bigint / one.at + 1)) AS each
    ORDER BY each.priority DESC, each.place LIMIT $2::bigint),
  share AS MATERIALIZED (SELECT ready_queue, count(*) + 1 AS count FROM first GROUP BY ready_queue)
  SELECT ${readyColumns}, ready.ready_queue, share.count, from_priority, from_place
  FROM share LEFT JOIN (
    SELECT priority AS from_priority, place + 1 AS from_place
      FROM first OFFSET $2::bigint - 1) AS last ON true, LATERAL (
    SELECT * FROM ojs.ready WHERE ready.ready_queue = share.ready_queue
    ORDER BY priority DESC, place LIMIT share.count FOR UPDATE SKIP LOCKED) AS ready ${readyJoins}
  ORDER BY ready.priority DESC, ready.place`;

/** The jobs read from the head of a ready queue, taken one by one. */
export class Head {
  readonly #rows: readonly Ready[];
  readonly #more: boolean;
  #at = 0;

  /** @param more whether the ready queue may continue after the rows. */
  constructor(rows: readonly Ready[], more: boolean) {
    this.#rows = rows;
    this.#more = more;
  }

  peek(): Ready | undefined {
    return this.#rows[this.#at];
  }

  next(): void {
    this.#at += 1;
  }

  /** True if all rows are taken and there may be more. */
  get spent(): boolean {
    return this.#more && this.#at === this.#rows.length;
  }
}

export interface ReadGroup extends LimitGroup {
  readonly head: Head;
}

/** The limit groups of a queue in the waitlist of one open key. */
export interface Waitlist {
  readonly key: string;
  groups: ReadGroup[];
  /** Groups from this position on were not read; null if all were. */
  readonly bound: QueuePlace | null;
}

/** All that one look at a limited queue has read. */
export interface LimitedView {
  /** Jobs without limits. */
  readonly plain: Head;
  readonly waitlists: readonly Waitlist[];
  /** Waitlists from this position on were not read; null if all were. */
  readonly bound: QueuePlace | null;
}

/** Reads the first jobs of a limited queue, enough for a claim of `wanted` jobs in most cases. */
export async function readView(
  tx: Transaction,
  limitGroups: LimitGroups,
  queue: string,
  wanted: number,
): Promise<LimitedView> {
  const [plain, waitlistRows] = await Promise.all([
    tx.query(readHead, [queue, wanted]),
    tx.query(selectOpenWaitlists, [queue, wanted + 1]),
  ]);
  const keys = waitlistRows.map(([key]) => text(key));
  const perWaitlist = keys.length === 0 ? 1 : Math.ceil((2 * wanted) / keys.length) + 1;
  const groupRows = keys.length === 0 ? [] : await tx.query(selectGroups, [queue, texts(keys), perWaitlist]);
  const keysOf = groupRows.map(([, names]) => readTexts(text(names)));
  const [{ heads, unreadFrom }] = await Promise.all([
    readHeads(tx, groupRows, wanted),
    limitGroups.load(keysOf.flat()),
  ]);
  await limitGroups.limits.loadStarts([queueLimitKey(queue), ...keysOf.flat()], wanted);
  const all = keys.map((key): Waitlist => {
    const own = groupRows.flatMap((cells, at) => (cells[2] === key ? [{ cells, keys: keysOf[at] ?? [] }] : []));
    const last = own.at(-1);
    const groups = own.flatMap(({ cells, keys }) => {
      const readyQueue = text(cells[0]);
      const head = heads.get(readyQueue);
      return head ? [{ readyQueue, queue, waitlist: key, keys, head }] : [];
    });
    const bound = last && own.length === perWaitlist ? readPlace(last.cells[3], last.cells[4]) : null;
    return { key, groups, bound: groups.length < own.length ? earlier(bound, unreadFrom) : bound };
  });
  const waitlists = all.filter(({ groups }) => groups.length > 0);
  const last = waitlistRows.at(-1);
  const bound = last && waitlistRows.length > wanted ? readPlace(last[1], last[2]) : null;
  return {
    plain: new Head(plain.map(readReady), plain.length === wanted),
    waitlists,
    bound: waitlists.length < all.length ? earlier(bound, unreadFrom) : bound,
  };
}

function earlier(one: QueuePlace | null, other: QueuePlace | null): QueuePlace | null {
  if (one === null || other === null) return one ?? other;
  return isClaimedBefore(one, other) ? one : other;
}

/** `unreadFrom`: jobs of groups without a head come from this position on; null if such groups have no jobs. */
async function readHeads(
  tx: Transaction,
  groups: readonly Cells[],
  wanted: number,
): Promise<{ readonly heads: ReadonlyMap<string, Head>; readonly unreadFrom: QueuePlace | null }> {
  if (groups.length === 0) return { heads: new Map(), unreadFrom: null };
  const rows = await tx.query(selectHeads, [texts(groups.map(([readyQueue]) => text(readyQueue))), wanted]);
  const byQueue = Map.groupBy(rows, (cells) => text(cells.at(-4)));
  const heads = [...byQueue].map(
    ([name, rows]) => [name, new Head(rows.map(readReady), rows.length === rows[0]?.at(-3))] as const,
  );
  const [, , priority, place] = rows[0]?.slice(-4) ?? [];
  const isBounded = priority !== undefined && priority !== null;
  return { heads: new Map(heads), unreadFrom: isBounded ? readPlace(priority, place) : null };
}

function readPlace(priority: unknown, place: unknown): QueuePlace {
  return { priority: integer(priority), place: integer(place) };
}

export function placeOf({ held, place }: Ready): QueuePlace {
  return { priority: held.job.priority, place };
}

/** A group and its first job. */
export interface FirstOf {
  readonly group: ReadGroup;
  readonly ready: Ready;
}

/**
 * The group of a waitlist whose first job comes first; `unread` if that may be one that was not read, null if none is
 * left.
 */
export function firstOf({ groups, bound }: Waitlist): FirstOf | 'unread' | null {
  let first: FirstOf | null = null;
  for (const group of groups) {
    const ready = group.head.peek();
    if (!ready) {
      if (group.head.spent) return 'unread';
      continue;
    }
    if (!first || isClaimedBefore(placeOf(ready), placeOf(first.ready))) first = { group, ready };
  }
  if (bound && !(first && !isClaimedBefore(bound, placeOf(first.ready)))) return 'unread';
  return first;
}
