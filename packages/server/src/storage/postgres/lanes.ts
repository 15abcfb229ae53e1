import { limitedQueue, type Millis } from '@ojs-ts/core';
import { numbers, texts } from './arrays.ts';
import { joined } from './joined.ts';
import { type Closed, Limits } from './limits.ts';
import { lock } from './locks.ts';
import { type Head, takeLaneChanges } from './pages.ts';
import { queuesUnder } from './queues-under.ts';
import { integerOrNull, text } from './row.ts';
import type { Transaction } from './transaction.ts';

export interface Lane {
  readonly line: string;
  readonly queue: string;
  readonly keys: readonly string[];
  /** The group that it stands in. */
  readonly key: string;
}

/** Lanes as they are given, with their first job; null where they are empty. */
const lanesNow = `WITH lane AS MATERIALIZED (
    SELECT lane.*, head.priority, head.place FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS lane (line, queue, keys, key)
    LEFT JOIN LATERAL (
      SELECT priority, place FROM ojs.jobs WHERE jobs.line = lane.line AND place IS NOT NULL ORDER BY priority DESC, place LIMIT 1) AS head ON true)`;
const makeLanes = `${lanesNow}, made AS (
    INSERT INTO ojs.lanes (line, queue, keys, key, priority, place) SELECT * FROM lane WHERE place IS NOT NULL)
  INSERT INTO ojs.lane_keys (key, queue, line) SELECT name.key, queue, line FROM lane, json_array_elements_text(keys::json) AS name (key) WHERE place IS NOT NULL`;
const moveLanes = `${lanesNow}, moved AS (
    UPDATE ojs.lanes SET key = lane.key, priority = lane.priority, place = lane.place FROM lane
    WHERE lane.place IS NOT NULL AND ${joined('lanes.line', 'lane.line')}
  ), gone AS (
    DELETE FROM ojs.lanes USING lane WHERE lane.place IS NULL AND ${joined('lanes.line', 'lane.line')})
  DELETE FROM ojs.lane_keys WHERE ctid = ANY (ARRAY (
    SELECT name.ctid FROM lane, json_array_elements_text(lane.keys::json) AS each (key), LATERAL (
      SELECT ctid FROM ojs.lane_keys WHERE key = each.key AND queue = lane.queue AND line = lane.line OFFSET 0) AS name
    WHERE lane.place IS NULL))`;
const lineUp = `WITH line_up AS MATERIALIZED (
    SELECT line_up.*, head.priority, head.place FROM unnest($1::text[], $2::text[], $3::bigint[]) AS line_up (queue, key, until)
    LEFT JOIN LATERAL (
      SELECT priority, place FROM ojs.lanes WHERE lanes.queue = line_up.queue AND lanes.key = line_up.key ORDER BY priority DESC, place LIMIT 1) AS head ON true
  ), moved AS (
    UPDATE ojs.groups SET priority = line_up.priority, place = line_up.place, until = line_up.until FROM line_up
    WHERE line_up.place IS NOT NULL AND ${joined('groups.key', 'line_up.key')} AND ${joined('groups.queue', 'line_up.queue')}
  ), gone AS (
    DELETE FROM ojs.groups USING line_up
    WHERE line_up.place IS NULL AND ${joined('groups.key', 'line_up.key')} AND ${joined('groups.queue', 'line_up.queue')})
  INSERT INTO ojs.groups (queue, key, priority, place, until)
  SELECT queue, key, priority, place, until FROM line_up WHERE place IS NOT NULL AND NOT EXISTS (
    SELECT FROM ojs.groups WHERE ${joined('groups.key', 'line_up.key')} AND ${joined('groups.queue', 'line_up.queue')})`;
const easeGroups = `UPDATE ojs.groups SET until = eased.until FROM unnest($1::text[], $2::bigint[]) AS eased (key, until)
  WHERE ${joined('groups.key', 'eased.key')} AND groups.until IS DISTINCT FROM eased.until`;
const wakeGroups =
  'UPDATE ojs.groups SET until = NULL WHERE queue = ANY ($1::text[]) AND until IS NOT NULL AND until <= $2';
const nextReopening = `SELECT reopens_at FROM ojs.limits WHERE reopens_at > 0 AND reopens_at > $2
    AND EXISTS (SELECT FROM ojs.lane_keys WHERE ${joined('lane_keys.key', 'limits.key')} AND lane_keys.queue = ANY ($1::text[]))
  ORDER BY reopens_at LIMIT 1`;

/**
 * The lanes of limited jobs, under the lock of the limits. Lanes of a queue stand in groups, one for a key; a group is lined up with its best lane while its key
 * is open. A claim looks at open groups only, so a closed key costs it nothing, however many lanes wait under it. A lane that another of its keys
 * holds back moves to that key's group.
 */
export class Lanes {
  readonly limits: Limits;
  readonly #tx: Transaction;
  readonly #now: Millis;
  /** By queue, from where on jobs may stand in lanes that are not known yet. */
  readonly #unknown = new Map<string, Head>();
  #left = false;
  #pages = 0;

  private constructor(tx: Transaction, now: Millis) {
    this.#tx = tx;
    this.#now = now;
    this.limits = new Limits(tx);
    tx.atEnd(() => this.limits.flush());
  }

