import type { Answers } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { formatCount } from '../../format/numbers.ts';
import { formatDuration } from '../../format/times.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { JobPreview } from '../../ui/job-preview.tsx';
import { Card } from '../../ui/page.tsx';
import { useNow } from '../../ui/time.tsx';

/** The jobs that a worker runs; the server names at most 1,000. */
type Jobs = Answers['worker.get']['jobs'];

export function CurrentJobs({ jobs, count }: { readonly jobs: Jobs; readonly count: number }) {
  return (
    <Card title="Current jobs" aside={<span className="soft small">{formatCount(count)} running</span>}>
      {jobs.length === 0 ? (
        <p className="soft">The worker runs no job now.</p>
      ) : (
        <DataTable label="Jobs that the worker runs" rows={jobs} columns={columns} idOf={({ id }) => id} />
      )}
    </Card>
  );
}

const columns: readonly Column<Jobs[number]>[] = [
  {
    id: 'job',
    label: 'Job',
    align: 'fill',
    cell: ({ id, type }) => (
      <Link to="/jobs/$id" params={{ id }}>
        {type}
      </Link>
    ),
  },
  { id: 'id', label: 'Id', cell: (job) => <JobPreview job={job} /> },
  { id: 'queue', label: 'Queue', align: 'clip', cell: ({ queue }) => queue },
  { id: 'attempt', label: 'Attempt', align: 'number', cell: ({ attempt }) => formatCount(attempt) },
  { id: 'time', label: 'Running for', align: 'number', cell: ({ started_at }) => <RunningTime since={started_at} /> },
];

function RunningTime({ since }: { readonly since: string | null }) {
  const now = useNow();
  return since === null ? '–' : formatDuration(Math.max(0, now - Date.parse(since)));
}
