import { Link } from '@tanstack/react-router';
import { useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { hasType } from '../../live/summary.ts';
import { HistoryCharts, RangeSelect } from '../../ui/history-charts.tsx';
import { Page as Frame } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Backlogs } from './backlogs.tsx';
import { Figures } from './figures.tsx';
import { Nothing } from './nothing.tsx';
import { StorageHealth } from './storage-health.tsx';
import { TopErrors } from './top-errors.tsx';

export function Page() {
  const statistics = useCall('admin.stats', {
    live: (summary) => hasType(summary, 'job.', 'queue.', 'worker.'),
    refreshMs: 15_000,
  });
  const mayList = useMay('admin.errors');
  return (
    <Frame title="Overview" actions={<RangeSelect />}>
      <Loaded query={statistics}>
        {(data) => (
          <>
            {data.queues === 0 && <Nothing />}
            <Figures statistics={data} />
          </>
        )}
      </Loaded>
      <HistoryCharts />
      <div className="columns">
        <Backlogs />
        {mayList && <TopErrors />}
        <StorageHealth />
      </div>
      <p className="soft small">
        Percentiles and rates are those of the last hour. The <Link to="/doctor">doctor</Link> says what is wrong, and
        what helps. For alerts, let Prometheus read <code>/metrics</code>: <code>ojs_queue_oldest_seconds</code> is the
        age of a backlog.
      </p>
    </Frame>
  );
}
