import { Link, Navigate } from '@tanstack/react-router';
import { useCall } from '../../api/calls.ts';
import { mayCall, useMay, useSession } from '../../api/session.ts';
import { hasType } from '../../live/summary.ts';
import { groups } from '../../shell/navigation.ts';
import { HistoryCharts, RangeSelect } from '../../ui/history-charts.tsx';
import { Empty, Page as Frame, JobsLink, Loaded } from '../../ui/index.ts';
import { Backlogs, StorageHealth, TopErrors } from './cards.tsx';
import { Figures } from './figures.tsx';

/** The overview of all queues. A caller of some of them begins at the first page that it may see. */
export function Page() {
  const session = useSession();
  if (mayCall(session, 'admin.stats')) return <Overview />;
  const first = groups.flatMap(({ places }) => places).find(({ to, needs }) => to !== '/' && mayCall(session, needs));
  if (first !== undefined) return <Navigate to={first.to} replace />;
  return (
    <Frame title="Overview">
      <Empty title="Your token may not read any page">
        <p>Ask an administrator for a token with the role viewer.</p>
      </Empty>
    </Frame>
  );
}

function Overview() {
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
      {mayList && <TopErrors />}
      <div className="columns">
        <Backlogs />
        <StorageHealth />
      </div>
      <p className="soft small">
        Percentiles cover the last hour, and rates the last minute or two. Jobs that failed for good are{' '}
        <JobsLink q="state:discarded" text="discarded" />; only some of them are in the dead letter. The{' '}
        <Link to="/doctor">doctor</Link> lists problems and what fixes them. For alerts, let Prometheus read{' '}
        <code>/metrics</code>: <code>ojs_queue_oldest_seconds</code> is the age of the oldest waiting job.
      </p>
    </Frame>
  );
}

/** The first view of a new server. */
function Nothing() {
  return (
    <section className="card" aria-label="First job">
      <Empty title="No job yet">
        <p>Enqueue one from your code, from the playground, or with this command:</p>
        <pre>
          <code>npx @ojs-ts/cli enqueue hello '["world"]'</code>
        </pre>
      </Empty>
    </section>
  );
}
