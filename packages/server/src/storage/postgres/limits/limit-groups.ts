import type { Millis } from '@ojs-ts/core';
import { limitedQueue, type QueuePlace } from '@ojs-ts/core/lifecycle';
import { integerOrNull, text } from '../../cells.ts';
import { lock } from '../connection/locks.ts';
import { indexJoin, numbers, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { takeGroupDeltas } from './delta-pages.ts';
import { queuesUnder } from './limit-deltas.ts';
import { type Closed, Limits } from './limits.ts';

/** The jobs of one queue that wait under the same set of keys; a row of the table `limit_groups`. */
export interface LimitGroup {
  readonly readyQueue: string;
  readonly queue: string;
  readonly keys: readonly string[];
  /** The key in whose waitlist the group is. */
  readonly waitlist: string;
}

/** The given groups with the position of their first job; null if a group is empty. */
const groupHeads = `WITH one AS MATERIALIZED (
    SELECT one.*, head.priority, head.place
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS one (ready_queue, queue, keys, waitlist)
    LEFT JOIN LATERAL (
      SELECT priority, place FROM ojs.ready WHERE ready.ready_queue = one.ready_queue
      ORDER BY priority DESC, place LIMIT 1) AS head ON true)`;
const insertGroups = `${groupHeads}, made AS (
    INSERT INTO ojs.limit_groups (ready_queue, queue, keys, waitlist, priority, place)
    SELECT * FROM one WHERE place IS NOT NULL)
  INSERT INTO ojs.limit_group_keys (key, queue, ready_queue) SELECT name.key, queue, ready_queue
  FROM one, json_array_elements_text(keys::json) AS name (key) WHERE place IS NOT NULL`;
const sameGroup = indexJoin('limit_groups.ready_queue', 'one.ready_queue');
const updateGroups = `${groupHeads}, moved AS (
    UPDATE ojs.limit_groups SET waitlist = one.waitlist, priority = one.priority, place = one.place FROM one
    WHERE one.place IS NOT NULL AND ${sameGroup}
  ), gone AS (
    DELETE FROM ojs.limit_groups USING one WHERE one.place IS NULL AND ${sameGroup})
  DELETE FROM ojs.limit_group_keys WHERE ctid = ANY (ARRAY (
    SELECT name.ctid FROM one, json_array_elements_text(one.keys::json) AS each (key), LATERAL (
      SELECT ctid FROM ojs.limit_group_keys
      WHERE key = each.key AND queue = one.queue AND ready_queue = one.ready_queue OFFSET 0) AS name
    WHERE one.place IS NULL))`;
const sameWaitlist = `${indexJoin('waitlists.key', 'one.key')} AND ${indexJoin('waitlists.queue', 'one.queue')}`;
const updateWaitlists = `WITH one AS MATERIALIZED (
    SELECT one.*, head.priority, head.place
    FROM unnest($1::text[], $2::text[], $3::bigint[]) AS one (queue, key, until)
    LEFT JOIN LATERAL (
      SELECT priority, place FROM ojs.limit_groups
      WHERE limit_groups.queue = one.queue AND limit_groups.waitlist = one.key
      ORDER BY priority DESC, place LIMIT 1) AS head ON true
  ), moved AS (
    UPDATE ojs.waitlists SET priority = one.priority, place = one.place, until = one.until FROM one
    WHERE one.place IS NOT NULL AND ${sameWaitlist}
  ), gone AS (
    DELETE FROM ojs.waitlists USING one WHERE one.place IS NULL AND ${sameWaitlist})
  INSERT INTO ojs.waitlists (queue, key, priority, place, until)
  SELECT queue, key, priority, place, until FROM one
  WHERE place IS NOT NULL AND NOT EXISTS (SELECT FROM ojs.waitlists WHERE ${sameWaitlist})`;
const updateClosing = `UPDATE ojs.waitlists SET until = eased.until
  FROM unnest($1::text[], $2::bigint[]) AS eased (key, until)
  WHERE ${indexJoin('waitlists.key', 'eased.key')} AND waitlists.until IS DISTINCT FROM eased.until`;
const openDueWaitlists =
  'UPDATE ojs.waitlists SET until = NULL WHERE queue = ANY ($1::text[]) AND until IS NOT NULL AND until <= $2';
const nextReopening = `SELECT reopens_at FROM ojs.limits WHERE reopens_at > 0 AND reopens_at > $2
    AND EXISTS (SELECT FROM ojs.limit_group_keys WHERE ${indexJoin('limit_group_keys.key', 'limits.key')}
    AND limit_group_keys.queue = ANY ($1::text[]))
  ORDER BY reopens_at LIMIT 1`;

/**
 * The limit groups, under the lock of the limits. The groups of a queue are in waitlists, one for each key (the table
 * `waitlists`); the position of a waitlist is that of its first job. A claim reads only the waitlists of open keys, so
 * a closed key costs nothing, however many groups wait under it. A group that another of its keys holds back moves to
 * the waitlist of that key.
 */
export class LimitGroups {
  readonly limits: Limits;
  readonly #tx: Transaction;
  readonly #now: Millis;
  /** By queue, the position behind which jobs may wait in groups that are not merged yet. */
  readonly #unknown = new Map<string, QueuePlace>();
  #hasMore = false;
  #pages = 0;

  private constructor(tx: Transaction, now: Millis) {
    this.#tx = tx;
    this.#now = now;
    this.limits = new Limits(tx);
    tx.atEnd(() => this.limits.flush());
  }

  /**
   * Takes the lock and merges a page of deltas, those of groups in these queues first. Loading a limit merges the rest
   * of its deltas; {@link unknownFrom} is about the groups that are left.
   */
  static async open(tx: Transaction, now: Millis, queues: readonly string[] = []): Promise<LimitGroups> {
    lock(tx, 'limits', ['limits']);
    const opened = new LimitGroups(tx, now);
    await opened.#merge(queues);
    return opened;
  }

  /**
   * Reports whether deltas that may concern the queue are left for the next page; those of any queue if it is absent.
   */
  isBehind(queue?: string): boolean {
    return this.#hasMore || (queue === undefined ? this.#unknown.size > 0 : this.#unknown.has(queue));
  }

  /** The position behind which jobs of the queue may wait in groups that are not merged yet; null if all are merged. */
  unknownFrom(queue: string): QueuePlace | null {
    return this.#unknown.get(queue) ?? null;
  }

  /** Merges another page, of this queue first; false if nothing is left, or the transaction has merged its share. */
  async mergeMore(queue: string): Promise<boolean> {
    if (!this.isBehind(queue) || this.#pages >= this.#tx.pages.most) return false;
    await this.#merge([queue]);
    return true;
  }

  /** Merges deltas of other transactions and of this one so far. */
  async #merge(queues: readonly string[]): Promise<void> {
    const { limits } = this;
    this.#pages += 1;
    this.#tx.flush();
    // Groups first: an insert that is committed between the two statements is then known by its numbers only, never by
    // its group only.
    const [{ touched, unknownFrom, more }, hasMoreKeys] = await Promise.all([
      takeGroupDeltas(this.#tx, queues),
      limits.merge(),
    ]);
    for (const queue of queues) this.#unknown.delete(queue);
    for (const [queue, position] of unknownFrom) this.#unknown.set(queue, position);
    this.#hasMore = more || hasMoreKeys;
    await limits.load(touched.flatMap(({ keys }) => keys));
    await this.updateClosing();
    const fresh = touched.flatMap(({ waitlist, ...group }) =>
      waitlist === null ? [{ ...group, waitlist: this.#firstWaitlist(group.keys) }] : [],
    );
    const existing = touched.flatMap(({ waitlist, ...group }) => (waitlist === null ? [] : [{ ...group, waitlist }]));
    if (fresh.length > 0) this.#tx.write(insertGroups, columnsOf(fresh));
    this.update(existing, fresh);
  }

  /** Reads limits; waitlists of keys that have opened since are open again. */
  async load(keys: readonly string[]): Promise<void> {
    await this.limits.load(keys);
    await this.updateClosing();
  }

  async loadQueues(queues: readonly string[]): Promise<void> {
    await this.limits.loadQueues(queues);
    await this.updateClosing();
  }

  /** After slots were freed or numbers changed: opens the waitlists of the keys, or closes them until another time. */
  async updateClosing(): Promise<void> {
    const { eased } = this.limits;
    if (eased.size === 0) return;
    const keys = [...eased];
    eased.clear();
    await this.limits.recount(keys);
    const waitlists = keys.filter((key) => limitedQueue(key) === null);
    if (waitlists.length === 0) return;
    this.#tx.write(updateClosing, [
      texts(waitlists),
      numbers(waitlists.map((key) => this.limits.closedUntil(key, this.#now))),
    ]);
  }

  /** The queues in which jobs wait under these keys. */
  async queuesUnder(keys: readonly string[]): Promise<readonly string[]> {
    const whole = keys.flatMap((key) => limitedQueue(key) ?? []);
    return [...(await this.#tx.query(queuesUnder, [texts(keys)])).map(([queue]) => text(queue)), ...whole];
  }

  /** Opens the waitlists whose rates allow the next start by now. */
  openDue(queues: readonly string[]): void {
    this.#tx.write(openDueWaitlists, [texts(queues), this.#now]);
  }

  /**
   * Writes the first position of these groups and of their waitlists; `others` are further waitlists that have changed.
   */
  update(groups: readonly LimitGroup[], others: readonly Pick<LimitGroup, 'queue' | 'waitlist'>[]): void {
    if (groups.length > 0) this.#tx.write(updateGroups, columnsOf(groups));
    const changed = [
      ...new Map(
        [...groups, ...others].map(({ queue, waitlist }) => [`${queue}\n${waitlist}`, { queue, waitlist }]),
      ).values(),
    ];
    if (changed.length === 0) return;
    this.#tx.write(updateWaitlists, [
      texts(changed.map(({ queue }) => queue)),
      texts(changed.map(({ waitlist }) => waitlist)),
      numbers(changed.map(({ waitlist }) => this.limits.closedUntil(waitlist, this.#now))),
    ]);
  }

  /** When the first rate reopens that holds back jobs of these queues. */
  async nextReopening(queues: readonly string[]): Promise<Millis | null> {
    const [row] = await this.#tx.query(nextReopening, [texts(queues), this.#now]);
    return row ? integerOrNull(row[0]) : null;
  }

  /**
   * The waitlist of a new group: that of a closed key, else that under which most jobs wait, so that few are open at
   * once.
   */
  #firstWaitlist(keys: readonly string[]): string {
    const closed: Closed | null = this.limits.closing(keys, this.#now);
    if (closed) return closed.key;
    const [first = ''] = keys;
    return keys.reduce((best, key) => (this.limits.waiting(key) > this.limits.waiting(best) ? key : best), first);
  }
}

function columnsOf(groups: readonly LimitGroup[]): readonly unknown[] {
  return [
    texts(groups.map(({ readyQueue }) => readyQueue)),
    texts(groups.map(({ queue }) => queue)),
    texts(groups.map(({ keys }) => JSON.stringify(keys))),
    texts(groups.map(({ waitlist }) => waitlist)),
  ];
}
