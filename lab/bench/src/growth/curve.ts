import type { StoreKind } from '../store.ts';
import type { Bench } from './bench.ts';
import type { Unit } from './cost.ts';

/**
 * What a curve must keep. `growth`: the last size over the first one. `beside`: the operation over another one, at the
 * last size. `value`: the cost itself at the last size. `least` turns the bound around.
 */
export interface Bound {
  readonly what: string;
  readonly kind: 'growth' | 'value' | { readonly beside: string };
  readonly bound: number;
  /** `µs` if left out. */
  readonly unit?: Unit;
  readonly least?: true;
  /** Only on these storages. */
  readonly on?: readonly StoreKind[];
}

/** A count of something in the store or around it, and what operations cost as it grows. */
export interface Curve {
  readonly name: string;
  /** What a size counts, such as `queues`. */
  readonly of: string;
  readonly storages: readonly StoreKind[];
  /** Of `npm run lab`, and with `--big`; from the first size to the last one. */
  readonly sizes: { readonly small: readonly number[]; readonly big: readonly number[] };
  readonly bounds: readonly Bound[];
  /** Fills an empty store and measures on it, in a process of its own. */
  measure(bench: Bench, size: number): Promise<void>;
}
