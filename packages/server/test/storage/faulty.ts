import type { Storage } from '../../src/storage/storage.ts';
import { StoreUnavailable } from '../../src/storage/unavailable.ts';

export interface FaultOptions {
  /** What decides which calls fail and when; the same seed, and the same calls, fail alike. */
  readonly seed: number;
  /**
   * Of each operation one in so many calls fails; where strictly every second one did, a caller of two in a row would
   * never get through.
   */
  readonly every: number;
}

/**
 * A call that failed: `before` it reached the store, or `after` it took effect there, with the answer that its caller
 * never got.
 */
export class Fault extends StoreUnavailable {
  readonly operation: string;
  readonly when: 'before' | 'after';
  readonly answer: unknown;

  constructor(operation: string, number: number, when: 'before' | 'after', answer: unknown) {
    super(`Call ${number} of ${operation} was made to fail ${when} its effect.`);
    this.operation = operation;
    this.when = when;
    this.answer = answer;
  }
}

interface Track {
  calls: number;
  readonly random: () => number;
}

/**
 * The storage, of which calls of each operation fail. Every operation of the interface is meant, those of its parts
 * too, and no other: what is added to the interface fails here at once. Disposing of it leaves the storage open.
 */
export function faulty(storage: Storage, { seed, every }: FaultOptions): Storage {
  const tracks = new Map<string, Track>();

  async function attempt(operation: string, call: () => Promise<unknown>): Promise<unknown> {
    const track = tracks.get(operation) ?? { calls: 0, random: randomOf(`${seed} ${operation}`) };
    tracks.set(operation, track);
    const number = ++track.calls;
    if (track.random() * every >= 1) return call();
    if (track.random() < 0.4) throw new Fault(operation, number, 'before', undefined);
    const answer = await call();
    // Nobody else will ever end a subscription that nobody was given.
    if (isDisposable(answer)) await answer[Symbol.asyncDispose]();
    throw new Fault(operation, number, 'after', answer);
  }

  return around(storage, attempt);
}

/** The storage, of which every call is made again until it is answered. */
export function persistent(storage: Storage): Storage {
  return around(storage, async (_, call) => (await persist(call)).answer);
}

/**
 * The storage, with `make` between it and the callers of its operations and those of its parts. Disposing of it leaves
 * the storage open.
 */
export function around<T extends object>(
  target: T,
  make: (operation: string, call: () => Promise<unknown>) => Promise<unknown>,
  path = '',
): T {
  return new Proxy(target, {
    get(_, name) {
      if (name === Symbol.asyncDispose && path === '') return async () => {};
      const value: unknown = Reflect.get(target, name, target);
      if (typeof name === 'symbol' || name === 'traits') return value;
      if (typeof value === 'function')
        return (...args: unknown[]) => make(path + name, () => Reflect.apply(value, target, args));
      return typeof value === 'object' && value !== null ? around(value, make, `${path}${name}.`) : value;
    },
  });
}

/** Makes the call again, as a caller does whose call failed, until it is answered; tells the faults on the way. */
export async function persist<T>(
  call: () => Promise<T>,
): Promise<{ readonly answer: T; readonly faults: readonly Fault[] }> {
  const faults: Fault[] = [];
  for (;;) {
    try {
      return { answer: await call(), faults };
    } catch (error) {
      if (!(error instanceof Fault) || faults.length > 50) throw error;
      faults.push(error);
    }
  }
}

/** Numbers in [0, 1) that follow from a text (mulberry32 over its FNV-1a hash). */
export function randomOf(seed: string): () => number {
  let state = 0x811c9dc5;
  for (const character of seed) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

function isDisposable(value: unknown): value is AsyncDisposable {
  return typeof value === 'object' && value !== null && Symbol.asyncDispose in value;
}
