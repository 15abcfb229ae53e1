const mebibyte = 1_048_576;
/** The most that the young generation takes: three semi-spaces of 64 MiB on Node 24, of 16 MiB on Node 22. */
const youngBytes = 192 * mebibyte;

/** How much of the memory what is on its way may take, in bytes. */
export interface MemoryLimits {
  /** The jobs of one answer, and of one call to the store that claims or lists them. */
  readonly answer: number;
  /** All answers that were not delivered yet. */
  readonly answers: number;
  /** The bodies of all requests that were not answered yet. */
  readonly requests: number;
  /** The same of acks, nacks, heartbeats and exchanges, which have a budget of their own. */
  readonly settlements: number;
  /** The values that one body may make, beside its strings. */
  readonly values: number;
  /** The memory for readers of streams and WebSockets. */
  readonly streams: number;
}

/**
 * The heap that `--max-old-space-size` allows a process, in bytes. V8's limit has the young generation too, however
 * small the heap is: 448 MiB for 256.
 * @param limit V8's `heap_size_limit`.
 */
export function heapSize(limit: number): number {
  return Math.max(limit / 2, limit - youngBytes);
}

/**
 * Parts of a heap. An answer exists up to three times on its way (records, text, bytes of the socket), a body twice.
 * @param heap in bytes.
 */
export function memoryLimits(heap: number): MemoryLimits {
  return {
    answer: between(mebibyte, heap / 64, 32 * mebibyte),
    answers: between(4 * mebibyte, heap / 16, 256 * mebibyte),
    requests: between(4 * mebibyte, heap / 16, 512 * mebibyte),
    settlements: between(4 * mebibyte, heap / 16, 512 * mebibyte),
    values: between(4 * mebibyte, heap / 6, 1024 * mebibyte),
    streams: between(4 * mebibyte, heap / 16, 256 * mebibyte),
  };
}

function between(least: number, value: number, most: number): number {
  return Math.round(Math.min(most, Math.max(least, value)));
}
