import type { Family, Labels } from './series.ts';

/** Further label sets of an instrument count together, under `other`: clients choose the names of queues. */
const maxLabelSets = 1_000;

/** The values of an instrument for each label set. */
class ByLabels<T> {
  readonly #make: (labels: Labels) => T;
  readonly #known = new Map<string, T>();
  #other: T | undefined;

  constructor(make: (labels: Labels) => T) {
    this.#make = make;
  }

  of(labels: Labels): T {
    const key = Object.values(labels).join('\n');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= maxLabelSets) {
      this.#other ??= this.#make(Object.fromEntries(Object.keys(labels).map((name) => [name, 'other'])));
      return this.#other;
    }
    const made = this.#make(labels);
    this.#known.set(key, made);
    return made;
  }

  all(): readonly T[] {
    return [...this.#known.values(), ...(this.#other === undefined ? [] : [this.#other])];
  }
}

class Value {
  readonly labels: Labels;
  value = 0;

  constructor(labels: Labels) {
    this.labels = labels;
  }
}

export class Counter {
  readonly #name: string;
  readonly #help: string;
  readonly #values = new ByLabels((labels) => new Value(labels));

  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  add(labels: Labels): void {
    this.#values.of(labels).value += 1;
  }

  family(): Family {
    return { name: this.#name, help: this.#help, kind: 'counter', samples: this.#values.all() };
  }
}

export class Gauge {
  readonly #name: string;
  readonly #help: string;
  readonly #values = new ByLabels((labels) => new Value(labels));

  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  set(value: number, labels: Labels = {}): void {
    this.#values.of(labels).value = value;
  }

  add(by: number, labels: Labels = {}): void {
    this.#values.of(labels).value += by;
  }

  family(): Family {
    return { name: this.#name, help: this.#help, kind: 'gauge', samples: this.#values.all() };
  }
}

/** The values of one label set of a histogram. */
export class Recorder {
  readonly labels: Labels;
  readonly #bounds: readonly number[];
  /** By the first bound that a value does not exceed; the last one is for values beyond all bounds. */
  readonly #counts: number[];
  sum = 0;

  constructor(labels: Labels, bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
    this.#counts.push(0);
  }

  /** @param times how many values are like this one. */
  record(value: number, times = 1): void {
    let at = 0;
    while (value > (this.#bounds[at] ?? Number.POSITIVE_INFINITY)) at++;
    this.#counts[at] = (this.#counts[at] ?? 0) + times;
    this.sum += value * times;
  }

  get cumulative(): readonly number[] {
    let total = 0;
    return this.#counts.map((count) => {
      total += count;
      return total;
    });
  }
}

export class Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #recorders: ByLabels<Recorder>;

  /** @param bounds in rising order. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#bounds = bounds;
    this.#recorders = new ByLabels((labels) => new Recorder(labels, bounds));
  }

  of(labels: Labels): Recorder {
    return this.#recorders.of(labels);
  }

  /** Without label sets that have no value. */
  family(): Family {
    const samples = this.#recorders.all().flatMap(({ labels, cumulative, sum }) => {
      return cumulative.at(-1) === 0 ? [] : [{ labels, cumulative, sum }];
    });
    return { name: this.#name, help: this.#help, kind: 'histogram', bounds: this.#bounds, samples };
  }
}
