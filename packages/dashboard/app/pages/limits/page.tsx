import type { Limit } from '@ojs-ts/core/schemas';
import { useRef } from 'react';
import { useCall } from '../../api/calls.ts';
import { formatCount } from '../../format/numbers.ts';
import { formatPer } from '../../format/times.ts';
import { hasType } from '../../live/summary.ts';
import { useSearchTexts } from '../../search.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { FindField } from '../../ui/find-field.tsx';
import { Badge, CopyAs, Empty, Page as Frame, LimitLink, Loaded } from '../../ui/index.ts';
import { Pager, usePage } from '../../ui/pager.tsx';
import './limits.css';
import { Use } from './use.tsx';

const perPage = 100;
/** The order at first: users look for the limits that hold back the most jobs. */
const byWaiting = '-waiting';
/** A search that reads more limits is not repeated for every event. */
const mostRead = 1_000;

export function Page() {
  const { search, change } = useSearchTexts();
  const page = usePage();
  const { key, sort = byWaiting } = search;
  const scanned = useRef(0);
  const limits = useCall('limit.list', {
    query: { limit: perPage, page, key, sort: sort === byWaiting ? 'waiting' : undefined },
    live: (summary) => scanned.current <= mostRead && hasType(summary, 'job.'),
    refreshMs: 15_000,
    keepLast: true,
  });
  scanned.current = limits.data?.search?.scanned ?? 0;
  return (
    <Frame
      title="Limits"
      lead="Each limit says how many jobs with its key may run at once, or start in a period."
      actions={<CopyAs operation="limit.list" options={{}} command="limits list" code="await admin.listLimits();" />}
    >
      <Loaded query={limits}>
        {({ items, pagination, search: read }) => {
          if (items.length === 0 && page === 1 && key === undefined) {
            return (
              <Empty title="No limit yet">
                <p>A job names its limits when it is enqueued. The limits of a queue are on the page of the queue.</p>
              </Empty>
            );
          }
          return (
            <>
              <FindField name="key" label="Find a key" />
              {items.length === 0 ? (
                <Empty title={`No key has ${key} in it`} />
              ) : (
                <div className="limits">
                  <DataTable
                    label="Limits"
                    rows={items}
                    columns={columns}
                    idOf={(limit) => limit.key}
                    sorting={{
                      by: sort,
                      change: (by) =>
                        change({ sort: by === byWaiting || by === 'waiting' ? undefined : 'key', page: undefined }),
                    }}
                  />
                </div>
              )}
              {read?.complete === false && (
                <p role="status">
                  The server stopped after {formatCount(read.scanned)} of {formatCount(read.of)} keys. Other keys may
                  hold back more.
                </p>
              )}
              <Pager pagination={pagination} />
            </>
          );
        }}
      </Loaded>
    </Frame>
  );
}

const columns: readonly Column<Limit>[] = [
  {
    id: 'key',
    label: 'Key',
    align: 'clip',
    sortBy: ({ key }) => key,
    cell: ({ key, override }) => (
      <>
        <LimitLink id={key} /> {override !== null && <Badge tone="warn">overridden</Badge>}
      </>
    ),
  },
  {
    id: 'waiting',
    label: 'Held back',
    align: 'number',
    sortBy: ({ waiting_count }) => waiting_count,
    cell: ({ waiting_count }) => formatCount(waiting_count),
  },
  { id: 'running', label: 'Running', cell: (limit) => <Use limit={limit} /> },
  {
    id: 'rate',
    label: 'Starts',
    cell: ({ rate }) => (
      <span className="nowrap">
        {rate === undefined
          ? '–'
          : `${formatCount(rate.current_count)} of ${formatCount(rate.limit)} per ${formatPer(rate.period)}`}
      </span>
    ),
  },
];
