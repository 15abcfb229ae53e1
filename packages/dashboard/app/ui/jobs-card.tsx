import type { Answers, ListedJob } from '@ojs-ts/core/schemas';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useRef } from 'react';
import { keyOf } from '../api/calls.ts';
import { call } from '../api/client.ts';
import { useEveryQueue, useMay } from '../api/session.ts';
import { formatCount } from '../format/numbers.ts';
import { formatDuration } from '../format/times.ts';
import { hasType } from '../live/summary.ts';
import { StateBadge } from './badge.tsx';
import { Button } from './button.tsx';
import { type Column, DataTable } from './data-table.tsx';
import { JobPreview } from './job-preview.tsx';
import { JobLink, JobsLink } from './links.tsx';
import { Card } from './page.tsx';
import { Failure, Loading } from './states.tsx';
import { Time, useNow } from './time.tsx';

const shown = 20;
/** A search that reads more jobs is not repeated for every event. */
const mostRead = 1_000;

export interface JobsCardProps {
  readonly title: string;
  /** In the query language. */
  readonly query: string;
  readonly none: string;
}

/** The newest jobs of a query, and the way to all of them. */
export function JobsCard({ title, query, none }: JobsCardProps) {
  const isForAll = useEveryQueue();
  const may = useMay('job.list') && isForAll;
  const scanned = useRef(0);
  const { data, error, refetch, ...list } = useInfiniteQuery({
    queryKey: [...keyOf('job.list', { query: { q: query } }), 'card'],
    queryFn: ({ pageParam, signal }) =>
      call('job.list', { query: { q: query, limit: shown, cursor: pageParam }, signal }),
    initialPageParam: '',
    getNextPageParam: (last) => (isCutOff(last) ? last.pagination.next_cursor : undefined),
    enabled: may,
    meta: { live: (summary) => scanned.current <= mostRead && hasType(summary, 'job.', 'cron.') },
  });
  const pages = data?.pages ?? [];
  scanned.current = pages.reduce((sum, { search }) => sum + (search?.scanned ?? 0), 0);
  if (!may) return null;
  const jobs = pages.flatMap((page) => page.jobs);
  const last = pages.at(-1);
  return (
    <Card title={title} aside={<JobsLink q={query} text="All of them" />}>
      {error !== null && <Failure error={error} retry={() => void refetch()} />}
      {list.isPending && error === null && <Loading />}
      {last !== undefined && jobs.length === 0 && !isCutOff(last) && <p className="soft">{none}</p>}
      {jobs.length > 0 && <DataTable label={`Jobs: ${title}`} rows={jobs} columns={columns} idOf={({ id }) => id} />}
      {last !== undefined && isCutOff(last) && (
        <div className="row" role="status">
          <span>
            The server stopped after {formatCount(scanned.current)}
            {last.search?.of !== undefined && ` of about ${formatCount(Math.max(last.search.of, scanned.current))}`}{' '}
            jobs
            {jobs.length === 0 ? ', and has found none so far.' : `; ${formatCount(jobs.length)} match so far.`}
          </span>
          <Button size="small" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            Search further
          </Button>
        </div>
      )}
    </Card>
  );
}

/** Reports whether the search ended before it had enough jobs, and before the last job. */
function isCutOff({ jobs, search }: Answers['job.list']): boolean {
  return search !== undefined && !search.complete && jobs.length < shown;
}

const columns: readonly Column<ListedJob>[] = [
  { id: 'job', label: 'Job', align: 'clip', cell: ({ id, type }) => <JobLink id={id} title={id} text={type} /> },
  { id: 'args', label: 'Args', align: 'fill', cell: (job) => <JobPreview job={job} /> },
  { id: 'queue', label: 'Queue', align: 'clip', cell: ({ queue }) => queue },
  { id: 'state', label: 'State', cell: ({ state }) => <StateBadge state={state} /> },
  { id: 'created', label: 'Enqueued', cell: ({ created_at }) => <Time at={created_at} /> },
  { id: 'length', label: 'Ran for', align: 'number', cell: (job) => <RanFor job={job} /> },
];

function RanFor({ job: { state, started_at, completed_at } }: { readonly job: ListedJob }) {
  const now = useNow();
  const end = completed_at ? Date.parse(completed_at) : state === 'active' ? now : null;
  if (!started_at || end === null) return '–';
  return <span className="nowrap">{formatDuration(Math.max(0, end - Date.parse(started_at)))}</span>;
}
