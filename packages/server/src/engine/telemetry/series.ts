/** Measurements in the terms of Prometheus. How they are written is the binding's. */

/** Names and values, in the order in which they are shown. */
export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface Distribution {
  readonly labels: Labels;
  /** How many values were at most each bound, and as the last element how many there were. */
  readonly cumulative: readonly number[];
  readonly sum: number;
}

/**
 * One metric with everything that is known of it. The name of a counter ends in `_total`. Samples may be made while
 * they are read.
 */
export type Family = { readonly name: string; readonly help: string } & (
  | { readonly kind: 'counter' | 'gauge'; readonly samples: Iterable<Sample> }
  | { readonly kind: 'histogram'; readonly bounds: readonly number[]; readonly samples: Iterable<Distribution> }
);
