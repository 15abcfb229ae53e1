/** Items of the first page, and of the largest. */
const first = 8;
const most = 500;

/** How many items to read at once where each may have megabytes: few at first, more while they are small. */
export class PageSize {
  readonly #small: number;
  #items = first;

  /** @param bytes about how much a page may have. */
  constructor(bytes: number) {
    this.#small = bytes / 16;
  }

  get items(): number {
    return this.#items;
  }

  /** The last page had so many bytes. */
  had(bytes: number): void {
    this.#items = bytes < this.#small ? Math.min(most, 8 * this.#items) : Math.max(1, this.#items >> 1);
  }
}
