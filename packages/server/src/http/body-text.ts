import { isUtf8 } from 'node:buffer';

/**
 * Bytes that become text at once. A body of 31 MB in one buffer would make glibc keep buffers of that size for itself
 * ever after (its threshold for `mmap` follows the largest that was freed): 100 MB more resident.
 */
const pieceBytes = 262_144;

const nothing = Buffer.alloc(0);

/** Makes text of UTF-8 that arrives in chunks. */
export class BodyText {
  #text = '';
  #chunks: Buffer[] = [];
  #waiting = 0;
  #isValid = true;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#waiting += chunk.length;
    if (this.#waiting >= pieceBytes) this.#read(this.#take());
  }

  /** The text; null where the bytes are no UTF-8. */
  end(): string | null {
    const rest = this.#read(this.#take());
    return this.#isValid && rest === 0 ? this.#text : null;
  }

  #take(): Buffer {
    const [first = nothing] = this.#chunks;
    const bytes = this.#chunks.length > 1 ? Buffer.concat(this.#chunks, this.#waiting) : first;
    this.#chunks = [];
    this.#waiting = 0;
    return bytes;
  }

  /** Answers how many bytes at the end are only the beginning of a character: they wait for the rest of it. */
  #read(bytes: Buffer): number {
    const cut = beginningOf(bytes);
    const whole = cut === 0 ? bytes : bytes.subarray(0, bytes.length - cut);
    if (cut > 0) {
      this.#chunks.push(Buffer.from(bytes.subarray(bytes.length - cut)));
      this.#waiting = cut;
    }
    if (!this.#isValid) return cut;
    this.#isValid = isUtf8(whole);
    this.#text = this.#isValid ? this.#text + whole.toString('utf8') : '';
    return cut;
  }
}

/** Bytes at the end that belong to a character of more bytes (RFC 3629 §3). */
function beginningOf(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}
