import { Link } from '@tanstack/react-router';
import type { JobSummary } from '../../api/answers/jobs.ts';
import { useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { formatDuration } from '../../format/times.ts';
import { hasType } from '../../live/summary.ts';
import { StateBadge } from '../../ui/badge.tsx';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { Card } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';

/** The jobs whose last execution was here, newest first. */
export function RecentJobs({ worker }: { readonly worker: string }) {
  const may = useMay('admin.jobs');
  const q = `worker:${JSON.stringify(worker)}`;
  const jobs = useCall('admin.jobs', {
    query: { q, limit: 20 },
    enabled: may,
    live: (summary) => hasType(summary, 'job.'),
  });
  if (!may) return null;
  return (
    <Card
      title="Recent jobs"
      aside={
        <Link to="/jobs" search={{ q }}>
          All of them
        </Link>
      }
    >
      <Loaded query={jobs}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="soft">No job that is still kept was run here.</p>
          ) : (
            <DataTable label="Recent jobs, newest first" rows={items} columns={columns} idOf={({ id }) => id} />
          )
        }
      </Loaded>
    </Card>
  );
}

const columns: readonly Column<JobSummary>[] = [
  {
    id: 'job',
    label: 'Job',
    align: 'clip',
    cell: ({ id, type }) => (
      <Link to="/jobs/$id" params={{ id }}>
        {type}
      </Link>
    ),
  },
  { id: 'queue', label: 'Queue', align: 'clip', cell: ({ queue }) => queue },
  { id: 'state', label: 'State', cell: ({ state }) => <StateBadge state={state} /> },
  { id: 'started', label: 'Started', cell: ({ started_at }) => <Time at={started_at} /> },
  {
    id: 'length',
    label: 'Ran for',
    align: 'number',
    cell: ({ started_at, completed_at }) =>
      started_at && completed_at ? formatDuration(Date.parse(completed_at) - Date.parse(started_at)) : '–',
  },
];
