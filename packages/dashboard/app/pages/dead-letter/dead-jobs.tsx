import type { DeadJob } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { useAction } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { hasType } from '../../live/summary.ts';
import { useSearchTexts } from '../../search.ts';
import { Button } from '../../ui/button.tsx';
import type { Column } from '../../ui/data-table.tsx';
import { GrowingTable, useGrowingList } from '../../ui/growing-list.tsx';
import { JobPreview } from '../../ui/job-preview.tsx';
import { Card } from '../../ui/page.tsx';
import { Time } from '../../ui/time.tsx';

/** The dead jobs themselves, newest first. */
export function DeadJobs() {
  const { search } = useSearchTexts();
  const { queue, fingerprint } = search;
  const list = useGrowingList('deadLetter.list', {
    query: { queue, fingerprint },
    rowsOf: ({ jobs }) => jobs,
    nextOf: ({ pagination }) => (pagination.has_more ? pagination.next_cursor : undefined),
    live: (summary) => hasType(summary, 'job.', 'bulk.'),
  });
  return (
    <Card title="Jobs">
      <GrowingTable
        label="Dead jobs"
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        none={<p className="soft">No job here.</p>}
      />
    </Card>
  );
}

const columns: readonly Column<DeadJob>[] = [
  {
    id: 'job',
    label: 'Job',
    align: 'clip',
    cell: ({ id, type }) => (
      <Link to="/jobs/$id" params={{ id }} title={id}>
        {type}
      </Link>
    ),
  },
  { id: 'args', label: 'Args', align: 'clip', cell: (job) => <JobPreview job={job} /> },
  { id: 'queue', label: 'Queue', align: 'clip', cell: ({ queue }) => queue },
  { id: 'attempts', label: 'Attempts', align: 'number', cell: ({ attempt }) => attempt },
  {
    id: 'error',
    label: 'Last error',
    align: 'fill',
    cell: ({ error }) => <span title={error?.message}>{error?.message ?? '–'}</span>,
  },
  { id: 'at', label: 'Died', cell: ({ discarded_at }) => <Time at={discarded_at} /> },
  { id: 'actions', label: 'Actions', cell: (job) => <RetryButton job={job} /> },
];

function RetryButton({ job: { id, type } }: { readonly job: DeadJob }) {
  const retry = useAction('deadLetter.retry', {
    done: `${type} waits for a worker again.`,
    changes: ['deadLetter.list', 'deadLetter.stats', 'admin.errors'],
  });
  if (!useMay('deadLetter.retry')) return null;
  return (
    <Button
      size="small"
      aria-label={`Retry ${type} ${id}`}
      busy={retry.isPending}
      onClick={() => retry.mutate({ params: { id } })}
    >
      Retry
    </Button>
  );
}
