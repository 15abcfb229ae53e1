/** Items in order. Additions near the end and removals near the start are the common ones, and cheap. */
export class Sorted<T> {
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

  /** The first item that passes; `test` must fail for those before it and pass for those behind it. */
  first(test: (item: T) => boolean): T | undefined {
    return this.#items[firstIndex(this.#items, test)];
  }
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
