import { type Listed, type ReportedState, reportedStates } from './heartbeat-message.ts';

/** Int32 fields of the head. */
const stateField = 0;
/** Seconds since `performance.timeOrigin`'s epoch when the event loop of the worker last turned. */
const pulseField = 1;
/** Jobs that did not fit: the list is not whole. */
const leftOutField = 2;
const headBytes = 16;

/** One place: a counter that is odd while the place is written, two lengths, the deadline, and the texts. */
const placeBytes = 128;
const deadlineAt = 8;
const textAt = 16;
const textBytes = placeBytes - textAt;
/** In the length of the first text: the place has the request id of an open fetch. */
const fetchFlag = 0x8000;

interface Place {
  readonly id: string;
  readonly lease: string;
  readonly due: number;
  readonly isFetch: boolean;
}

/**
 * The jobs that a worker holds and the fetches that it waits for, in memory that a second thread reads. Writing a job
 * costs the worker less than a microsecond; a message to the thread for every turn would cost more.
 */
export class SharedLeases {
  readonly buffer: SharedArrayBuffer;
  readonly #ints: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #free: number[] = [];

  /** @param places Jobs and open fetches that fit. */
  static for(places: number): SharedLeases {
    return new SharedLeases(new SharedArrayBuffer(headBytes + places * placeBytes));
  }

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#ints = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    for (let place = this.#places - 1; place >= 0; place--) this.#free.push(place);
  }

  get #places(): number {
    return (this.buffer.byteLength - headBytes) / placeBytes;
  }

  /** True if the memory has every leased job: a heartbeat that lists only some would cost the others their leases. */
  get whole(): boolean {
    return Atomics.load(this.#ints, leftOutField) === 0;
  }

  get state(): ReportedState {
    return reportedStates[Atomics.load(this.#ints, stateField)] ?? 'running';
  }

  set state(state: ReportedState) {
    Atomics.store(this.#ints, stateField, reportedStates.indexOf(state));
  }

  /** Signals the thread that the event loop runs. */
  pulse(): void {
    Atomics.store(this.#ints, pulseField, seconds());
  }

  /** Seconds since the event loop last turned. */
  get stillFor(): number {
    return seconds() - Atomics.load(this.#ints, pulseField);
  }

  /**
   * Answers the job's place, for `remove`; −1 if it does not fit.
   * @param deadlineMs Milliseconds of the wall clock from which the job is no longer listed.
   */
  add(id: string, lease: string, deadlineMs: number): number {
    return this.#add(id, lease, deadlineMs, 0);
  }

  /** The same for a fetch that has no answer yet. */
  addFetch(requestId: string): number {
    return this.#add(requestId, '', 0, fetchFlag);
  }

  #add(id: string, lease: string, deadlineMs: number, flag: number): number {
    const place = id.length + lease.length > textBytes ? undefined : this.#free.pop();
    if (place === undefined || !this.#write(place, id, lease, deadlineMs, flag)) {
      if (place !== undefined) this.#free.push(place);
      Atomics.add(this.#ints, leftOutField, 1);
      return -1;
    }
    return place;
  }

  remove(place: number): void {
    if (place < 0) {
      Atomics.sub(this.#ints, leftOutField, 1);
      return;
    }
    const at = headBytes + place * placeBytes;
    Atomics.add(this.#ints, at / 4, 1);
    this.#ints[at / 4 + 1] = 0;
    Atomics.add(this.#ints, at / 4, 1);
    this.#free.push(place);
  }

  /** Every job whose deadline is ahead. */
  list(nowMs: number): Listed[] {
    return this.#all().flatMap(({ id, lease, due, isFetch }) =>
      isFetch || due <= nowMs ? [] : [{ id, lease: lease === '' ? undefined : lease }],
    );
  }

  /** Read them before `list`, which then has the jobs of every fetch that has ended. */
  openFetches(): string[] {
    return this.#all().flatMap(({ id, isFetch }) => (isFetch ? [id] : []));
  }

  #all(): Place[] {
    const taken: Place[] = [];
    for (let place = 0; place < this.#places; place++) {
      const read = this.#read(headBytes + place * placeBytes);
      if (read !== null) taken.push(read);
    }
    return taken;
  }

  #write(place: number, id: string, lease: string, deadlineMs: number, flag: number): boolean {
    const at = headBytes + place * placeBytes;
    Atomics.add(this.#ints, at / 4, 1);
    const plain = this.#put(at + textAt, id) && this.#put(at + textAt + id.length, lease);
    this.#view.setFloat64(at + deadlineAt, deadlineMs);
    this.#ints[at / 4 + 1] = plain ? id.length | flag | (lease.length << 16) : 0;
    Atomics.add(this.#ints, at / 4, 1);
    return plain;
  }

  /** False for a text that is not ASCII. */
  #put(at: number, text: string): boolean {
    let codes = 0;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      codes |= code;
      this.#bytes[at + index] = code;
    }
    return codes < 128;
  }

  /** Repeats until no write happened during the read; a write takes the worker less than a microsecond. */
  #read(at: number): Place | null {
    for (;;) {
      const before = Atomics.load(this.#ints, at / 4);
      const lengths = this.#ints[at / 4 + 1] ?? 0;
      const id = this.#text(at + textAt, lengths & ~fetchFlag & 0xffff);
      const lease = this.#text(at + textAt + id.length, lengths >> 16);
      const due = this.#view.getFloat64(at + deadlineAt);
      if (before % 2 !== 0 || Atomics.load(this.#ints, at / 4) !== before) continue;
      return lengths === 0 ? null : { id, lease, due, isFetch: (lengths & fetchFlag) !== 0 };
    }
  }

  #text(from: number, length: number): string {
    return String.fromCharCode(...this.#bytes.subarray(from, from + length));
  }
}

function seconds(): number {
  return Math.trunc(Date.now() / 1000);
}
