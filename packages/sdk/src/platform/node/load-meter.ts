import type { LoadMeter } from '../platform.ts';

/** Between two samples of the event loop, in milliseconds. Both samplers at 20 ms take 0.6 % of a core (Node 24). */
const resolutionMs = 20;

/** Null on runtimes that cannot measure the delay of the event loop. It never keeps the process alive. */
export function startLoadMeter(): LoadMeter | null {
  try {
    // Two: a reset also forgets the last sample, and a block that begins before the next one would be lost.
    const samplers = [startSampler(), startSampler()] as const;
    let [current, other] = samplers;
    return {
      read() {
        const { rss, heapUsed } = process.memoryUsage();
        // A delay counts from the sample before, so it includes the time between two samples.
        const lag = current.max / 1e6 - resolutionMs;
        current.reset();
        [current, other] = [other, current];
        return { rss_bytes: rss, heap_used_bytes: heapUsed, event_loop_lag_ms: Math.max(0, Math.round(lag)) };
      },
      stop() {
        for (const sampler of samplers) sampler.disable();
      },
    };
  } catch {
    // Deno and Bun have had it only as a function that throws.
    return null;
  }
}

function startSampler() {
  // Not an import: the heartbeat thread and clients load this file, and need no histogram.
  const sampler = process.getBuiltinModule('node:perf_hooks').monitorEventLoopDelay({ resolution: resolutionMs });
  sampler.enable();
  return sampler;
}
