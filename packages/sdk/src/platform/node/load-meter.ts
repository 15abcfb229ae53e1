import type { LoadMeter } from '../platform.ts';

/** Between two samples of the event loop, in milliseconds. At 20 ms the samples take 0.3 % of a core (Node 24). */
const resolutionMs = 20;

/** Null on runtimes that cannot measure the delay of the event loop. It never keeps the process alive. */
export function startLoadMeter(): LoadMeter | null {
  try {
    // Not an import: the heartbeat thread and clients load this file, and need no histogram.
    const delays = process.getBuiltinModule('node:perf_hooks').monitorEventLoopDelay({ resolution: resolutionMs });
    delays.enable();
    return {
      read() {
        const { rss, heapUsed } = process.memoryUsage();
        // A delay counts from the sample before, so it includes the time between two samples.
        const lag = delays.count === 0 ? 0 : delays.percentile(99) / 1e6 - resolutionMs;
        delays.reset();
        return { rss_bytes: rss, heap_used_bytes: heapUsed, event_loop_lag_ms: Math.max(0, Math.round(lag)) };
      },
      stop: () => void delays.disable(),
    };
  } catch {
    // Deno and Bun have had it only as a function that throws.
    return null;
  }
}
