import type { Statistics } from '@ojs-ts/core/schemas';
import { formatCount, formatShort } from '../../format/numbers.ts';
import { formatDuration } from '../../format/times.ts';
import { Tile, useNow } from '../../ui/index.ts';

/** The current figures, each a link to its jobs. */
export function Figures({ statistics }: { readonly statistics: Statistics }) {
  const { jobs, throughput, latency_ms, duration_ms, workers_by_state: workers } = statistics;
  const { oldest_available_at: oldest, completed_last_hour: completed, failed_last_hour: failed } = statistics;
  const jobsOf = (states: string) => ({ to: '/jobs', search: { q: `state:${states}` } });
  return (
    <div className="tiles">
      <Tile
        {...jobsOf('available')}
        label="Waiting"
        value={formatShort(jobs.available)}
        note={oldest === null ? 'nothing waits' : <Age since={oldest} />}
      />
      <Tile
        {...jobsOf('active')}
        label="Running"
        value={formatShort(jobs.active)}
        note={
          `${formatCount(workers.running)} ${workers.running === 1 ? 'worker' : 'workers'}` +
          (workers.stale > 0 ? `, ${workers.stale} silent` : '')
        }
      />
      <Tile
        {...jobsOf('scheduled,retryable')}
        label="For later"
        value={formatShort(jobs.scheduled + jobs.retryable)}
        note={`${formatCount(jobs.retryable)} to retry`}
      />
      <Tile
        {...jobsOf('completed')}
        label="Completed, last hour"
        value={formatShort(completed)}
        note={`${formatShort(throughput.processed_per_minute)} a minute now`}
      />
      <Tile
        {...jobsOf('retryable,discarded')}
        label="Failed, last hour"
        value={formatShort(failed)}
        note={`${formatShort(throughput.failed_per_minute)} a minute now`}
        tone={failed > completed ? 'bad' : undefined}
      />
      <Tile
        to="/dead-letter"
        label="Dead letter"
        value={formatShort(jobs.dead_letter)}
        note={`${formatCount(jobs.discarded)} discarded`}
      />
      <Percentiles label="Wait, p95" of={latency_ms} />
      <Percentiles label="Run, p95" of={duration_ms} />
    </div>
  );
}

function Percentiles({ label, of }: { readonly label: string; readonly of: Statistics['latency_ms'] }) {
  const [p50, p95, p99] = [of.p50, of.p95, of.p99].map((ms) => (ms === null ? '–' : formatDuration(ms)));
  return <Tile to="/queues" label={label} value={p95} note={`p50 ${p50}, p99 ${p99}`} />;
}

function Age({ since }: { readonly since: string }) {
  const now = useNow();
  return <>oldest for {formatDuration(Math.max(0, now - Date.parse(since)))}</>;
}
