import type { Worker } from '@ojs-ts/core/schemas';
import { formatBytes, formatCount } from '../../format/numbers.ts';
import { formatDuration } from '../../format/times.ts';
import { Badge, Time, toneOf, useNow } from '../../ui/index.ts';
import { describe, isLate } from './description.ts';

/** A longer delay is felt by every other job of the worker. Milliseconds. */
const highLagMs = 250;

/** The state, and the order that the worker has not followed yet. */
export function State({ worker: { state, directive } }: { readonly worker: Worker }) {
  return (
    <span className="nowrap">
      {/* As in a job that is active, busy would say that it runs something. */}
      <Badge tone={state === 'running' ? 'good' : toneOf(state)}>{state}</Badge>{' '}
      {directive !== undefined && directive !== state && state !== 'stale' && (
        <Badge tone="info">told: {directive}</Badge>
      )}
    </span>
  );
}

export function Heartbeat({ worker }: { readonly worker: Worker }) {
  const now = useNow();
  if (worker.last_heartbeat_at === null) {
    return (
      <span className="soft nowrap">
        fetched <Time at={worker.last_fetch_at} />
      </span>
    );
  }
  return (
    <span className="nowrap">
      <Time at={worker.last_heartbeat_at} /> {isLate(worker, now) && <Badge tone="warn">late</Badge>}
    </span>
  );
}

export function Slots({ worker }: { readonly worker: Worker }) {
  const { slots } = describe(worker);
  return (
    <span className="nowrap">
      {formatCount(worker.active_jobs)}
      {slots !== null && ` of ${formatCount(slots)}`}
    </span>
  );
}

export function Lag({ worker: { load } }: { readonly worker: Worker }) {
  const lag = load?.event_loop_lag_ms;
  if (lag === undefined) return <span className="soft">–</span>;
  return (
    <span className="nowrap">
      {lag >= highLagMs && <Badge tone="warn">high</Badge>} {formatDuration(lag)}
    </span>
  );
}

export function Memory({ bytes }: { readonly bytes: number | undefined }) {
  return bytes === undefined ? <span className="soft">–</span> : <span className="nowrap">{formatBytes(bytes)}</span>;
}
