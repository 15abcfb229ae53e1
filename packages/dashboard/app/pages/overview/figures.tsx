import type { Statistics } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { formatCount, formatShort } from '../../format/numbers.ts';
import { formatDuration } from '../../format/times.ts';
import { useNow } from '../../ui/time.tsx';

/** The current figures, each a link to its jobs. */
export function Figures({ statistics }: { readonly statistics: Statistics }) {
  const { jobs, throughput, latency_ms, duration_ms, workers_by_state: workers } = statistics;
  const waiting = jobs.scheduled + jobs.retryable;
  return (
    <div className="tiles">
      <Figure to="/jobs" query="state:available" label="Waiting" value={formatShort(jobs.available)}>
        {statistics.oldest_available_at === null ? 'nothing waits' : <Age since={statistics.oldest_available_at} />}
      </Figure>
      <Figure to="/jobs" query="state:active" label="Running" value={formatShort(jobs.active)}>
        {formatCount(workers.running)} {workers.running === 1 ? 'worker' : 'workers'}
        {workers.stale > 0 && `, ${workers.stale} silent`}
      </Figure>
      <Figure to="/jobs" query="state:scheduled,retryable" label="For later" value={formatShort(waiting)}>
        {formatCount(jobs.retryable)} to retry
      </Figure>
      <Figure
        to="/jobs"
        query="state:completed"
        label="Completed, last hour"
        value={formatShort(statistics.completed_last_hour)}
      >
        {formatShort(throughput.processed_per_minute)} a minute now
      </Figure>
      <Figure
        to="/jobs"
        query="state:retryable,discarded"
        label="Failed, last hour"
        value={formatShort(statistics.failed_last_hour)}
        tone={statistics.failed_last_hour > statistics.completed_last_hour ? 'bad' : undefined}
      >
        {formatShort(throughput.failed_per_minute)} a minute now
      </Figure>
      <Figure to="/dead-letter" label="Dead letter" value={formatShort(jobs.dead_letter)}>
        {formatCount(jobs.discarded)} discarded
      </Figure>
      <Figure to="/queues" label="Wait, p95" value={lengthOf(latency_ms.p95)}>
        p50 {lengthOf(latency_ms.p50)}, p99 {lengthOf(latency_ms.p99)}
      </Figure>
      <Figure to="/queues" label="Run, p95" value={lengthOf(duration_ms.p95)}>
        p50 {lengthOf(duration_ms.p50)}, p99 {lengthOf(duration_ms.p99)}
      </Figure>
    </div>
  );
}

function lengthOf(ms: number | null): string {
  return ms === null ? '–' : formatDuration(ms);
}

function Age({ since }: { readonly since: string }) {
  const now = useNow();
  return <>oldest for {formatDuration(Math.max(0, now - Date.parse(since)))}</>;
}

interface FigureProps {
  readonly to: string;
  /** The query of the jobs that the figure counts. */
  readonly query?: string;
  readonly label: string;
  readonly value: string;
  readonly tone?: 'bad' | undefined;
  readonly children: ReactNode;
}

function Figure({ to, query, label, value, tone, children }: FigureProps) {
  return (
    <Link className="tile" to={to} search={query === undefined ? {} : { q: query }} data-tone={tone}>
      <span className="label">{label}</span>
      <span className="value">{value}</span>
      <span className="note">{children}</span>
    </Link>
  );
}
