/** What a store has used since it started. */
export interface Used {
  /** Microseconds of CPU of the store itself: all processes of PostgreSQL, the main thread of Redis, else this process. */
  readonly cpuUs: number;
  /** Bytes of the store's log; null where the store has none that can be read. */
  readonly logBytes: number | null;
  /** Commands that Redis carried out, those of scripts included; null where the store does not count them. */
  readonly commands: number | null;
  /** Images of whole pages within the log. A server that writes them tells little about the log of a job. */
  readonly images: number;
}

export interface Meter extends AsyncDisposable {
  used(): Promise<Used>;
  /** Bytes that the store keeps. */
  kept(): Promise<number | null>;
  /** What the store itself does later, done at once: PostgreSQL's vacuum. */
  settle(): Promise<void>;
}
