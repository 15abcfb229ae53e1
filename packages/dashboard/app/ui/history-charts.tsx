import { useCall } from '../api/calls.ts';
import { useMay } from '../api/session.ts';
import { formatDuration } from '../format/times.ts';
import { hasQueue, hasType, type Summary } from '../live/summary.ts';
import { useSearchTexts } from '../search.ts';
import { Chart } from './chart.tsx';
import { Select } from './field.tsx';
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
            <Card title="Throughput" note={`jobs each ${each}`}>
              <Chart label={`Jobs each ${each}, ${label}`} times={times} series={throughput} />
            </Card>
            <div className="columns">
              <Card title="Wait time" note="from available to started">
                <Chart label={`Wait time, ${label}`} times={times} series={wait} format={formatDuration} height={140} />
              </Card>
              <Card title="Run time" note="of completed executions">
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
    <Select
      aria-label="Time shown"
      value={rangeOf(search.range).name}
      onChange={(range) => change({ range: range === ranges[0].name ? undefined : range })}
      options={ranges.map(({ name, label }) => [name, label])}
    />
  );
}

/** The whole minute before the beginning: the same for all calls of a minute. */
function relativeStart(length: number): string {
  const minute = 60_000;
  return new Date(Math.floor((Date.now() - length) / minute) * minute).toISOString();
}
