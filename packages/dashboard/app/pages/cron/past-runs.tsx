import { Link } from '@tanstack/react-router';
import { useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { formatDuration } from '../../format/times.ts';
import { hasType } from '../../live/summary.ts';
import { StateBadge } from '../../ui/badge.tsx';
import { DataTable } from '../../ui/data-table.tsx';
import { Card } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';

/** The jobs of a cron, newest first. */
export function PastRuns({ name }: { readonly name: string }) {
  const may = useMay('admin.jobs');
  const q = `cron:${JSON.stringify(name)}`;
  const jobs = useCall('admin.jobs', {
    query: { q, limit: 20 },
    enabled: may,
    live: (summary) => hasType(summary, 'cron.', 'job.'),
  });
  if (!may) return null;
  return (
    <Card
      title="Past runs"
      aside={
        <Link to="/jobs" search={{ q }}>
          All of them
        </Link>
      }
    >
      <Loaded query={jobs}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="soft">No run yet, or the server has deleted its jobs.</p>
          ) : (
            <DataTable
              label="Runs, newest first"
              rows={items}
              idOf={({ id }) => id}
              columns={[
                {
                  id: 'job',
                  label: 'Job',
                  align: 'clip',
                  cell: ({ id }) => (
                    <Link to="/jobs/$id" params={{ id }}>
                      {id}
                    </Link>
                  ),
                },
                { id: 'state', label: 'State', cell: ({ state }) => <StateBadge state={state} /> },
                { id: 'created', label: 'Enqueued', cell: ({ created_at }) => <Time at={created_at} /> },
                {
                  id: 'length',
                  label: 'Ran for',
                  align: 'number',
                  cell: ({ started_at, completed_at }) =>
                    started_at && completed_at
                      ? formatDuration(Date.parse(completed_at) - Date.parse(started_at))
                      : '–',
                },
              ]}
            />
          )
        }
      </Loaded>
    </Card>
  );
}
