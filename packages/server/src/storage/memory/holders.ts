import { type NewUnique, type State, Terminal } from '@ojs-ts/core';
import { isIn } from '../apply.ts';
import { Sorted } from './sorted.ts';
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

  /** All that an insert may have to know: every unfinished job of the key, and of each finished state the oldest that counts. */
  candidates({ key, createdAfter }: NewUnique): Row[] {
    const found: Row[] = [];
    for (const [state, rows] of this.#byKey.get(key) ?? []) {
      if (!isIn(state, Terminal)) found.push(...rows.items);
      else {
        const oldest = rows.first(({ job }) => createdAfter === null || job.createdAt > createdAfter);
        if (oldest) found.push(oldest);
      }
    }
    return found;
  }
}
