/** Who holds the unique keys of a group that is looked at job by job. */

import type { JobRecord, NewUnique } from '../job/job.ts';
import { State, Terminal } from '../job/states.ts';
import { isIn, uniqueAnswer } from '../lifecycle/change.ts';
import type { Millis } from '../time/clock.ts';

/** A job that has a unique key, with its order of creation. */
export interface Holder {
  readonly job: JobRecord;
  readonly number: number;
}

/** What the store has of a key; it does not change while the group is looked at. */
export interface StoredHolders {
  /** All that a job could replace, and where there is no `oldest` the finished ones that count too. */
  all(key: string): readonly Holder[];
  /**
   * The oldest one in a state that was created after a moment, so that nobody has to read all of them who replaces
   * none.
   */
  readonly oldest: ((key: string, state: State, after: Millis | null) => Holder | null) | null;
}

/** A holder in the state in which the group will have left it; `job` is as it is if the group is refused. */
export interface HeldKey extends Holder, Pick<JobRecord, 'state' | 'createdAt'> {}

interface Known {
  /** Holders as the group will have left them, the oldest first. */
  readonly byState: Map<State, HeldKey[]>;
  /** Those of the store are among them. */
  loaded: boolean;
}

const states: readonly State[] = Object.values(State);

/**
 * Looks in a time that does not grow with the group: each list is in order of age, so those that count are the end of
 * it, and what was replaced is gone from it.
 */
export class HeldKeys {
  readonly #store: StoredHolders;
  readonly #known = new Map<string, Known>();

  constructor(store: StoredHolders) {
    this.#store = store;
  }

  /** Who refuses a job with this key, or whom it replaces. */
  look(unique: NewUnique): ReturnType<typeof uniqueAnswer<HeldKey>> {
    const keeps = unique.onConflict === 'keep';
    const known = this.#of(unique.key);
    const { oldest } = this.#store;
    if (!keeps || oldest === null) this.#load(unique.key, known);
    const found: HeldKey[] = [];
    for (const state of states) {
      if (!isIn(state, unique.states) || (!keeps && isIn(state, Terminal))) continue;
      const list = known.byState.get(state) ?? [];
      const after = unique.createdAfter ?? Number.NEGATIVE_INFINITY;
      const from = firstIndex(list, ({ createdAt }) => createdAt > after);
      for (const one of keeps ? list.slice(from, from + 1) : list.slice(from)) found.push(one);
      const isKnown = oldest === null || (known.loaded && !isIn(state, Terminal));
      const stored = keeps && !isKnown ? oldest(unique.key, state, unique.createdAfter) : null;
      if (stored !== null) found.push(heldKey(stored));
    }
    return uniqueAnswer(unique, found.sort(byAge));
  }

  add(key: string, holder: Holder): void {
    putIn(listOf(this.#of(key), holder.job.state), heldKey(holder));
  }

  /** @param replaced as {@link look} answered it for the key. */
  cancel(key: string, replaced: readonly HeldKey[]): void {
    const known = this.#of(key);
    const gone = new Set(replaced);
    const touched = replaced.reduce<number>((mask, { state }) => mask | state, 0);
    for (const [state, list] of known.byState) {
      if (isIn(state, touched))
        known.byState.set(
          state,
          list.filter((one) => !gone.has(one)),
        );
    }
    for (const one of replaced) putIn(listOf(known, State.cancelled), { ...one, state: State.cancelled });
  }

  #of(key: string): Known {
    const known = this.#known.get(key) ?? { byState: new Map<State, HeldKey[]>(), loaded: false };
    this.#known.set(key, known);
    return known;
  }

  #load(key: string, known: Known): void {
    if (known.loaded) return;
    known.loaded = true;
    for (const one of this.#store.all(key)) listOf(known, one.job.state).push(heldKey(one));
    for (const list of known.byState.values()) list.sort(byAge);
  }
}

function heldKey({ job, number }: Holder): HeldKey {
  return { job, number, state: job.state, createdAt: job.createdAt };
}

function byAge(a: HeldKey, b: HeldKey): number {
  return a.createdAt - b.createdAt || a.number - b.number;
}

function listOf({ byState }: Known, state: State): HeldKey[] {
  const list = byState.get(state) ?? [];
  byState.set(state, list);
  return list;
}

/** From the end: what comes is mostly the youngest. */
function putIn(list: HeldKey[], holder: HeldKey): void {
  let at = list.length;
  for (let before = list[at - 1]; before !== undefined && byAge(holder, before) < 0; before = list[at - 1]) at -= 1;
  list.splice(at, 0, holder);
}

/** Where the first item stands that passes, in an array whose items first all fail and then all pass. */
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
