import type { Chance } from '../random.ts';
import type { Recorded } from './recording.ts';

/** What a disk writes whole or not at all. */
const sectorBytes = 512;
type Change = Extract<Recorded, { type: 'write' | 'truncate' }>;

/** A file as a disk may have it after the power failed: what was synchronised, and chance decides on the rest. */
export class DiskFile {
  #bytes = Buffer.alloc(0);
  #size = 0;
  /** Written since the last synchronisation, in order. */
  readonly #pending: Change[] = [];
  /** How many changes each synchronisation under way is to make certain. */
  readonly #begun = new Map<number, Change | null>();

  add(record: Recorded): void {
    if (record.type === 'write' || record.type === 'truncate') this.#pending.push(record);
    else if (record.type === 'begun') this.#begun.set(record.sync, this.#pending.at(-1) ?? null);
    else {
      const last = this.#begun.get(record.sync) ?? null;
      const count = last === null ? 0 : this.#pending.indexOf(last) + 1;
      for (const change of this.#pending.splice(0, count)) this.#apply(change);
    }
  }

  /** The power fails. @returns how many bytes were lost */
  fail(chance: Chance): number {
    let lost = 0;
    // Often nothing of it had reached the disk; else each change had, in part, or not, whatever came before it.
    const isAllLost = chance.next() < 0.2;
    for (const change of this.#pending) {
      const fate = chance.next();
      if (isAllLost || fate < 0.4) lost += change.type === 'write' ? change.data.length : 0;
      else if (fate < 0.6 && change.type === 'write') this.#tear(change, chance);
      else this.#apply(change);
    }
    return lost;
  }

  get contents(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  #tear({ offset, data, ...change }: Extract<Change, { type: 'write' }>, chance: Chance): void {
    for (let at = 0; at < data.length; at += sectorBytes)
      if (chance.next() < 0.5)
        this.#apply({ ...change, offset: offset + at, data: data.subarray(at, at + sectorBytes) });
  }

  #apply(change: Change): void {
    if (change.type === 'write') {
      this.#grow(change.offset + change.data.length);
      change.data.copy(this.#bytes, change.offset);
    } else if (change.offset > this.#size) this.#grow(change.offset);
    else {
      this.#bytes.fill(0, change.offset, this.#size);
      this.#size = change.offset;
    }
  }

  #grow(size: number): void {
    if (size > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(size, 2 * this.#bytes.length));
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    this.#size = Math.max(this.#size, size);
  }
}
