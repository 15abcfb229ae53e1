import { Link } from '@tanstack/react-router';
import type { Limit } from '../../api/answers/limits.ts';
import { useCall } from '../../api/calls.ts';
import { formatCount } from '../../format/numbers.ts';
import { formatPeriod } from '../../format/times.ts';
import { hasType } from '../../live/summary.ts';
import { useSearchTexts } from '../../search.ts';
import { Badge } from '../../ui/badge.tsx';
import { CopyAs } from '../../ui/copy.tsx';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { FindField } from '../../ui/find-field.tsx';
import { Page as Frame } from '../../ui/page.tsx';
import { Pager, usePage } from '../../ui/pager.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Use } from './use.tsx';

const perPage = 100;

export function Page() {
  const { search } = useSearchTexts();
  const page = usePage();
  const limits = useCall('limit.list', {
    query: { limit: perPage, page },
    live: (summary) => hasType(summary, 'job.'),
    keepLast: true,
  });
  const asked = (search.key ?? '').toLowerCase();
  return (
    <Frame
      title="Limits"
      lead="How many jobs of a key may run at once, or start in a period."
      actions={<CopyAs operation="limit.list" options={{}} command="limits list" code="await admin.listLimits();" />}
    >
      <Loaded query={limits}>
        {({ items, pagination }) => {
          if (items.length === 0 && page === 1) {
            return (
              <Empty title="No limit yet">
                <p>A job names its limits when it is enqueued. The limits of a queue are on the page of the queue.</p>
              </Empty>
            );
          }
          const found = items.filter(({ key }) => key.toLowerCase().includes(asked));
          return (
            <>
              <FindField name="key" label="Find a key on this page" />
              <DataTable label="Limits" rows={found} columns={columns} idOf={({ key }) => key} />
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
    cell: ({ key, override }) => (
      <>
        <Link to="/limits/$key" params={{ key }}>
          {key}
        </Link>{' '}
        {override !== null && <Badge tone="warn">overridden</Badge>}
      </>
    ),
  },
  { id: 'running', label: 'Running', cell: (limit) => <Use limit={limit} /> },
  {
    id: 'rate',
    label: 'Starts',
    cell: ({ rate }) =>
      rate === undefined
        ? '–'
        : `${formatCount(rate.current_count)} of ${formatCount(rate.limit)} per ${formatPeriod(rate.period)}`,
  },
  { id: 'waiting', label: 'Held back', align: 'number', cell: ({ waiting_count }) => formatCount(waiting_count) },
];
