import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { DeadJob } from '../../api/answers/dead-letter.ts';
import { keyOf, useAction } from '../../api/calls.ts';
import { call } from '../../api/client.ts';
import { useMay } from '../../api/session.ts';
import { hasType } from '../../live/summary.ts';
import { useSearchTexts } from '../../search.ts';
import { Button } from '../../ui/button.tsx';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { Card } from '../../ui/page.tsx';
import { Failure, Loading } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';

const perPage = 100;

/** The dead jobs themselves, newest first. */
export function DeadJobs() {
  const { search } = useSearchTexts();
  const { queue, fingerprint } = search;
  const list = useInfiniteQuery({
    queryKey: keyOf('deadLetter.list', { query: { queue, fingerprint } }),
    queryFn: ({ pageParam, signal }) =>
      call('deadLetter.list', { query: { queue, fingerprint, limit: perPage, cursor: pageParam }, signal }),
    initialPageParam: '',
    getNextPageParam: ({ pagination }) => (pagination.has_more ? pagination.next_cursor : undefined),
    meta: { live: (summary) => hasType(summary, 'job.', 'bulk.') },
  });
  const items = list.data?.pages.flatMap(({ jobs }) => jobs) ?? [];
  return (
    <Card title="Jobs">
      {list.error !== null && <Failure error={list.error} retry={() => void list.refetch()} />}
      {list.isPending && <Loading />}
      {list.data && items.length === 0 && <p className="soft">No job here.</p>}
      {items.length > 0 && (
        <DataTable
          label="Dead jobs"
          rows={items}
          columns={columns}
          idOf={({ id }) => id}
          onEnd={() => {
            if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage();
          }}
        />
      )}
      {list.hasNextPage && (
        <div>
          <Button disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            Show more
          </Button>
        </div>
      )}
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
  { id: 'queue', label: 'Queue', align: 'clip', cell: ({ queue }) => queue },
  { id: 'attempts', label: 'Attempts', align: 'number', cell: ({ attempt }) => attempt },
  {
    id: 'error',
    label: 'Last error',
    align: 'clip',
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
      disabled={retry.isPending}
      onClick={() => retry.mutate({ params: { id } })}
    >
      Retry
    </Button>
  );
}
