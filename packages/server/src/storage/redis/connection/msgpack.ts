/** MessagePack as far as the scripts' `cmsgpack` speaks it: a request or an answer as one value. */

export type Packed =
  | null
  | boolean
  | number
  | string
  | Buffer
  | Written
  | readonly Packed[]
  | { readonly [name: string]: Packed | undefined };

/** Bytes that are written straight into the request. */
export interface Written {
  /** The most bytes that it takes. */
  readonly most: number;
  /** Writes from `at` on; answers where it ends. */
  readonly write: (bytes: Buffer, at: number) => number;
}

/** Bytes of a packer's buffer. */
const leastKept = 64 * 1024;
const mostKept = 1024 * 1024;

/** Writes values; all of them share one buffer. */
export class Packer {
  #buffer = Buffer.allocUnsafe(leastKept);
  #at = 0;
  /** Encoded names of members. */
  readonly #names = new Map<string, Buffer>();

  /** A null, and an undefined in an array, become `false`: an array in Lua has no holes. */
  pack(value: Packed): Buffer {
    this.#at = 0;
    this.#value(value);
    const packed = this.#buffer.subarray(0, this.#at);
    if (this.#buffer.length <= mostKept) return Buffer.from(packed);
    // A large value takes the buffer with it: neither a copy nor a buffer of its size stays.
    this.#buffer = Buffer.allocUnsafe(leastKept);
    return packed;
  }

  #value(value: Packed | undefined): void {
    if (typeof value === 'string') this.#text(value);
    else if (typeof value === 'number') this.#number(value);
    else if (value === null || value === undefined) this.#byte(0xc2);
    else if (typeof value === 'boolean') this.#byte(value ? 0xc3 : 0xc2);
    else if (isArray(value)) {
      this.#head(0x90, 0xdc, value.length);
      for (const item of value) this.#value(item);
    } else if (value instanceof Uint8Array) this.#bytes(value);
    else if (isWritten(value)) this.#written(value);
    else this.#map(value);
  }

  #written({ most, write }: Written): void {
    this.#reserve(5 + most);
    const start = this.#at + 5;
    const end = write(this.#buffer, start);
    this.#buffer[this.#at] = 0xdb;
    this.#buffer.writeUInt32BE(end - start, this.#at + 1);
    this.#at = end;
  }

  #bytes(value: Uint8Array): void {
    this.#reserve(5 + value.length);
    this.#buffer[this.#at] = 0xdb;
    this.#buffer.writeUInt32BE(value.length, this.#at + 1);
    this.#buffer.set(value, this.#at + 5);
    this.#at += 5 + value.length;
  }

  /** Members without a value are left out: what is absent is nil in Lua. */
  #map(value: { readonly [name: string]: Packed | undefined }): void {
    const names = Object.keys(value);
    let count = 0;
    for (const name of names) if (value[name] !== undefined) count += 1;
    this.#head(0x80, 0xde, count);
    for (const name of names) {
      const member = value[name];
      if (member === undefined) continue;
      let bytes = this.#names.get(name);
      if (!bytes) {
        bytes = Buffer.concat([Buffer.of(0xa0 | name.length), Buffer.from(name)]);
        this.#names.set(name, bytes);
      }
      this.#reserve(bytes.length);
      bytes.copy(this.#buffer, this.#at);
      this.#at += bytes.length;
      this.#value(member);
    }
  }

  #text(value: string): void {
    // At most three bytes a UTF-16 unit.
    this.#reserve(5 + 3 * value.length);
    const short = value.length < 11;
    const start = this.#at + (short ? 1 : 5);
    const length = this.#buffer.write(value, start);
    if (short) this.#buffer[this.#at] = 0xa0 | length;
    else {
      this.#buffer[this.#at] = 0xdb;
      this.#buffer.writeUInt32BE(length, this.#at + 1);
    }
    this.#at = start + length;
  }

  #number(value: number): void {
    this.#reserve(9);
    if (Number.isInteger(value) && value >= 0 && value < 128) {
      this.#buffer[this.#at] = value;
      this.#at += 1;
      return;
    }
    // Lua's numbers are doubles: nothing is lost, and an integer comes back as one.
    this.#buffer[this.#at] = 0xcb;
    this.#buffer.writeDoubleBE(value, this.#at + 1);
    this.#at += 9;
  }

  #head(short: number, long: number, count: number): void {
    this.#reserve(5);
    if (count < 16) this.#buffer[this.#at++] = short | count;
    else {
      this.#buffer[this.#at] = long + 1;
      this.#buffer.writeUInt32BE(count, this.#at + 1);
      this.#at += 5;
    }
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#buffer[this.#at++] = byte;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

function isArray(value: object): value is readonly Packed[] {
  return Array.isArray(value);
}

function isWritten(value: object): value is Written {
  return 'write' in value && typeof value.write === 'function';
}

export function unpack(bytes: Buffer): Packed {
  return new Unpacker(bytes).value();
}

const raw = 0xc0;

class Unpacker {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  value(): Packed {
    const head = this.#bytes[this.#at++] ?? 0xc0;
    if (head < 0x80) return head;
    if (head < 0x90) return this.#map(head & 0x0f);
    if (head < 0xa0) return this.#array(head & 0x0f);
    if (head < 0xc0) return this.#text(head & 0x1f);
    if (head >= 0xe0) return head - 0x100;
    switch (head) {
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return this.#bytes.readFloatBE(this.#skip(4));
      case 0xcb:
        return this.#bytes.readDoubleBE(this.#skip(8));
      case 0xcc:
        return this.#bytes.readUInt8(this.#skip(1));
      case 0xcd:
        return this.#bytes.readUInt16BE(this.#skip(2));
      case 0xce:
        return this.#bytes.readUInt32BE(this.#skip(4));
      case 0xcf:
        return Number(this.#bytes.readBigUInt64BE(this.#skip(8)));
      case 0xd0:
        return this.#bytes.readInt8(this.#skip(1));
      case 0xd1:
        return this.#bytes.readInt16BE(this.#skip(2));
      case 0xd2:
        return this.#bytes.readInt32BE(this.#skip(4));
      case 0xd3:
        return Number(this.#bytes.readBigInt64BE(this.#skip(8)));
      case 0xd9:
        return this.#text(this.#bytes.readUInt8(this.#skip(1)));
      case 0xda:
        return this.#text(this.#bytes.readUInt16BE(this.#skip(2)));
      case 0xdb:
        return this.#text(this.#bytes.readUInt32BE(this.#skip(4)));
      case 0xdc:
        return this.#array(this.#bytes.readUInt16BE(this.#skip(2)));
      case 0xdd:
        return this.#array(this.#bytes.readUInt32BE(this.#skip(4)));
      case 0xde:
        return this.#map(this.#bytes.readUInt16BE(this.#skip(2)));
      case 0xdf:
        return this.#map(this.#bytes.readUInt32BE(this.#skip(4)));
      default:
        return null;
    }
  }

  #skip(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    return at;
  }

  /** A text that begins with a byte that no UTF-8 has is bytes. */
  #text(length: number): Packed {
    const at = this.#skip(length);
    if (length > 0 && this.#bytes[at] === raw) return this.#bytes.subarray(at, at + length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  #array(count: number): readonly Packed[] {
    const items: Packed[] = [];
    for (let index = 0; index < count; index++) items.push(this.value());
    return items;
  }

  #map(count: number): { readonly [name: string]: Packed } {
    const members: Record<string, Packed> = {};
    for (let index = 0; index < count; index++) members[String(this.value())] = this.value();
    return members;
  }
}