  /**
   * Takes the lock, and over a page of what others have changed, of lanes in these queues first.
   * What is not taken over yet of limits is, as soon as they are loaded, so their numbers hold; of lanes {@link unknownFrom} tells.
   */
  static async open(tx: Transaction, now: Millis, queues: readonly string[] = []): Promise<Lanes> {
    lock(tx, 'limits', ['limits']);
    const opened = new Lanes(tx, now);
    await opened.#adopt(queues);
    return opened;
  }

  /** Whether something that others have changed, and that may concern the queue, was left for the next page; of any queue where absent. */
  isBehind(queue?: string): boolean {
    return this.#left || (queue === undefined ? this.#unknown.size > 0 : this.#unknown.has(queue));
  }

  /** From where on jobs of the queue may stand in lanes that are not known yet; null where all are known. */
  unknownFrom(queue: string): Head | null {
    return this.#unknown.get(queue) ?? null;
  }

  /** Takes over another page, of lanes in this queue first; false where nothing is left, or enough was done for one transaction. */
  async adoptMore(queue: string): Promise<boolean> {
    if (!this.isBehind(queue) || this.#pages >= this.#tx.pages.most) return false;
    await this.#adopt([queue]);
    return true;
  }

  /** Takes over what other transactions, and this one so far, have changed of limits and lanes. */
  async #adopt(queues: readonly string[]): Promise<void> {
    const { limits } = this;
    this.#pages += 1;
    this.#tx.flush();
    // Lanes first: an insert that is committed between the two is met with its numbers and without its lane, never the other way round.
    const [{ touched, unknown, more }, limitsBehind] = await Promise.all([
      takeLaneChanges(this.#tx, queues),
      limits.adopt(),
    ]);
    for (const queue of queues) this.#unknown.delete(queue);
    for (const [queue, head] of unknown) this.#unknown.set(queue, head);
    this.#left = more || limitsBehind;
    await limits.load(touched.flatMap(({ keys }) => keys));
    await this.ease();
    const fresh = touched.flatMap(({ key, ...lane }) =>
      key === null ? [{ ...lane, key: this.#home(lane.keys) }] : [],
    );
    const known = touched.flatMap(({ key, ...lane }) => (key === null ? [] : [{ ...lane, key }]));
    if (fresh.length > 0) this.#tx.write(makeLanes, columnsOf(fresh));
    this.settle(known, fresh);
  }

  /** Reads limits; groups of those that turn out to be eased are open again. */
  async load(keys: readonly string[]): Promise<void> {
    await this.limits.load(keys);
    await this.ease();
  }

  async loadQueues(queues: readonly string[]): Promise<void> {
    await this.limits.loadQueues(queues);
    await this.ease();
  }

  /** After slots were freed or numbers changed: groups of the keys are open again, or closed until another time. */
  async ease(): Promise<void> {
    const { eased } = this.limits;
    if (eased.size === 0) return;
    const keys = [...eased];
    eased.clear();
    await this.limits.recount(keys);
    const lanes = keys.filter((key) => limitedQueue(key) === null);
    if (lanes.length === 0) return;
    this.#tx.write(easeGroups, [texts(lanes), numbers(lanes.map((key) => this.limits.closedUntil(key, this.#now)))]);
  }

  /** Queues in which jobs wait under these keys. */
  async queuesUnder(keys: readonly string[]): Promise<readonly string[]> {
    const whole = keys.flatMap((key) => limitedQueue(key) ?? []);
    return [...(await this.#tx.query(queuesUnder, [texts(keys)])).map(([queue]) => text(queue)), ...whole];
  }

  /** Opens groups whose rates let them go on. */
  wakeUp(queues: readonly string[]): void {
    this.#tx.write(wakeGroups, [texts(queues), this.#now]);
  }

  /** Writes what lanes begin with that are there, and their groups; `others` are groups of lanes that have changed besides. */
  settle(lanes: readonly Lane[], others: readonly Pick<Lane, 'queue' | 'key'>[]): void {
    if (lanes.length > 0) this.#tx.write(moveLanes, columnsOf(lanes));
    const changed = [
      ...new Map([...lanes, ...others].map(({ queue, key }) => [`${queue}\n${key}`, { queue, key }])).values(),
    ];
    if (changed.length === 0) return;
    this.#tx.write(lineUp, [
      texts(changed.map(({ queue }) => queue)),
      texts(changed.map(({ key }) => key)),
      numbers(changed.map(({ key }) => this.limits.closedUntil(key, this.#now))),
    ]);
  }

  /** When the first of the rates reopens that hold back jobs that wait in these queues. */
  async nextReopening(queues: readonly string[]): Promise<Millis | null> {
    const [row] = await this.#tx.query(nextReopening, [texts(queues), this.#now]);
    return row ? integerOrNull(row[0]) : null;
  }

  /** The group of a new lane: the key that is closed, or else the one that most jobs wait under, so that few groups are open at once. */
  #home(keys: readonly string[]): string {
    const closed: Closed | null = this.limits.closing(keys, this.#now);
    if (closed) return closed.key;
    const [first = ''] = keys;
    return keys.reduce((best, key) => (this.limits.waiting(key) > this.limits.waiting(best) ? key : best), first);
  }
}

function columnsOf(lanes: readonly Lane[]): readonly unknown[] {
  return [
    texts(lanes.map(({ line }) => line)),
    texts(lanes.map(({ queue }) => queue)),
    texts(lanes.map(({ keys }) => JSON.stringify(keys))),
    texts(lanes.map(({ key }) => key)),
  ];
}
