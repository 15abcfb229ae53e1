import type { Slots } from './slots.ts';

/** idle: before `start()` and after the drain. */
export type WorkerState = 'idle' | 'running' | 'quiet' | 'terminate';

export interface WorkerHealth {
  /** False while idle, and when a running worker with a free slot has had no fetch answered for a minute. */
  readonly ok: boolean;
  readonly state: WorkerState;
  /** Handlers that run. */
  readonly active: number;
  readonly lastFetchAt?: Date;
  readonly lastHeartbeatAt?: Date;
}

/** Three times the longest wait of a fetch. */
const staleMs = 60_000;

/** @param lastFetch and lastHeartbeat are when one was answered, in Unix milliseconds. */
export function healthOf(state: WorkerState, slots: Slots, lastFetch: number | undefined, lastHeartbeat: number | undefined): WorkerHealth {
  const fresh = lastFetch !== undefined && Date.now() - lastFetch < staleMs;
  return {
    ok: state !== 'idle' && (state !== 'running' || fresh || slots.active >= slots.concurrency),
    state,
    active: slots.active,
    ...(lastFetch !== undefined && { lastFetchAt: new Date(lastFetch) }),
    ...(lastHeartbeat !== undefined && { lastHeartbeatAt: new Date(lastHeartbeat) }),
  };
}
