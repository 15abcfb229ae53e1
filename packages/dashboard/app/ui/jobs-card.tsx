import { Link } from '@tanstack/react-router';
import type { JobSummary } from '../api/answers/jobs.ts';
import { useCall } from '../api/calls.ts';
import { useEveryQueue, useMay } from '../api/session.ts';
import { formatDuration } from '../format/times.ts';
import { hasType } from '../live/summary.ts';
import { StateBadge } from './badge.tsx';
import { type Column, DataTable } from './data-table.tsx';
import { Card } from './page.tsx';
import { Loaded } from './states.tsx';
import { Time, useNow } from './time.tsx';

const shown = 20;

export interface JobsCardProps {
  readonly title: string;
  /** In the query language. */
  readonly query: string;
  readonly none: string;
}

/** The newest jobs of a query, and the way to all of them. */
export function JobsCard({ title, query, none }: JobsCardProps) {
  const isForAll = useEveryQueue();
  const may = useMay('admin.jobs') && isForAll;
  const jobs = useCall('admin.jobs', {
    query: { q: query, limit: shown },
    enabled: may,
    live: (summary) => hasType(summary, 'job.', 'cron.'),
  });
  if (!may) return null;
  return (
    <Card
      title={title}
      aside={
        <Link to="/jobs" search={{ q: query }}>
          All of them
        </Link>
      }
    >
      <Loaded query={jobs}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="soft">{none}</p>
          ) : (
            <DataTable label={`Jobs: ${title}`} rows={items} columns={columns} idOf={({ id }) => id} />
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
    align: 'fill',
    cell: ({ id, type }) => (
      <Link to="/jobs/$id" params={{ id }} title={id}>
        {type}
      </Link>
    ),
  },
  { id: 'queue', label: 'Queue', align: 'clip', cell: ({ queue }) => queue },
  { id: 'state', label: 'State', cell: ({ state }) => <StateBadge state={state} /> },
  { id: 'created', label: 'Enqueued', cell: ({ created_at }) => <Time at={created_at} /> },
  {
    id: 'length',
    label: 'Ran for',
    align: 'number',
    cell: (job) => <RanFor job={job} />,
  },
];

function RanFor({ job: { state, started_at, completed_at } }: { readonly job: JobSummary }) {
  const now = useNow();
  const end = completed_at ? Date.parse(completed_at) : state === 'active' ? now : null;
  if (!started_at || end === null) return '–';
  return <span className="nowrap">{formatDuration(Math.max(0, end - Date.parse(started_at)))}</span>;
}
