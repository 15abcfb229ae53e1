import { useCall } from '../api/calls.ts';
import { useMay } from '../api/session.ts';
import { formatDuration } from '../format/times.ts';
import { hasQueue, hasType, type Summary } from '../live/summary.ts';
import { useSearchTexts } from '../search.ts';
import { Chart } from './chart.tsx';
import { historyOf, rangeOf, ranges } from './history.ts';
import { Card } from './page.tsx';
import { Loaded } from './states.tsx';

export interface HistoryChartsProps {
  readonly queue?: string;
  readonly type?: string;
}

/** Throughput, waits and runs of the chosen time, minute by minute where it is short. */
export function HistoryCharts({ queue, type }: HistoryChartsProps) {
  const { search } = useSearchTexts();
  const may = useMay('admin.history');
  const { label, length, period } = rangeOf(search.range);
  const isMoving = (summary: Summary): boolean =>
    hasType(summary, 'job.') && (queue === undefined || hasQueue(summary, queue));
  const query = useCall('admin.history', {
    // A time that moved with each call would be another question each time.
    query: { period, since: relativeStart(length), queue, type },
    enabled: may,
    live: isMoving,
    keepLast: true,
    refreshMs: 30_000,
  });
  if (!may) return null;
  return (
    <Loaded query={query} lines={6}>
      {({ data }) => {
        const { times, throughput, wait, run } = historyOf(data);
        const each = period === '1m' ? 'minute' : period === '5m' ? 'five minutes' : 'hour';
        return (
          <>
            <Card title="Throughput" aside={<span className="soft small">jobs each {each}</span>}>
              <Chart label={`Jobs each ${each}, ${label}`} times={times} series={throughput} />
            </Card>
            <div className="columns">
              <Card title="Wait time" aside={<span className="soft small">from available to started</span>}>
                <Chart label={`Wait time, ${label}`} times={times} series={wait} format={formatDuration} height={140} />
              </Card>
              <Card title="Run time" aside={<span className="soft small">of completed executions</span>}>
                <Chart label={`Run time, ${label}`} times={times} series={run} format={formatDuration} height={140} />
              </Card>
            </div>
          </>
        );
      }}
    </Loaded>
  );
}

export function RangeSelect() {
  const { search, change } = useSearchTexts();
  if (!useMay('admin.history')) return null;
  return (
    <select
      aria-label="Time shown"
      value={rangeOf(search.range).name}
      onChange={({ target }) => change({ range: target.value === ranges[0].name ? undefined : target.value })}
    >
      {ranges.map(({ name, label }) => (
        <option key={name} value={name}>
          {label}
        </option>
      ))}
    </select>
  );
}

/** The whole minute before the beginning: the same for all calls of a minute. */
function relativeStart(length: number): string {
  const minute = 60_000;
  return new Date(Math.floor((Date.now() - length) / minute) * minute).toISOString();
}
