/** Counts of the executions of this run. */
export interface Tally {
  done: number;
  failed: number;
  retried: number;
}

/** A live line on a terminal, a plain line every second elsewhere. */
export class Progress {
  readonly #tally: Tally;
  readonly #total: number;
  readonly #started = performance.now();
  readonly #live = process.stdout.isTTY;
  readonly #timer: NodeJS.Timeout;

  constructor(tally: Tally, total: number) {
    this.#tally = tally;
    this.#total = total;
    this.#timer = setInterval(() => this.#print(), this.#live ? 100 : 1_000);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#print();
    if (this.#live) process.stdout.write('\n');
  }

  #print(): void {
    const { done, failed, retried } = this.#tally;
    const seconds = (performance.now() - this.#started) / 1_000;
    const line = `done ${done}/${this.#total}  failed ${failed}  retried ${retried}  ${Math.round(done / seconds)} jobs/s`;
    process.stdout.write(this.#live ? `\r\x1b[K${line}` : `${line}\n`);
  }
}
