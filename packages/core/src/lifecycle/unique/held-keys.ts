/** The holders of the unique keys of a group, while the group is checked job by job. */

import type { JobRecord, NewUnique } from '../../job/job.ts';
import { State, Terminal } from '../../job/states.ts';
import type { Millis } from '../../time/clock.ts';
import { isIn, uniqueAnswer } from '../change.ts';

/** A job that has a unique key, with its order of creation. */
export interface Holder {
  readonly job: JobRecord;
  readonly number: number;
}

/** The store's holders of a key. They must not change while the group is checked. */
export interface StoredHolders {
  /** Every job that could be replaced and, without `oldest`, also the finished ones that count. */
  all(key: string): readonly Holder[];
  /**
   * The oldest one in a state that was created after a moment, so that a caller who replaces none need not read all of
   * them.
   */
  readonly oldest: ((key: string, state: State, after: Millis | null) => Holder | null) | null;
}

/** A holder in its state after the group; `job` is its record if the group is refused. */
export interface HeldKey extends Holder, Pick<JobRecord, 'state' | 'createdAt'> {}

interface KeyHolders {
  /** The holders after the group, oldest first. */
  readonly byState: Map<State, HeldKey[]>;
  /** True if those of the store are included. */
  loaded: boolean;
}

const states: readonly State[] = Object.values(State);

/**
 * The time does not grow with the group: each list is sorted by age, so the ones that count are at its end, and
 * replaced ones are removed.
 */
export class HeldKeys {
  readonly #store: StoredHolders;
  readonly #holders = new Map<string, KeyHolders>();

  constructor(store: StoredHolders) {
    this.#store = store;
  }

  /** The job that refuses a new one with this key, or the jobs that the new one replaces. */
  look(unique: NewUnique): ReturnType<typeof uniqueAnswer<HeldKey>> {
    const keeps = unique.onConflict === 'keep';
    const holders = this.#of(unique.key);
    const { oldest } = this.#store;
    if (!keeps || oldest === null) this.#load(unique.key, holders);
    const found: HeldKey[] = [];
    for (const state of states) {
      if (!isIn(state, unique.states) || (!keeps && isIn(state, Terminal))) continue;
      const list = holders.byState.get(state) ?? [];
      const after = unique.createdAfter ?? Number.NEGATIVE_INFINITY;
      const from = firstIndex(list, ({ createdAt }) => createdAt > after);
      for (const one of keeps ? list.slice(from, from + 1) : list.slice(from)) found.push(one);
      const isLoaded = oldest === null || (holders.loaded && !isIn(state, Terminal));
      const stored = keeps && !isLoaded ? oldest(unique.key, state, unique.createdAfter) : null;
      if (stored !== null) found.push(heldKey(stored));
    }
    return uniqueAnswer(unique, found.sort(byAge));
  }

  add(key: string, holder: Holder): void {
    putIn(listOf(this.#of(key), holder.job.state), heldKey(holder));
  }

  /** @param replaced as {@link look} returned it for the key. */
  cancel(key: string, replaced: readonly HeldKey[]): void {
    const holders = this.#of(key);
    const gone = new Set(replaced);
    const touched = replaced.reduce<number>((mask, { state }) => mask | state, 0);
    for (const [state, list] of holders.byState) {
      if (isIn(state, touched))
        holders.byState.set(
          state,
          list.filter((one) => !gone.has(one)),
        );
    }
    for (const one of replaced) putIn(listOf(holders, State.cancelled), { ...one, state: State.cancelled });
  }

  #of(key: string): KeyHolders {
    const holders = this.#holders.get(key) ?? { byState: new Map<State, HeldKey[]>(), loaded: false };
    this.#holders.set(key, holders);
    return holders;
  }

  #load(key: string, holders: KeyHolders): void {
    if (holders.loaded) return;
    holders.loaded = true;
    for (const one of this.#store.all(key)) listOf(holders, one.job.state).push(heldKey(one));
    for (const list of holders.byState.values()) list.sort(byAge);
  }
}

function heldKey({ job, number }: Holder): HeldKey {
  return { job, number, state: job.state, createdAt: job.createdAt };
}

function byAge(a: HeldKey, b: HeldKey): number {
  return a.createdAt - b.createdAt || a.number - b.number;
}

function listOf({ byState }: KeyHolders, state: State): HeldKey[] {
  const list = byState.get(state) ?? [];
  byState.set(state, list);
  return list;
}

/** From the end: a new job is mostly the youngest. */
function putIn(list: HeldKey[], holder: HeldKey): void {
  let at = list.length;
  for (let before = list[at - 1]; before !== undefined && byAge(holder, before) < 0; before = list[at - 1]) at -= 1;
  list.splice(at, 0, holder);
}

/** Index of the first item that passes, in an array whose items first all fail and then all pass. */
export function firstIndex<T>(items: readonly T[], test: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && test(item)) high = middle;
    else low = middle + 1;
  }
  return low;
}
