import { currentFake } from './fake.ts';

/**
 * The clock of the server, read from the `Date` of its answers. Equal to the local clock if the answers have no date.
 */
export class ServerClock {
  /** The server's clock minus the own one, in milliseconds. */
  #offset = 0;
  /** The last `Date`, read once a second. */
  #date = { text: '', at: Number.NaN };

  now(): number {
    return currentFake()?.now?.() ?? Date.now() + this.#offset;
  }

  /**
   * `Date` has whole seconds (RFC 9110 §6.6.1) and the answer took some time, so an offset that is consistent with both
   * is kept.
   * @param sentAt by the own clock.
   */
  answered(headers: Readonly<Record<string, string>>, sentAt: number): void {
    const { date: text = '' } = headers;
    if (text !== this.#date.text) this.#date = { text, at: Date.parse(text) };
    const date = this.#date.at;
    // An answer with an age comes from a cache and has the date of its creation.
    if (Number.isNaN(date) || headers.age !== undefined) return;
    const [least, most] = [date - Date.now(), date + 1_000 - sentAt];
    if (least <= most) this.#offset = Math.min(Math.max(this.#offset, least), most);
  }
}
