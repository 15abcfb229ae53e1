import { noTracing, type Tracing } from './telemetry/tracing.ts';

export interface CoalesceOptions<In> {
  /** Batches that may be in flight at the same time. */
  readonly parallel: number;
  /** The most weight of one batch; a single heavier item is a batch by itself. */
  readonly max: number;
  /** Default: every item weighs 1. */
  readonly weight?: (item: In) => number;
  /** Reports whether it is a batch already: it does not wait for others while none is in flight. Default: none is. */
  readonly isBatch?: (item: In) => boolean;
  /**
   * True if a failed batch is split and each half tried again, until the failing item is found. True only for
   * operations that are idempotent by identity.
   */
  readonly split: boolean;
  /** Keeps the spans of a batch with those of its callers. Default: none. */
  readonly tracing?: Tracing;
}

interface Waiting<In, Out> {
  readonly item: In;
  readonly resolve: (out: Out) => void;
  readonly reject: (error: unknown) => void;
  readonly caller: ReturnType<Tracing['caller']>;
}

/**
 * Group commit. Calls that arrive while a batch is in flight form the next one. There is no timer, so a single call
 * does not wait, and a busy engine sends few, large batches (64 callers on PostgreSQL: 6.4k acks/s one by one, 50k/s in
 * batches).
 */
export function coalesce<In, Out>(
  run: (batch: readonly In[]) => Promise<readonly Out[]>,
  options: CoalesceOptions<In>,
): (item: In) => Promise<Out> {
  const { parallel, max, weight = () => 1, isBatch = () => false, split, tracing = noTracing } = options;
  const waiting: Waiting<In, Out>[] = [];
  let start = 0;
  let inFlight = 0;
  let scheduled = false;

  function take(): Waiting<In, Out>[] {
    const batch: Waiting<In, Out>[] = [];
    let total = 0;
    while (start < waiting.length) {
      const next = waiting[start] as Waiting<In, Out>;
      total += weight(next.item);
      if (batch.length > 0 && total > max) break;
      batch.push(next);
      start++;
    }
    // At least half of the list was taken: moving the rest costs nothing an item, and a list that never empties does
    // not grow.
    if (start * 2 >= waiting.length) {
      waiting.splice(0, start);
      start = 0;
    }
    return batch;
  }

  async function settle(batch: readonly Waiting<In, Out>[]): Promise<void> {
    try {
      const items = batch.map((w) => w.item);
      const out = await (tracing.isOn
        ? tracing.serve(
            batch.map((w) => w.caller),
            () => run(items),
          )
        : run(items));
      batch.forEach((w, index) => {
        w.resolve(out[index] as Out);
      });
    } catch (error) {
      if (batch.length > 1 && split) {
        const middle = batch.length >> 1;
        await settle(batch.slice(0, middle));
        await settle(batch.slice(middle));
      } else {
        for (const w of batch) w.reject(error);
      }
    }
  }

  function pump(): void {
    scheduled = false;
    while (inFlight < parallel && waiting.length > start) {
      inFlight++;
      void settle(take()).then(() => {
        inFlight--;
        schedule();
      });
    }
  }

  // Waits for one iteration of the event loop, so that the callers of this iteration can join the batch.
  function schedule(): void {
    if (scheduled || inFlight >= parallel || waiting.length === start) return;
    scheduled = true;
    setImmediate(pump);
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject, caller: tracing.caller() });
      if (inFlight === 0 && !scheduled && isBatch(item)) pump();
      else schedule();
    });
}
