import { type Millis, type State, Terminal } from '@ojs-ts/core';
import { isIn } from '../apply.ts';
import { Sorted } from '../sorted.ts';
import type { Row } from './tables.ts';

/** Oldest first. */
export function compareAges(a: Row, b: Row): number {
  return a.job.createdAt - b.job.createdAt || a.number - b.number;
}

/** Jobs by unique key and state. */
export class Holders {
  readonly #byKey = new Map<string, Map<State, Sorted<Row>>>();

  add(row: Row): void {
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

  remove(row: Row): void {
    const { uniqueKey, state } = row.job;
    if (uniqueKey === null) return;
    const states = this.#byKey.get(uniqueKey);
    const rows = states?.get(state);
    rows?.remove(row);
    if (rows?.items.length === 0) states?.delete(state);
    if (states?.size === 0) this.#byKey.delete(uniqueKey);
  }

  /** Every unfinished job of a key. */
  unfinished(key: string): Row[] {
    return [...(this.#byKey.get(key) ?? [])].flatMap(([state, rows]) => (isIn(state, Terminal) ? [] : [...rows.items]));
  }

  /** The oldest job of a key and a state that was created after a moment. */
  oldest(key: string, state: State, after: Millis | null): Row | undefined {
    return this.#byKey
      .get(key)
      ?.get(state)
      ?.first(({ job }) => after === null || job.createdAt > after);
  }
}
