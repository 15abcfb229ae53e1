import type { Millis } from '@ojs-ts/core';
import { type State, Terminal } from '@ojs-ts/core/job';
import { firstIndex, isIn } from '@ojs-ts/core/lifecycle';
import type { OrderedJob } from './ready-queue.ts';

/** Oldest first. */
function compareAges(a: OrderedJob, b: OrderedJob): number {
  return a.job.createdAt - b.job.createdAt || a.number - b.number;
}

/** The holders of unique keys: jobs by key and state. */
export class UniqueKeys {
  readonly #byKey = new Map<string, Map<State, Sorted<OrderedJob>>>();

  add(row: OrderedJob): void {
    const { uniqueKey, state } = row.job;
    if (uniqueKey === null) return;
    let states = this.#byKey.get(uniqueKey);
    if (!states) {
      states = new Map();
      this.#byKey.set(uniqueKey, states);
    }
    let rows = states.get(state);
    if (!rows) {
      rows = new Sorted(compareAges);
      states.set(state, rows);
    }
    rows.add(row);
  }

  remove(row: OrderedJob): void {
    const { uniqueKey, state } = row.job;
    if (uniqueKey === null) return;
    const states = this.#byKey.get(uniqueKey);
    const rows = states?.get(state);
    rows?.remove(row);
    if (rows?.items.length === 0) states?.delete(state);
    if (states?.size === 0) this.#byKey.delete(uniqueKey);
  }

  /** Every unfinished job of a key. */
  unfinished(key: string): OrderedJob[] {
    return [...(this.#byKey.get(key) ?? [])].flatMap(([state, rows]) => (isIn(state, Terminal) ? [] : [...rows.items]));
  }

  /** The oldest job of a key and a state that was created after a moment. */
  oldest(key: string, state: State, after: Millis | null): OrderedJob | undefined {
    return this.#byKey
      .get(key)
      ?.get(state)
      ?.first(({ job }) => after === null || job.createdAt > after);
  }
}

/** Items in order. Most are added near the end and removed near the start, which is cheap. */
class Sorted<T> {
  readonly #items: T[] = [];
  readonly #compare: (a: T, b: T) => number;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get items(): readonly T[] {
    return this.#items;
  }

  add(item: T): void {
    this.#items.splice(
      firstIndex(this.#items, (other) => this.#compare(other, item) > 0),
      0,
      item,
    );
  }

  remove(item: T): void {
    const at = firstIndex(this.#items, (other) => this.#compare(other, item) >= 0);
    if (this.#items[at] === item) this.#items.splice(at, 1);
  }

  /** The first item that passes `test`, which must pass for every later item too. */
  first(test: (item: T) => boolean): T | undefined {
    return this.#items[firstIndex(this.#items, test)];
  }
}
