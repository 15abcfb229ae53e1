import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { WorkflowSummary } from '../../api/answers/workflows.ts';
import { keyOf } from '../../api/calls.ts';
import { call } from '../../api/client.ts';
import { formatCount } from '../../format/numbers.ts';
import { formatDuration } from '../../format/times.ts';
import { hasType } from '../../live/summary.ts';
import { useSearchTexts } from '../../search.ts';
import { StateBadge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyAs } from '../../ui/copy.tsx';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { Page as Frame } from '../../ui/page.tsx';
import { Empty, Failure, Loading } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';

const states = ['running', 'completed', 'failed', 'cancelled'] as const;
const perPage = 100;

export function Page() {
  const { search, change } = useSearchTexts();
  const { state } = search;
  const list = useInfiniteQuery({
    queryKey: keyOf('workflow.list', { query: { state } }),
    queryFn: ({ pageParam, signal }) =>
      call('workflow.list', { query: { state, limit: perPage, cursor: pageParam }, signal }),
    initialPageParam: '',
    getNextPageParam: ({ pagination }) => (pagination.has_more ? pagination.next_cursor : undefined),
    meta: { live: (summary) => hasType(summary, 'workflow.') },
  });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Frame
      title="Workflows"
      actions={
        <>
          <select
            aria-label="State"
            value={state ?? ''}
            onChange={({ target }) => change({ state: target.value || undefined })}
          >
            <option value="">All states</option>
            {states.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
          <CopyAs
            operation="workflow.list"
            options={{ query: { state } }}
            command={`workflows list${state ? ` --state ${state}` : ''}`}
          />
        </>
      }
    >
      {list.error !== null && <Failure error={list.error} retry={() => void list.refetch()} />}
      {list.isPending && <Loading />}
      {list.data && items.length === 0 && (
        <Empty title={state ? `No workflow is ${state}` : 'No workflow yet'}>
          <p>A workflow runs jobs one after the other, side by side, or as a graph.</p>
          <p>
            Start one from your code, or from the <Link to="/playground">playground</Link>.
          </p>
        </Empty>
      )}
      {items.length > 0 && (
        <DataTable
          label="Workflows"
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
    </Frame>
  );
}

const columns: readonly Column<WorkflowSummary>[] = [
  {
    id: 'name',
    label: 'Workflow',
    align: 'clip',
    cell: ({ id, name }) => (
      <Link to="/workflows/$id" params={{ id }}>
        {name ?? id}
      </Link>
    ),
  },
  { id: 'form', label: 'Kind', cell: ({ type }) => type },
  { id: 'state', label: 'State', cell: ({ state }) => <StateBadge state={state} /> },
  {
    id: 'progress',
    label: 'Jobs done',
    cell: ({ name, id, jobs_completed, jobs_total }) => (
      <span className="row nowrap">
        <progress aria-label={`Progress of ${name ?? id}`} max={Math.max(1, jobs_total)} value={jobs_completed} />
        {formatCount(jobs_completed)} of {formatCount(jobs_total)}
      </span>
    ),
  },
  { id: 'failed', label: 'Failed', align: 'number', cell: ({ metadata }) => formatCount(metadata.failed_count) },
  { id: 'created', label: 'Started', cell: ({ created_at }) => <Time at={created_at} /> },
  {
    id: 'length',
    label: 'Took',
    align: 'number',
    cell: ({ created_at, completed_at }) =>
      completed_at ? formatDuration(Date.parse(completed_at) - Date.parse(created_at)) : '–',
  },
];
